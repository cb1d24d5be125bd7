"""`python -m models.voice.protocols.noise --data DIR`: accuracy and quality of the voice sense in noise.

Clips of held-out speakers of RAVDESS and EMO-DB (the corpora that are available as sound) are mixed with the noises of
the Speech Commands background and of ESC-10 at a known signal-to-noise ratio (active speech level after ITU-T P.56
against the noise during the speech), with noise alone before and after. The mixture passes through the device's own
chain: speech detector, utterances, model. The longest final observation of a clip counts; a clip without an observation
counts as not heard.

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
"""Signal-to-noise ratios, dB; None is the unmixed clip with faint hiss around it."""
COVERAGES: Final = (1.0, 0.8, 0.6, 0.4, 0.2)
"""Shares of the observations that are kept, for the report."""
_BEFORE_S: Final = 1.5
"""Duration of the noise before the clip, seconds."""
_AFTER_S: Final = 1.0
"""Duration of the noise after the clip, seconds."""
_LEVEL_DBFS: Final = -26.0
"""Active speech level, as used in ITU-T P.56 and most codec tests."""
_HISS_DBFS: Final = -75.0
"""Level of the hiss around an unmixed clip."""
_CHUNK: Final = 512
"""Samples per chunk given to the device's chain."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The result for one clip."""

    ratio: int | None
    """Signal-to-noise ratio, dB; None for an unmixed clip."""
    truth: int
    """Index of the true label."""
    decided: int | None
    """Index of the most probable label; None if the chain gave no observation."""
    quality: float
    """Quality of the observation, 0…1; 0 without an observation."""


def mixed(speech: Sound, noise: Sound, ratio: int | None, rng: np.random.Generator) -> Sound:
    """Mixes a clip with noise.

    Args:
        speech: The clip, 16 kHz.
        noise: The noise, 16 kHz; it is repeated if it is too short.
        ratio: Signal-to-noise ratio, dB; None adds only faint hiss.
        rng: Source of randomness.

    Returns:
        The mixture, 16 kHz, with noise alone before and after the clip.
    """
    before, after = round(_BEFORE_S * RATE), round(_AFTER_S * RATE)
    length = before + len(speech) + after
    speech = speech * np.float32(np.sqrt(10 ** (_LEVEL_DBFS / 10) / active_power(speech)))
    if ratio is None:
        mixture = np.float32(10 ** (_HISS_DBFS / 20)) * rng.standard_normal(length, np.float32)
    else:
        mixture = np.roll(np.resize(noise, length), int(rng.integers(length)))
        under = float(np.mean(mixture[before : before + len(speech)].astype(np.float64) ** 2))
        mixture = mixture * np.float32(np.sqrt(10 ** ((_LEVEL_DBFS - ratio) / 10) / max(under, 1e-12)))
    mixture[before : before + len(speech)] += speech
    return np.asarray(np.clip(mixture, -1, 1), np.float32)


def heard(settings: config.Voice, sound: Sound) -> Observation | None:
    """The longest final observation of the device's chain for a sound; None if there is none."""
    ears = Ears.open(settings, config.Words(enabled=False))
    found: list[Observation] = []
    for start in range(0, len(sound), _CHUNK):
        found += ears.hear(AudioChunk(sound[start : start + _CHUNK], RATE, start / RATE))
    found += ears.flush()
    # An observation before the clip begins is noise that was mistaken for a voice.
    finals = [seen for seen in found if seen.final and seen.captured_at > _BEFORE_S + 0.2]
    return max(finals, key=_duration, default=None)


def _duration(seen: Observation) -> float:
    return seen.detail.duration_s if isinstance(seen.detail, VoiceDetail) else 0.0


def held_out(folder: Path, every: int) -> Iterator[tuple[Sound, int]]:
    """Sound and label index of every `every`-th clip of the held-out speakers with one of the seven labels."""
    found = [(clip, SEVEN[clip.corpus].get(clip.name)) for clip in sounds(folder) if clip.fold == 0]
    labelled = [(clip, LABELS.index(label)) for clip, label in found if label is not None]
    for clip, truth in labelled[::every]:
        yield clip.read(), truth


def noises(data: Path) -> list[Sound]:
    """All recorded noises, 16 kHz mono."""
    import soundfile

    files = sorted((data / "noise").rglob("*.*"))
    return [soundfile.read(path, dtype="float32")[0] for path in files if path.suffix in (".opus", ".ogg", ".flac")]


def answers(data: Path, model: Path, every: int, seed: int) -> Iterator[Answer]:
    """Runs the device's chain on each clip at each ratio, each time with another noise.

    Args:
        data: Folder of all corpora.
        model: A `.tflite` file with its card.
        every: Only every `every`-th clip is used.
        seed: Seed of the position in the noise.
    """
    settings = config.Voice(model=str(model))
    recordings, rng = noises(data), np.random.default_rng(seed)
    for number, (speech, truth) in enumerate(held_out(data / "voice", every)):
        for step, ratio in enumerate(RATIOS):
            noise = recordings[(number * len(RATIOS) + step) % len(recordings)]
            seen = heard(settings, mixed(speech, noise, ratio, rng))
            decided = None if seen is None else int(np.argmax(seen.posterior))
            yield Answer(ratio, truth, decided, 0.0 if seen is None else seen.quality)


def row(given: list[Answer]) -> dict[str, float]:
    """Averages of one row of the table; recall is over all clips, quality over those with an observation."""
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
    """(n,) accuracies of the 1, 2, … n observations with the highest quality."""
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
