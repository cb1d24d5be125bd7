"""`python -m models.voice.protocols.noise --data DIR`: what noise does to the voice sense and its quality.

Held-out speakers' clips of RAVDESS and EMO-DB (the corpora that are at hand as sound) are played into the noises of
the Speech Commands background and of ESC-10 at a known signal-to-noise ratio (active speech level after ITU-T P.56
against the noise under it), with noise alone before and after, and go through the device's own chain: speech detector,
utterances, model. The last observation of a clip counts; one in which nobody was heard is no answer.

Accuracy must rise as observations of low quality are left out (risk–coverage curve: El-Yaniv & Wiener, JMLR 11, 2010).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge import config, shipped
from edge.detail import VoiceDetail
from edge.emotions import LABELS
from edge.errors import EdgeEmotionError
from edge.observation import AudioChunk, Observation
from edge.runtime.ears import Ears
from edge.voice.logmel import RATE
from models import curve
from models.corpora import add_data_option, require
from models.voice.clips import Sound, sounds
from models.voice.data import SEVEN
from models.voice.training.levels import active_power

RATIOS: Final = (None, 20, 10, 5, 0)
"""dB; None is the clip as it was recorded, with faint hiss around it."""
COVERAGES: Final = (1.0, 0.8, 0.6, 0.4, 0.2)
_BEFORE_S: Final = 1.5
_AFTER_S: Final = 1.0
_LEVEL_DBFS: Final = -26.0
"""Active speech level, as ITU-T P.56 and most codecs' tests have it."""
_HISS_DBFS: Final = -75.0
_CHUNK: Final = 512


@dataclass(frozen=True, slots=True)
class Answer:
    """What was made of one clip."""

    ratio: int | None
    truth: int
    decided: int | None
    """None where nobody was heard."""
    quality: float


def mixed(speech: Sound, noise: Sound, ratio: int | None, rng: np.random.Generator) -> Sound:
    """A clip inside noise, at 16 kHz; noise that is too short goes round."""
    before, after = round(_BEFORE_S * RATE), round(_AFTER_S * RATE)
    length = before + len(speech) + after
    speech = speech * np.float32(np.sqrt(10 ** (_LEVEL_DBFS / 10) / active_power(speech)))
    if ratio is None:
        room = np.float32(10 ** (_HISS_DBFS / 20)) * rng.standard_normal(length, np.float32)
    else:
        room = np.roll(np.resize(noise, length), int(rng.integers(length)))
        under = float(np.mean(room[before : before + len(speech)].astype(np.float64) ** 2))
        room = room * np.float32(np.sqrt(10 ** ((_LEVEL_DBFS - ratio) / 10) / max(under, 1e-12)))
    room[before : before + len(speech)] += speech
    return np.asarray(np.clip(room, -1, 1), np.float32)


def heard(settings: config.Voice, sound: Sound) -> Observation | None:
    """The device's last word on a sound."""
    ears = Ears.open(settings, config.Words(enabled=False))
    found: list[Observation] = []
    for start in range(0, len(sound), _CHUNK):
        found += ears.hear(AudioChunk(sound[start : start + _CHUNK], RATE, start / RATE))
    found += ears.flush()
    # What is heard before the clip begins is noise taken for a voice.
    finals = [seen for seen in found if seen.final and seen.captured_at > _BEFORE_S + 0.2]
    return max(finals, key=_duration, default=None)


def _duration(seen: Observation) -> float:
    return seen.detail.duration_s if isinstance(seen.detail, VoiceDetail) else 0.0


def held_out(folder: Path, every: int) -> Iterator[tuple[Sound, int]]:
    """Every so many-th of the held-out speakers' clips that have one of the seven labels, and which."""
    found = [(clip, SEVEN[clip.corpus].get(clip.name)) for clip in sounds(folder) if clip.fold == 0]
    labelled = [(clip, LABELS.index(label)) for clip, label in found if label is not None]
    for clip, truth in labelled[::every]:
        yield clip.read(), truth


