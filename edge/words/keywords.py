"""Spoken keywords: emotional phrases spotted in the sound itself, for robots without a speech recogniser."""

from __future__ import annotations

import math
import tempfile
import tomllib
from collections import deque
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import numpy as np
from msgspec import UNSET, Meta
from numpy.typing import NDArray

from edge.detail import KeywordDetail
from edge.emotions import COUNT, LABELS
from edge.errors import ConfigError, MissingExtraError
from edge.health import catalogue
from edge.health.registry import Registry
from edge.hearing.listener import Step
from edge.hearing.utterance import SpeechSegment
from edge.observation import Observation

QUALITY: Final = 0.4
"""A phrase alone says less than a sentence, and one in some is misheard."""

_RATE: Final = 16_000
_FRAME_S: Final = 0.01
_BLOCK: Final = 1600
"""Samples handed on at once: 0.1 s."""
_LOOK_BACK_S: Final = 0.8
"""Heard before speech was found: the speech detector lags 0.35 s, its onset takes 0.1 s, phrases begin softly."""


class Keyword(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One phrase of a keyword file."""

    phrase: Annotated[str, Meta(pattern=r"^[a-z']+( [a-z']+)*$")]
    """Small letters; each word stands in the recogniser's dictionary."""
    threshold: Annotated[float, Meta(gt=0, le=1e50)]
    """Of the detection; smaller finds more, and more that was never said."""
    emotions: dict[str, Annotated[float, Meta(ge=0, le=1)]]
    """Label → probability; what is left of 1 is spread over all seven."""
    intent: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]*$")] | None = None
    """What the phrase asks for (`help`, `stop`), for the robot to act on; handed on with the observation."""

    @property
    def posterior(self) -> tuple[float, ...]:
        rest = (1.0 - sum(self.emotions.values())) / COUNT
        return tuple(self.emotions.get(label, 0.0) + rest for label in LABELS)


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keyword: Annotated[tuple[Keyword, ...], Meta(min_length=1)]


def read(file: Path | None = None) -> tuple[Keyword, ...]:
    """The phrases of a keyword file, of the shipped one for None. Raises `ConfigError`."""
    source = file or Path(str(resources.files("edge.words"))) / "keywords.toml"
    try:
        keywords = msgspec.convert(tomllib.loads(source.read_text(encoding="utf-8")), _File).keyword
    except OSError as error:
        raise ConfigError(f"keyword file {source}: {error.strerror}; words.keyword_file names it") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"keyword file {source}: {error}") from error
    for keyword in keywords:
        unknown = sorted(set(keyword.emotions) - set(LABELS))
        if unknown:
            raise ConfigError(f"keyword file {source}: {keyword.phrase!r} names {unknown[0]!r}, not one of {LABELS}")
        if sum(keyword.emotions.values()) > 1 + 1e-9:
            raise ConfigError(f"keyword file {source}: the emotions of {keyword.phrase!r} add up to more than 1")
    return keywords


