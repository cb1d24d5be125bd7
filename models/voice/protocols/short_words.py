"""`python -m models.voice.protocols.short_words --data DIR --json`: single words found by the speech detection.

Words of Speech Commands (Warden, 2018) and the last words of TESS's sentences ("say the word …") stand alone in a quiet
or noisy room, at several levels, as a device receives them. A word is found if an utterance ends after its beginning.
Where nobody speaks, utterances of the recorded noises alone are counted.

The constants of `edge.hearing` were chosen with every second word of Speech Commands, one of TESS's two speakers and
every second noise. Each row says whether it is of that half (`chosen on`) or of the other (`held out`).
"""

from __future__ import annotations

import argparse
import json
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from edge.errors import EdgeEmotionError
from edge.hearing.hearing import Hearing
from edge.hearing.listener import Step
from edge.hearing.resample import RATE
from edge.hearing.utterance import SpeechSegment
from edge.observation import AudioChunk, Observation
from models.corpora import add_data_option, require
from models.voice.clips import Sound
from models.voice.training.levels import active_power

ROOMS: Final = ((-26.0, None), (-40.0, None), (-36.0, 15.0))
"""Active speech level in dBFS, and signal-to-noise ratio in dB; None is a quiet room with faint hiss."""
_BEFORE_S, _AFTER_S = 2.5, 1.0
"""Seconds of the room before and after the word."""
_HISS_DBFS: Final = -75.0
"""Level of the hiss of a quiet room."""
_CHUNK: Final = 512
"""Samples per chunk that the detection receives."""
_SHORTEST_S, _LONGEST_S = 0.3, 0.75
"""Limits of the length of TESS's last word, within which the softest moment is taken as its beginning."""
_MARGIN_S: Final = 0.1
"""Seconds that are kept after the last word of TESS."""
_ACTIVE: Final = 1e-3
"""Power, relative to the loudest moment, above which TESS's sentence counts as not yet ended."""


@dataclass(frozen=True, slots=True)
class Word:
    """A recorded word."""

    corpus: str
    """`Speech Commands` or `TESS`."""
    name: str
    """Name of the recording."""
    sound: Sound
    """The word, 16 kHz."""
    held_out: bool
    """Whether no constant was chosen with words of its kind."""


class _Counter:
    """Keeps the final utterances."""

    def __init__(self) -> None:
        self.finals: list[SpeechSegment] = []

    def on_step(self, step: Step) -> tuple[Observation, ...]:
        return self.on_end(step.segment)

    def on_end(self, segment: SpeechSegment | None) -> tuple[Observation, ...]:
        if segment is not None and segment.final:
            self.finals.append(segment)
        return ()


def utterances(sound: Sound) -> list[SpeechSegment]:
    """Final utterances that the device's speech detection finds in a sound, 16 kHz."""
    counter = _Counter()
    hearing = Hearing([counter])
    for start in range(0, len(sound), _CHUNK):
        hearing.hear(AudioChunk(sound[start : start + _CHUNK], RATE, start / RATE))
    hearing.flush()
    return counter.finals


