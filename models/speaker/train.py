"""Trains the speaker attribution on scenes composed of GRID and CREMA-D, and writes `speaker.json` and `folds.json`.

Both steps are small convex problems that are solved exactly, so the same clips always give the same numbers. For each
group of three of the six GRID talkers, `folds.json` has the model that was trained without them, and one that was
trained without CREMA-D; `python -m models.fusion.speakers` measures with those.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from converters.cards import write_whole
from edge.inference.card import Corpus
from edge.speaker.model import Parameters
from edge.speaker.synchrony import FEATURES, Scale
from models.command import one_line_errors
from models.corpora import add_data_option, require
from models.speaker import choice, clips, fit, noise
from models.speaker.choice import Choice
from models.speaker.clips import Clip
from models.speaker.scenes import TRAINED_KINDS, Scene, plan

FOLDER: Final = Path(__file__).parent
"""Where both files are written by default."""
LEAST_PERSON: Final = 0.6
"""Least probability at which a person is named. It is set rather than fitted: on three talkers the threshold that keeps
errors rare varies from 0.68 to 0.92 between folds, which says more about the talkers than about strangers."""
LEAST_OFF_SCREEN: Final = 0.5
"""Least probability at which a voice is said to come from nobody in the image, which harms no person."""
DECIDED_AFTER_S: Final = 0.5
"""Each moment of speech is decided this many seconds later."""

_SCENES: Final = 10
"""Number of training scenes of each kind."""
_MOMENTS: Final = 6
"""Number of moments of each utterance from which is learnt."""
_MARGIN_S: Final = 0.3
"""Seconds before an utterance that are compared, as on the device."""


class Folds(msgspec.Struct, frozen=True, kw_only=True):
    """Models for measuring: each was trained without the talkers in its key."""

    models: dict[str, Parameters]
    """Names of the talkers that were left out, joined by a space, → the model."""


def key(talkers: Sequence[str]) -> str:
    """The key in `Folds.models` of the model that was trained without these talkers."""
    return " ".join(sorted(talkers))


def train(known: Sequence[Clip], noises: Sequence[NDArray[np.float32]], seed: int = 0) -> Parameters:
    """Trains on all scenes of these clips.

    The features of a talker's face are computed with a prediction that was fitted without this talker, so that the
    choice learns how well the prediction fits strangers.

    Args:
        known: Clips of at least three talkers.
        noises: Recordings of noise.
        seed: Seed of the scenes.
    """
    talkers = sorted({clip.talker for clip in known})
    strangers = {one: fit.scale_of([clip for clip in known if clip.talker != one]) for one in talkers}
    rng = np.random.default_rng(seed)
    choices: list[Choice] = []
    for scene in _scenes(known, rng):
        choices += fit.choices(scene, known, noises, strangers, _spans(scene, known, rng))
    weights = choice.fit(choices)
    return _parameters(fit.scale_of(known), weights)


def _scenes(known: Sequence[Clip], rng: np.random.Generator) -> Iterator[Scene]:
    talkers = sorted({clip.talker for clip in known})
    for kind in TRAINED_KINDS:
        for _ in range(_SCENES):
            of_each = [[index for index, clip in enumerate(known) if clip.talker == talker] for talker in talkers]
            people = [int(rng.choice(of_each[index])) for index in rng.permutation(len(talkers))[:3]]
            yield plan(kind, known, people, int(rng.integers(2**31)))


def _spans(scene: Scene, known: Sequence[Clip], rng: np.random.Generator) -> list[tuple[float, float, int]]:
    """Begin, end and speaker of the spans that are compared at some moments of the scene's speech."""
    return [
        (begin - _MARGIN_S, float(at) + DECIDED_AFTER_S, speaker)
        for begin, end, speaker in scene.speech(known)
        for at in rng.uniform(begin, end, _MOMENTS)
    ]


def _parameters(scale: Scale, weights: choice.Weights) -> Parameters:
    def rounded(values: NDArray[np.float64]) -> list[float]:
        return [float(f"{value:.5g}") for value in values]

    return Parameters(
        name="speaker",
        task="whose voice is heard, from the synchrony of mouths and sound",
        features=FEATURES,
        motion=tuple(rounded(scale.motion)),
        rise=tuple(rounded(scale.rise)),
        drive=tuple(tuple(tuple(rounded(pair)) for pair in lag) for lag in scale.drive),
        weights=tuple(rounded(np.array(weights.faces))),
        off_screen=(round(weights.off_screen[0], 4), round(weights.off_screen[1], 4)),
        least_person=LEAST_PERSON,
        least_off_screen=LEAST_OFF_SCREEN,
    )


def training(known: Sequence[Clip]) -> tuple[Corpus, ...]:
    """The corpora to which these clips belong, with their terms."""
    actors = sum(clip.talker == clips.CREMA_D_TALKER for clip in known)
    found = [
        Corpus(
            name="GRID (Cooke et al. 2006), clips of different talkers", terms="CC BY 4.0", rows=len(known) - actors
        ),
        Corpus(name="CREMA-D, clips of actor 1001", terms="ODbL 1.0, DbCL 1.0", rows=actors),
    ]
    return tuple(corpus for corpus in found if corpus.rows)


@one_line_errors
def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m models.speaker.train", description=__doc__)
    add_data_option(parser)
    parser.add_argument("--out", type=Path, default=FOLDER, metavar="DIR", help="where speaker.json and folds.json go")
    parser.add_argument("--folds", action="store_true", help="also the models for measuring, which takes minutes")
    options = parser.parse_args(argv)
    data = require(options.data, "av/grid").parent.parent
    noises = noise.load(require(options.data, noise.FOLDER).parent.parent)
    grid, actor = clips.grid(data), clips.crema_d(data)
    command = "python -m models.speaker.train --data DIR --folds"
    shipped = train((*grid, *actor), noises)
    shipped = msgspec.structs.replace(
        shipped,
        training=training((*grid, *actor)),
        train_command=command,
        recipe="ridge regression of the sound's rise on the motion of the mouth, then a conditional logit over the "
        "faces of composed scenes, whose features are computed with a prediction that has not seen the talker",
        notes=("`python -m models.fusion.speakers` measures the models of folds.json on talkers they have not seen",),
    )
    _write(options.out / "speaker.json", shipped)
    if options.folds:
        found = {key([clips.CREMA_D_TALKER]): train(grid, noises)}
        for left_out in itertools.combinations(range(len(grid)), 3):
            known = (*(clip for index, clip in enumerate(grid) if index not in left_out), *actor)
            name = key([grid[index].talker for index in left_out])
            found[name] = train(known, noises)
            print(f"without {name}", flush=True)
        _write(options.out / "folds.json", Folds(models=found))
    return 0


def _write(path: Path, value: msgspec.Struct) -> None:
    write_whole(path, msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n")
    print(f"{path}: {path.stat().st_size:,} bytes", flush=True)


if __name__ == "__main__":
    sys.exit(main())
