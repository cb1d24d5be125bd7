"""`python -m models.words.spotting --data DIR [--write]`: tunes and measures the threshold of each keyword phrase.

The threshold of a phrase is set on one half of the sound: it is the loosest one with at most one false alarm per hour,
made stricter as long as recall hardly drops. Recall and false alarms per hour are reported on the other half, which has
other actors, speakers, voices, recordings and texts. A phrase with a recall below two in five, or with more than one
false alarm per hour in the reported half, is left out and named. Words of one syllable are left out too, because a few
seconds of speech cannot measure their false alarms.

Positive clips are recordings of Speech Commands where they exist, otherwise flite's voices, three of which were trained
on recorded speakers. (pocketsphinx recognises little of espeak-ng's formant voices: the median of their scores is 10³⁰
lower.) Negative clips are RAVDESS, EMO-DB, other words of Speech Commands, flite reading comments of GoEmotions dev,
and noise. All of the sound is searched, whereas on the device a voice activity detector comes first.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge.errors import ConfigError, EdgeEmotionError
from edge.hearing.resample import RATE, Resampler
from edge.words import keywords
from edge.words.keywords import Keyword
from edge.words.text import tokens
from models.corpora import add_data_option, require
from models.words import corpora
from models.words.phrases import CANDIDATES

LOOSEST: Final = 1e-50
"""Threshold at which the phrases are searched for, before a stricter one is chosen."""
FALSE_ALARMS_AN_HOUR: Final = 1.0
"""Highest accepted rate of false alarms of a phrase."""
LEAST_RECALL: Final = 0.4
"""Lowest accepted recall of a phrase."""
KEPT: Final = 0.95
"""Share of the recall at the loosest allowed threshold that a stricter threshold must keep."""
REAL: Final = ("happy", "wow", "yes", "no", "stop")
"""Phrases of which Speech Commands has recordings."""
ONE_SYLLABLE: Final = ("wow", "yes", "no", "stop")
"""Phrases that are reported, because recordings of them are available, but never kept."""
VOICES: Final = (("slt", "awb"), ("rms", "kal16"))
"""flite's voices of the half that sets thresholds, and those of the reported half."""
STRETCHES: Final = (0.8, 0.9, 1.0, 1.1, 1.25)
"""Duration factors of flite's voices; above 1 they speak more slowly."""
COMMENTS: Final = 75
"""Number of comments that flite's voices read in each half."""

_KWS_MAX: Final = 1500
"""Offset that pocketsphinx subtracts from the logarithm of a detection's score."""
_SHIFT: Final = 1024
"""Unit of pocketsphinx's logarithm of a detection's score."""

Sound = NDArray[np.float32]


@dataclass(frozen=True)
class Clip:
    """A clip with or without one of the phrases."""

    sound: Sound
    """Samples at 16 kHz."""
    kind: str
    """Origin of the clip, for the report."""
    phrase: str | None = None
    """The spoken phrase; None if the clip contains no phrase."""
    real: bool = True
    """Whether a person was recorded."""


@dataclass
class Scores:
    """Detection scores of one phrase: log10 of the strictest threshold that still detects it."""

    positives: list[float] = field(default_factory=list)
    """Score of each clip with the phrase; −inf if it was not detected."""
    negatives: list[tuple[float, str]] = field(default_factory=list)
    """Score and origin of each false alarm."""


