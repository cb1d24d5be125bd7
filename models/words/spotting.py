"""`python -m models.words.spotting --data DIR [--write]`: a threshold for each spoken phrase, and what it is worth.

One half of the sound sets a phrase's threshold: the loosest that leaves at most one false alarm an hour, made
stricter for as long as what was said is still found. The other half (other actors, speakers, voices, recordings and
texts) is what is reported: recall, and false alarms an hour. A phrase that is found less than two times in five, or
raises more alarms than one an hour in the reported half of the talk, is left out and named; so is a word of one
syllable, of which a few seconds of talk are no measure.

Said: recordings of Speech Commands where there are any, else flite's voices, three of which were learnt from persons
who read (of espeak-ng's formant voices pocketsphinx hears little: the median of their scores is 10³⁰ lower). Not said:
RAVDESS, EMO-DB, other words of Speech Commands, flite reading comments of GoEmotions dev, and noise. The whole sound is
listened to; on the device voice activity stands before it.
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
FALSE_ALARMS_AN_HOUR: Final = 1.0
LEAST_RECALL: Final = 0.4
KEPT: Final = 0.95
"""Of the recall that the loosest allowed threshold gives, the strictest one must keep so much."""
REAL: Final = ("happy", "wow", "yes", "no", "stop")
ONE_SYLLABLE: Final = ("wow", "yes", "no", "stop")
"""Reported, because recordings of them are at hand, but never kept."""
VOICES: Final = (("slt", "awb"), ("rms", "kal16"))
"""Which set thresholds, and which are reported."""
STRETCHES: Final = (0.8, 0.9, 1.0, 1.1, 1.25)
"""How slowly they speak."""
COMMENTS: Final = 75
"""Comments that they read in each half."""

_KWS_MAX: Final = 1500
_SHIFT: Final = 1024
"""pocketsphinx keeps a detection's score as a logarithm, 1,500 lower, in units of 1,024."""

Sound = NDArray[np.float32]


@dataclass(frozen=True)
class Clip:
    """A sound in which `said` is what is said (None: nothing of the phrases)."""

    sound: Sound
    kind: str
    said: str | None = None
    real: bool = True


@dataclass
class Scores:
    """log10 of the strictest threshold that still finds a phrase: where it was said, and where it was not."""

    said: list[float] = field(default_factory=list)
    not_said: list[tuple[float, str]] = field(default_factory=list)


class Listener:
    """pocketsphinx on whole clips, with the score of each detection."""

    def __init__(self, phrases: Sequence[str]) -> None:
        loose = tuple(Keyword(phrase=phrase, threshold=LOOSEST, emotions={}) for phrase in phrases)
        self._decoder: Any = keywords._open_decoder(loose, None)
        self._unit = math.log10(math.e) * math.log(1.0001) * _SHIFT

    def hear(self, sound: Sound) -> dict[str, list[float]]:
        """Scores of all detections of each phrase."""
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
    """0 sets thresholds, 1 is reported; the same speaker always falls on the same side."""
    return zlib.crc32(name.encode()) % 2


def say(text: str, voice: str, stretch: float) -> Sound:
    """flite's voice at 16 kHz, its loudest sample 0.3. Raises `ConfigError`."""
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


def said(data: Path, phrases: Sequence[str], side: int) -> Iterator[Clip]:
    """Each phrase as often as there are recordings of it, else by each voice and speed."""
    for phrase in phrases:
        if phrase in REAL:
            for file in sorted((data / "words/speech_commands" / phrase).iterdir()):
                if half(file.name[:8]) == side:
                    yield Clip(_read(file), "Speech Commands", phrase)
        else:
            for voice in VOICES[side]:
                for stretch in STRETCHES:
                    yield Clip(say(phrase, voice, stretch), "flite", phrase, real=False)


def not_said(data: Path, phrases: Sequence[str], side: int) -> Iterator[Clip]:
    """Talk and noise without any of the phrases."""
    # Of the reported half every second clip: RAVDESS says but two sentences.
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
    """Scores by phrase, and seconds of sound by kind."""
    listener = Listener(phrases)
    scores = {phrase: Scores() for phrase in phrases}
    seconds: dict[str, float] = {}
    for clip in clips:
        found = listener.hear(clip.sound)
        if clip.said is not None:
            scores[clip.said].said.append(max(found.get(clip.said, [-math.inf])))
            continue
        seconds[clip.kind] = seconds.get(clip.kind, 0.0) + len(clip.sound) / RATE
        for phrase, values in found.items():
            scores[phrase].not_said.extend((value, clip.kind) for value in values)
    return scores, seconds


def hear_half(
    data: Path, phrases: Sequence[str], side: int, kept: Path | None
) -> tuple[dict[str, Scores], dict[str, float]]:
    """All scores of one half and seconds by kind; kept as a file, so that the halves can be heard side by side."""
    if kept is not None and kept.exists():
        saved = json.loads(kept.read_text("utf-8"))
        return {p: Scores(a, [(v, k) for v, k in b]) for p, (a, b) in saved["scores"].items()}, saved["seconds"]
    scores, _ = listen(said(data, phrases, side), phrases)
    negative, seconds = listen(not_said(data, phrases, side), phrases)
    for phrase in phrases:
        scores[phrase].not_said = negative[phrase].not_said
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        rows = {phrase: [found.said, found.not_said] for phrase, found in scores.items()}
        kept.write_text(json.dumps({"scores": rows, "seconds": seconds}), "utf-8")
    return scores, seconds


def threshold(scores: Scores, hours: float) -> float | None:
    """log10 of the threshold; None where none finds enough at so few false alarms."""
    allowed = int(FALSE_ALARMS_AN_HOUR * hours)
    alarms = sorted((value for value, _ in scores.not_said), reverse=True)
    loosest = alarms[allowed] + 0.5 if len(alarms) > allowed else math.log10(LOOSEST)
    recall = _recall(scores.said, loosest)
    if recall < LEAST_RECALL:
        return None
    strict = [value for value in scores.said if value > loosest and _recall(scores.said, value) >= KEPT * recall]
    # Half-way, so that a quieter voice and an unluckier hour both have room.
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
    """The keyword file of phrases and log10 thresholds."""
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
        by = f"{len(held.said)} recordings" if phrase in REAL else f"{len(held.said)} synthetic"
        if mark is None:
            print(f"| {phrase} | {by} | – | – | left out: below {LEAST_RECALL:.0%} at one alarm an hour |")
            continue
        false = [kind for value, kind in held.not_said if value >= mark]
        recall, rate = _recall(held.said, mark), len(false) / hours[1]
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