def noises(data: Path) -> list[Sound]:
    """All noises, 16 kHz mono."""
    import soundfile

    files = sorted((data / "noise").rglob("*.*"))
    return [soundfile.read(path, dtype="float32")[0] for path in files if path.suffix in (".opus", ".ogg", ".flac")]


def answers(data: Path, model: Path, every: int, seed: int) -> Iterator[Answer]:
    """Each clip at each ratio, every time in another noise."""
    settings = config.Voice(model=str(model))
    rooms, rng = noises(data), np.random.default_rng(seed)
    for number, (speech, truth) in enumerate(held_out(data / "voice", every)):
        for step, ratio in enumerate(RATIOS):
            room = rooms[(number * len(RATIOS) + step) % len(rooms)]
            seen = heard(settings, mixed(speech, room, ratio, rng))
            decided = None if seen is None else int(np.argmax(seen.posterior))
            yield Answer(ratio, truth, decided, 0.0 if seen is None else seen.quality)


def row(given: list[Answer]) -> dict[str, float]:
    """Recall is over all clips, those in which nobody was heard included; quality of those that were."""
    truths = sorted({one.truth for one in given})
    recalls = [np.mean([one.decided == one.truth for one in given if one.truth == truth]) for truth in truths]
    found = [one for one in given if one.decided is not None]
    right = float(np.mean([one.decided == one.truth for one in found])) if found else 0.0
    return {
        "n": len(given),
        "heard": round(len(found) / len(given), 4),
        "uar": round(float(np.mean(recalls)), 4),
        "accuracy_heard": round(right, 4),
        "quality": round(float(np.mean([one.quality for one in found])), 4) if found else 0.0,
    }


def coverage(given: list[Answer]) -> NDArray[np.float64]:
    """(n,): accuracy of the 1, 2, … n observations of the best quality."""
    found = sorted((one for one in given if one.decided is not None), key=lambda one: -one.quality)
    right = np.array([one.decided == one.truth for one in found], np.float64)
    return np.asarray(np.cumsum(right) / np.arange(1, len(right) + 1))


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m models.voice.protocols.noise",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_data_option(parser)
    parser.add_argument("--model", type=Path, default=shipped.model("voice", "voice"), help="a .tflite with its card")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every N-th clip (%(default)s)")
    parser.add_argument("--seed", type=int, default=4, help="of the places in the noise (%(default)s)")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="write the curve as a picture")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    arguments = parser.parse_args()
    try:
        folder = require(arguments.data, "voice").parent
        require(arguments.data, "noise")
        given = list(answers(folder, arguments.model, max(1, arguments.every), arguments.seed))
    except EdgeEmotionError as error:
        sys.exit(f"error: {error}")
    if not arguments.json:
        print("SNR dB   clips   heard     UAR  accuracy of what was heard  mean quality")
    for ratio in RATIOS:
        found = row([one for one in given if one.ratio == ratio])
        if arguments.json:
            print(json.dumps({"snr_db": ratio, **found}))
        else:
            name = "clean" if ratio is None else str(ratio)
            print(
                f"{name:>6}  {found['n']:>6}  {found['heard']:>6.1%}  {found['uar']:>6.1%}  "
                f"{found['accuracy_heard']:>26.1%}  {found['quality']:>12.2f}"
            )
    accuracy = coverage(given)
    kept = {share: round(float(accuracy[max(0, round(share * len(accuracy)) - 1)]), 4) for share in COVERAGES}
    if arguments.json:
        print(json.dumps({"coverage": kept}))
    else:
        print("accuracy of the best:", ", ".join(f"{share:.0%} {value:.1%}" for share, value in kept.items()))
    if arguments.svg:
        lines = [
            curve.Line("by quality", accuracy),
            curve.Line("all alike", np.full(len(accuracy), accuracy[-1]), True),
        ]
        arguments.svg.write_text(curve.picture(lines, "Voice in noise: accuracy over the share kept"), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