class Listener:
    """Runs pocketsphinx on whole clips and reports the score of each detection."""

    def __init__(self, phrases: Sequence[str]) -> None:
        loose = tuple(Keyword(phrase=phrase, threshold=LOOSEST, emotions={}) for phrase in phrases)
        self._decoder: Any = keywords._open_decoder(loose, None)
        self._unit = math.log10(math.e) * math.log(1.0001) * _SHIFT

    def hear(self, sound: Sound) -> dict[str, list[float]]:
        """Scores of all detections in a clip by phrase."""
        quiet = np.zeros(RATE // 4, np.float32)
        padded = np.clip(np.concatenate([quiet, sound, quiet]), -1, 1)
        self._decoder.start_utt()
        self._decoder.process_raw(np.asarray(padded * 32767, "<i2").tobytes(), False, True)
        self._decoder.end_utt()
        found: dict[str, list[float]] = {}
        for segment in self._decoder.seg() or ():
            score = (math.log(segment.prob) / math.log(1.0001) + _KWS_MAX) * self._unit
            found.setdefault(segment.word.strip(), []).append(score)
        return found


def half(name: str) -> int:
    """Half to which a speaker or file belongs: 0 sets thresholds, 1 is reported."""
    return zlib.crc32(name.encode()) % 2


def say(text: str, voice: str, stretch: float) -> Sound:
    """Synthesises speech with flite.

    Args:
        text: The text.
        voice: Name of flite's voice.
        stretch: Duration factor; above 1 the voice speaks more slowly.

    Returns:
        Samples at 16 kHz with a peak of 0.3.

    Raises:
        ConfigError: flite is not installed.
    """
    import soundfile

    if shutil.which("flite") is None:
        raise ConfigError("no flite here (apt-get install flite)")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "said.wav"
        command = ["flite", "-voice", voice, "--setf", f"duration_stretch={stretch}", "-t", text, "-o", str(file)]
        subprocess.run(command, capture_output=True, check=True)
        sound, rate = soundfile.read(file, dtype="float32")
    sound = np.asarray(sound, np.float32)
    sound = Resampler(rate).push(sound) if rate != RATE else sound
    return np.asarray(0.3 / max(float(np.abs(sound).max(initial=0)), 1e-6) * sound, np.float32)


def positive_clips(data: Path, phrases: Sequence[str], side: int) -> Iterator[Clip]:
    """Clips with the phrases: all recordings of a phrase, or one clip per voice and speed if there are none.

    Args:
        data: Folder of all corpora.
        phrases: The phrases.
        side: The half, 0 or 1.
    """
    for phrase in phrases:
        if phrase in REAL:
            for file in sorted((data / "words/speech_commands" / phrase).iterdir()):
                if half(file.name[:8]) == side:
                    yield Clip(_read(file), "Speech Commands", phrase)
        else:
            for voice in VOICES[side]:
                for stretch in STRETCHES:
                    yield Clip(say(phrase, voice, stretch), "flite", phrase, real=False)


def negative_clips(data: Path, phrases: Sequence[str], side: int) -> Iterator[Clip]:
    """Clips of speech and noise without any of the phrases.

    Args:
        data: Folder of all corpora.
        phrases: The phrases.
        side: The half, 0 or 1.
    """
    # RAVDESS contains only two sentences, so every second clip is enough in the reported half.
    for file in sorted((data / "voice/ravdess").glob("Actor_*/*.flac"))[:: 1 + side]:
        if int(file.parent.name[-2:]) % 2 == side:
            yield Clip(_read(file), "RAVDESS")
    for file in sorted((data / "voice/emodb").glob("*.flac")):
        if int(file.name[:2]) % 2 == side:
            yield Clip(_read(file), "EMO-DB")
    for file in sorted((data / "words/speech_commands").glob("*/*.opus")):
        if file.parent.name not in REAL and half(file.name[:8]) == side:
            yield Clip(_read(file), "Speech Commands, other words")
    for file in sorted((data / "noise").glob("*/**/*.*")):
        if file.suffix in (".opus", ".ogg") and half(file.name) == side:
            yield Clip(_read(file), "noise", real=False)
    texts = [text for text, _ in corpora.goemotions(data, "dev") if not _holds(text, phrases)]
    for i, text in enumerate(texts[side : 2 * COMMENTS : 2]):
        voice = VOICES[side][i % len(VOICES[side])]
        plain = " ".join(token for token in tokens(text) if token[0].isalpha())
        yield Clip(say(plain, voice, STRETCHES[i % len(STRETCHES)]), "flite, comments", None, False)


def listen(clips: Iterator[Clip], phrases: Sequence[str]) -> tuple[dict[str, Scores], dict[str, float]]:
    """Scores by phrase, and seconds of negative clips by their origin."""
    listener = Listener(phrases)
    scores = {phrase: Scores() for phrase in phrases}
    seconds: dict[str, float] = {}
    for clip in clips:
        found = listener.hear(clip.sound)
        if clip.phrase is not None:
            scores[clip.phrase].positives.append(max(found.get(clip.phrase, [-math.inf])))
            continue
        seconds[clip.kind] = seconds.get(clip.kind, 0.0) + len(clip.sound) / RATE
        for phrase, values in found.items():
            scores[phrase].negatives.extend((value, clip.kind) for value in values)
    return scores, seconds


def hear_half(
    data: Path, phrases: Sequence[str], side: int, kept: Path | None
) -> tuple[dict[str, Scores], dict[str, float]]:
    """Scores of one half by phrase, and seconds of its negative clips by origin.

    Args:
        data: Folder of all corpora.
        phrases: The phrases.
        side: The half, 0 or 1.
        kept: File that caches the result, so that two processes can work on the halves at the same time; None for no
            cache.
    """
    if kept is not None and kept.exists():
        saved = json.loads(kept.read_text("utf-8"))
        return {p: Scores(a, [(v, k) for v, k in b]) for p, (a, b) in saved["scores"].items()}, saved["seconds"]
    scores, _ = listen(positive_clips(data, phrases, side), phrases)
    negative, seconds = listen(negative_clips(data, phrases, side), phrases)
    for phrase in phrases:
        scores[phrase].negatives = negative[phrase].negatives
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        rows = {phrase: [found.positives, found.negatives] for phrase, found in scores.items()}
        kept.write_text(json.dumps({"scores": rows, "seconds": seconds}), "utf-8")
    return scores, seconds


def threshold(scores: Scores, hours: float) -> float | None:
    """log10 of the best threshold for a phrase; None if no threshold meets both limits.

    `hours` is the duration of the sound in which false alarms were counted.
    """
    allowed = int(FALSE_ALARMS_AN_HOUR * hours)
    alarms = sorted((value for value, _ in scores.negatives), reverse=True)
    loosest = alarms[allowed] + 0.5 if len(alarms) > allowed else math.log10(LOOSEST)
    recall = _recall(scores.positives, loosest)
    if recall < LEAST_RECALL:
        return None
    found = scores.positives
    strict = [value for value in found if value > loosest and _recall(found, value) >= KEPT * recall]
    # The middle leaves a margin for quieter voices and for sound with more false alarms.
    return round((loosest + max(strict, default=loosest)) / 2, 1)


def _recall(found: Sequence[float], mark: float) -> float:
    return sum(value >= mark for value in found) / max(1, len(found))


def _holds(text: str, phrases: Sequence[str]) -> bool:
    spoken = f" {' '.join(tokens(text))} "
    return any(f" {phrase} " in spoken for phrase in phrases if phrase not in ("yes", "no")) or "[name]" in spoken


def _read(file: Path) -> Sound:
    import soundfile

    sound, rate = soundfile.read(file, dtype="float32")
    if sound.ndim > 1:
        sound = sound.mean(axis=1)
    sound = Resampler(rate).push(np.asarray(sound, np.float32)) if rate != RATE else sound
    return np.asarray(sound, np.float32)


def toml(kept: dict[str, float]) -> str:
    """Contents of the keyword file for the kept phrases and their log10 thresholds."""
    lines = [
        "# Emotional phrases that the device spots in sound. Each word stands in pocketsphinx's English dictionary.",
        "# `threshold`: 1e-50 finds much, also what was never said; 1e50 little. Set by models.words.spotting",
        "# on real talk and flite's voices. `emotions`: probabilities; what is left of 1 is spread over all seven",
        "# labels. `intent`: what the phrase asks for, handed on with the observation.",
    ]
    for phrase, emotion, sure, intent in CANDIDATES:
        if phrase in kept:
            lines += ["", "[[keyword]]", f'phrase = "{phrase}"', f"threshold = {10.0 ** kept[phrase]:.1e}"]
            lines += [f"emotions = {{ {emotion} = {sure} }}"] + ([f'intent = "{intent}"'] if intent else [])
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m models.words.spotting", description=__doc__)
    add_data_option(parser)
    parser.add_argument("--scores", type=Path, default=Path("runs/keywords"), help="what was heard (%(default)s)")
    parser.add_argument("--half", type=int, choices=(0, 1), help="hear one half only; the other in another process")
    parser.add_argument("--write", action="store_true", help="write the thresholds into the shipped keyword file")
    arguments = parser.parse_args()
    data = require(arguments.data, "voice/ravdess").parent.parent
    phrases = [phrase for phrase, *_ in CANDIDATES]
    try:
        if arguments.half is not None:
            hear_half(data, phrases, arguments.half, arguments.scores / f"half{arguments.half}.json")
            return 0
        halves = [
            hear_half(data, phrases, side, arguments.scores and arguments.scores / f"half{side}.json")
            for side in (0, 1)
        ]
        heard, seconds = zip(*halves, strict=True)
    except EdgeEmotionError as error:
        sys.exit(f"error: {error}")
    hours = [sum(talk.values()) / 3600 for talk in seconds]
    kept: dict[str, float] = {}
    alarms: dict[str, list[str]] = {}
    print("| phrase | said by | recall | false alarms an hour | threshold |\n|---|---|---|---|---|")
    for phrase in phrases:
        tuned, held = heard[0][phrase], heard[1][phrase]
        mark = threshold(tuned, hours[0])
        by = f"{len(held.positives)} recordings" if phrase in REAL else f"{len(held.positives)} synthetic"
        if mark is None:
            print(f"| {phrase} | {by} | – | – | left out: below {LEAST_RECALL:.0%} at one alarm an hour |")
            continue
        false = [kind for value, kind in held.negatives if value >= mark]
        recall, rate = _recall(held.positives, mark), len(false) / hours[1]
        alarms[phrase] = false
        left_out = rate > FALSE_ALARMS_AN_HOUR or recall < LEAST_RECALL or phrase in ONE_SYLLABLE
        print(f"| {phrase} | {by} | {recall:.0%} | {rate:.1f} | {'left out' if left_out else f'1e{mark:+.1f}'} |")
        if not left_out:
            kept[phrase] = mark
    print(f"\n{len(kept)} phrases kept of {len(phrases)}; false alarms in the half that set no threshold:")
    for kind, s in seconds[1].items():
        every = sum(false.count(kind) for false in alarms.values())
        left = sum(false.count(kind) for phrase, false in alarms.items() if phrase in kept)
        print(f"- {kind}: {left} in {s / 3600:.2f} h ({every} with the phrases that this half left out)")
    if arguments.write:
        (Path(keywords.__file__).with_name("keywords.toml")).write_text(toml(kept), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