def last_word(sentence: Sound) -> Sound:
    """The last word of a sentence, from the softest moment before it on."""
    power = np.convolve(sentence.astype(np.float64) ** 2, np.ones(RATE // 50) / (RATE // 50), "same")
    end = int(np.flatnonzero(power > power.max() * _ACTIVE)[-1])
    first, last = (max(0, end - round(seconds * RATE)) for seconds in (_LONGEST_S, _SHORTEST_S))
    begin = first + int(np.argmin(power[first : last + 1]))
    return sentence[begin : end + round(_MARGIN_S * RATE)]


def words(data: Path, every: int) -> Iterator[Word]:
    """Every `every`-th word of both corpora; of Speech Commands' "happy" at most ten."""
    found: list[tuple[str, Path, bool]] = []
    folders = sorted(path for path in (data / "words/speech_commands").iterdir() if path.is_dir())
    for number, folder in enumerate(folders):
        files = sorted(folder.glob("*.opus"))[:10]
        found += [("Speech Commands", file, number % 2 == 1) for file in files]
    found += [("TESS", file, not file.name.startswith("OAF")) for file in sorted((data / "voice/tess").glob("*.opus"))]
    for corpus, file, held_out in found[::every]:
        sound = _read(file)
        word = last_word(sound) if corpus == "TESS" else sound
        yield Word(corpus, f"{file.parent.name}/{file.stem}", word, held_out)


def in_room(word: Word, level: float, ratio: float | None, noise: Sound) -> Sound:
    """A word in a room, 16 kHz; the same word always at the same place of the noise.

    Args:
        word: The word.
        level: Active speech level in dBFS.
        ratio: Signal-to-noise ratio in dB; None is a quiet room.
        noise: Recorded noise, 16 kHz.
    """
    rng = np.random.default_rng(zlib.crc32(word.name.encode()) + round(-level))
    speech = word.sound * np.float32(np.sqrt(10 ** (level / 10) / max(active_power(word.sound), 1e-12)))
    before = round(_BEFORE_S * RATE)
    room = rng.standard_normal(before + len(speech) + round(_AFTER_S * RATE), np.float32)
    room *= np.float32(10 ** (_HISS_DBFS / 20))
    if ratio is not None:
        room = np.roll(np.resize(noise, len(room)), int(rng.integers(len(room))))
        under = float(np.mean(room[before : before + len(speech)].astype(np.float64) ** 2))
        room = room * np.float32(np.sqrt(10 ** ((level - ratio) / 10) / max(under, 1e-12)))
    room[before : before + len(speech)] += speech
    return np.asarray(np.clip(room, -1, 1), np.float32)


def is_found(sound: Sound) -> bool:
    """Whether an utterance ends after the beginning of the word."""
    return any(found.ends_at > _BEFORE_S + 0.1 for found in utterances(sound))


def rows(data: Path, every: int) -> Iterator[dict[str, object]]:
    """The rows of the report: words found, and false utterances of noise, of both halves."""
    recordings = [path for path in sorted((data / "noise").rglob("*.*")) if path.suffix in (".opus", ".ogg", ".flac")]
    rooms = [_read(path) for path in recordings if path.parent.name == "speech_commands_background"]
    found: dict[tuple[str, bool, float, float | None], list[bool]] = {}
    for number, word in enumerate(words(data, every)):
        # The noises of both halves alternate as well.
        noise = rooms[(2 * number + word.held_out) % len(rooms)]
        for level, ratio in ROOMS:
            key = (word.corpus, word.held_out, level, ratio)
            found.setdefault(key, []).append(is_found(in_room(word, level, ratio, noise)))
    for (corpus, held_out, level, ratio), outcomes in found.items():
        yield {
            "corpus": corpus,
            "half": "held out" if held_out else "chosen on",
            "level_dbfs": level,
            "snr_db": ratio,
            "n": len(outcomes),
            "found": round(float(np.mean(outcomes)), 4),
        }
    for held_out in (False, True):
        sounds = [_read(path) for path in recordings[held_out::2]]
        yield {
            "noise": "held out" if held_out else "chosen on",
            "n": len(sounds),
            "minutes": round(sum(map(len, sounds)) / RATE / 60, 2),
            "false_utterances": sum(len(utterances(sound)) for sound in sounds),
        }


def _read(path: Path) -> Sound:
    import soundfile

    return np.asarray(soundfile.read(path, dtype="float32")[0])


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m models.voice.protocols.short_words",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_data_option(parser)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every N-th word (%(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    arguments = parser.parse_args()
    folder = require(arguments.data, "words/speech_commands").parents[1]
    require(arguments.data, "voice/tess")
    require(arguments.data, "noise")
    try:
        for row in rows(folder, max(1, arguments.every)):
            print(json.dumps(row) if arguments.json else "  ".join(f"{name} {value}" for name, value in row.items()))
    except EdgeEmotionError as error:
        sys.exit(f"error: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
