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
from edge.errors import ConfigError, MissingExtraError, SourceError
from edge.health import catalogue
from edge.health.registry import Registry
from edge.hearing.listener import Step
from edge.hearing.utterance import SpeechSegment
from edge.observation import Observation

QUALITY: Final = 0.4
"""Quality of each observation: a phrase alone is weaker evidence than a sentence, and some detections are false."""

_RATE: Final = 16_000
"""Sampling rate in Hz."""
_FRAME_S: Final = 0.01
"""Length of a frame of the decoder in seconds."""
_BLOCK_SAMPLES: Final = 1600
"""Samples passed to the decoder at once: 0.1 s."""
_LOOK_BACK_S: Final = 0.8
"""Seconds of sound before the detected start of speech that are searched, too.

The speech detector lags 0.35 s, its onset takes 0.1 s, and phrases begin softly.
"""


class Keyword(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One phrase of a keyword file."""

    phrase: Annotated[str, Meta(pattern=r"^[a-z']+( [a-z']+)*$")]
    """The phrase in lower case; each word must be in the recogniser's dictionary."""
    threshold: Annotated[float, Meta(gt=0, le=1e50)]
    """Detection threshold; a smaller one detects more, including more false detections."""
    emotions: dict[str, Annotated[float, Meta(ge=0, le=1)]]
    """Label → probability; the remainder to 1 is spread evenly over all seven labels."""
    intent: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]*$")] | None = None
    """What the phrase asks the robot to do (`help`, `stop`); reported with the observation."""

    @property
    def posterior(self) -> tuple[float, ...]:
        """Seven probabilities in the order of `edge.emotions.LABELS`."""
        rest = (1.0 - sum(self.emotions.values())) / COUNT
        return tuple(self.emotions.get(label, 0.0) + rest for label in LABELS)


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keyword: Annotated[tuple[Keyword, ...], Meta(min_length=1)]


def read(file: Path | None = None) -> tuple[Keyword, ...]:
    """Reads the phrases of a keyword file, or of the shipped one if `file` is None. Raises `ConfigError`."""
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
    """Spots phrases in speech with pocketsphinx and its bundled English model. Not thread-safe.

    It decodes only while somebody speaks. Sound is kept no longer than the look-back.
    """

    def __init__(self, file: Path | None = None, registry: Registry | None = None) -> None:
        """`file`: the keyword file; None for the shipped one. Raises `ConfigError`, `MissingExtraError`."""
        self._keywords = {keyword.phrase: keyword for keyword in read(file)}
        self._decoder = _open_decoder(tuple(self._keywords.values()), file)
        self._registry = registry or Registry()
        self._buffer: deque[NDArray[np.float32]] = deque()
        self._buffered_samples = 0
        self._listening = False
        self._utterance_start = 0.0
        self._last_detection_end = -math.inf

    @property
    def phrases(self) -> tuple[str, ...]:
        """The phrases that are spotted."""
        return tuple(self._keywords)

    def hear(self, samples: NDArray[np.float32], captured_at: float, speaking: bool) -> tuple[Observation, ...]:
        """Searches the next samples of the stream.

        Args:
            samples: (n,) float32 at 16 kHz, −1…1.
            captured_at: Time of the first sample in seconds.
            speaking: Whether an utterance is in progress.

        Returns:
            An observation for each phrase that ended in these samples or shortly before.
        """
        self._buffer.append(samples)
        self._buffered_samples += len(samples)
        if not speaking:
            found = self._finish() if self._listening else ()
            while self._buffer and self._buffered_samples - len(self._buffer[0]) >= _LOOK_BACK_S * _RATE:
                self._buffered_samples -= len(self._buffer.popleft())
            return found
        if not self._listening:
            self._listening = True
            self._start(captured_at + (len(samples) - self._buffered_samples) / _RATE)
        return self._listen() if self._buffered_samples >= _BLOCK_SAMPLES else ()

    def flush(self) -> tuple[Observation, ...]:
        """Returns the remaining observations of an utterance in progress and resets the spotter."""
        found = self._finish() if self._listening else ()
        self._buffer.clear()
        self._buffered_samples = 0
        self._last_detection_end = -math.inf
        return found

    def on_step(self, step: Step) -> tuple[Observation, ...]:
        """Observations of phrases that ended in this step, or shortly before it."""
        return self.hear(step.samples, step.starts_at, step.speaking)

    def on_end(self, segment: SpeechSegment | None) -> tuple[Observation, ...]:
        """Observations of phrases in an utterance that was cut off."""
        return self.flush()

    def _start(self, began_at: float) -> None:
        self._utterance_start = began_at
        self._decoder.start_utt()

    def _listen(self) -> tuple[Observation, ...]:
        with self._registry.time(catalogue.KEYWORDS):
            sound = np.concatenate(self._buffer)
            self._buffer.clear()
            self._buffered_samples = 0
            self._decoder.process_raw(np.asarray(np.clip(sound, -1, 1) * 32767, "<i2").tobytes(), False, False)
            if self._decoder.hyp() is None:
                return ()
            # The decoder reports a phrase once per utterance, so a new one is started to find the phrase again.
            heard_until = self._utterance_start + self._decoder.n_frames() * _FRAME_S
            found = self._detections()
            self._decoder.end_utt()
            self._start(heard_until)
            return found

    def _finish(self) -> tuple[Observation, ...]:
        found = self._listen() if self._buffered_samples else ()
        with self._registry.time(catalogue.KEYWORDS):
            self._decoder.end_utt()
            self._listening = False
            return found + self._detections()

    def _detections(self) -> tuple[Observation, ...]:
        observations = []
        for segment in self._decoder.seg() or ():
            keyword = self._keywords.get(segment.word.strip())
            ended_at = self._utterance_start + (segment.end_frame + 1) * _FRAME_S
            if keyword is None or ended_at <= self._last_detection_end:
                continue
            self._last_detection_end = ended_at
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
    """Raises `ConfigError`, `MissingExtraError`, and `SourceError` without space for temporary files."""
    try:
        import pocketsphinx
    except ImportError as error:
        raise MissingExtraError("spotting spoken keywords", "keywords") from error
    try:
        return _make_decoder(pocketsphinx, keywords, file)
    except OSError as error:
        raise SourceError(
            f"keywords need a folder for temporary files: {error.strerror or error}; free some space or set TMPDIR"
        ) from error


def _make_decoder(pocketsphinx: Any, keywords: tuple[Keyword, ...], file: Path | None) -> Any:
    words = {word for keyword in keywords for word in keyword.phrase.split()}
    with tempfile.TemporaryDirectory() as folder:
        # Only the words of the phrases: the whole dictionary of 134,000 words takes most of the memory and start-up
        # time.
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
    """The lines of the recogniser's dictionary for `words`. Raises `ConfigError` for a word that is not in it."""
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