class KeywordSpotter:
    """Spots phrases in speech with pocketsphinx and the English model it carries. Not thread-safe.

    It listens only while somebody speaks. The sound is kept no longer than the look-back.
    """

    def __init__(self, file: Path | None = None, registry: Registry | None = None) -> None:
        """`file`: phrases; the shipped ones for None. Raises `ConfigError`, `MissingExtraError`."""
        self._keywords = {keyword.phrase: keyword for keyword in read(file)}
        self._decoder = _open_decoder(tuple(self._keywords.values()), file)
        self._registry = registry or Registry()
        self._held: deque[NDArray[np.float32]] = deque()
        self._held_samples = 0
        self._listening = False
        self._began_at = 0.0
        self._last_at = -math.inf

    @property
    def phrases(self) -> tuple[str, ...]:
        return tuple(self._keywords)

    def hear(self, samples: NDArray[np.float32], captured_at: float, speaking: bool) -> tuple[Observation, ...]:
        """Phrases that ended in (n,) samples at 16 kHz or shortly before.

        `captured_at`: seconds, of the first sample; `speaking`: whether an utterance is going on.
        """
        self._held.append(samples)
        self._held_samples += len(samples)
        if not speaking:
            found = self._finish() if self._listening else ()
            while self._held and self._held_samples - len(self._held[0]) >= _LOOK_BACK_S * _RATE:
                self._held_samples -= len(self._held.popleft())
            return found
        if not self._listening:
            self._listening = True
            self._start(captured_at + (len(samples) - self._held_samples) / _RATE)
        return self._listen() if self._held_samples >= _BLOCK else ()

    def flush(self) -> tuple[Observation, ...]:
        """What is still to be said of an utterance that was going on; then starts afresh."""
        found = self._finish() if self._listening else ()
        self._held.clear()
        self._held_samples = 0
        self._last_at = -math.inf
        return found

    def on_step(self, step: Step) -> tuple[Observation, ...]:
        """Phrases that ended in a step of hearing, or shortly before it."""
        return self.hear(step.samples, step.starts_at, step.speaking)

    def on_end(self, segment: SpeechSegment | None) -> tuple[Observation, ...]:
        """Phrases of an utterance that was cut off."""
        return self.flush()

    def _start(self, began_at: float) -> None:
        self._began_at = began_at
        self._decoder.start_utt()

    def _listen(self) -> tuple[Observation, ...]:
        with self._registry.time(catalogue.KEYWORDS):
            sound = np.concatenate(self._held)
            self._held.clear()
            self._held_samples = 0
            self._decoder.process_raw(np.asarray(np.clip(sound, -1, 1) * 32767, "<i2").tobytes(), False, False)
            if self._decoder.hyp() is None:
                return ()
            # A new utterance, so that the same phrase can be found again.
            heard_until = self._began_at + self._decoder.n_frames() * _FRAME_S
            found = self._found()
            self._decoder.end_utt()
            self._start(heard_until)
            return found

    def _finish(self) -> tuple[Observation, ...]:
        found = self._listen() if self._held_samples else ()
        with self._registry.time(catalogue.KEYWORDS):
            self._decoder.end_utt()
            self._listening = False
            return found + self._found()

    def _found(self) -> tuple[Observation, ...]:
        observations = []
        for segment in self._decoder.seg() or ():
            keyword = self._keywords.get(segment.word.strip())
            ended_at = self._began_at + (segment.end_frame + 1) * _FRAME_S
            if keyword is None or ended_at <= self._last_at:
                continue
            self._last_at = ended_at
            observations.append(
                Observation(
                    sense="words",
                    captured_at=ended_at,
                    posterior=keyword.posterior,
                    quality=QUALITY,
                    detail=KeywordDetail(keyword=keyword.phrase, intent=keyword.intent or UNSET),
                )
            )
        return tuple(observations)


def _open_decoder(keywords: tuple[Keyword, ...], file: Path | None) -> Any:
    try:
        import pocketsphinx
    except ImportError as error:
        raise MissingExtraError("spotting spoken keywords", "keywords") from error
    words = {word for keyword in keywords for word in keyword.phrase.split()}
    with tempfile.TemporaryDirectory() as folder:
        # Only the words at hand: the whole dictionary of 134,000 takes most of the memory and start-up time.
        dictionary = Path(folder) / "words.dict"
        dictionary.write_text(_pronunciations(pocketsphinx, words, file), encoding="utf-8")
        phrases = Path(folder) / "phrases.kws"
        phrases.write_text("".join(f"{k.phrase} /{k.threshold:.3g}/\n" for k in keywords), encoding="utf-8")
        return pocketsphinx.Decoder(
            hmm=pocketsphinx.get_model_path("en-us/en-us"),
            dict=str(dictionary),
            kws=str(phrases),
            lm=None,
            loglevel="FATAL",
        )


def _pronunciations(pocketsphinx: Any, words: set[str], file: Path | None) -> str:
    """The lines of the recogniser's dictionary for `words`. Raises `ConfigError` for a word it lacks."""
    lines = []
    known = set()
    with Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict")).open(encoding="utf-8") as dictionary:
        for line in dictionary:
            word = line.split(" ", 1)[0].split("(", 1)[0]
            if word in words:
                lines.append(line.rstrip("\n") + "\n")
                known.add(word)
    if words - known:
        raise ConfigError(
            f"keyword file {file or 'keywords.toml'}: the dictionary of pocketsphinx has no {min(words - known)!r}; "
            "write the phrase with other words"
        )
    return "".join(lines)
