"""`python -m models.voice.train --data DIR`: trains the ten networks of the folds and the shipped one.

Each of the ten networks learns RAVDESS, CREMA-D and EMO-DB at once, with a head for each corpus's classes and one for
the seven labels. Together they measure the protocol of `models.voice.protocols.folds`; the seven-label head of the
first network ships. Weights, epochs and temperature of a network are independent of the speakers on which it is
measured: the number of epochs is fixed, and the temperature is fitted on the outputs of the other networks for their
own held-out speakers. The recipe itself was chosen on these same folds, because no other corpora are available.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from edge import shipped
from edge.voice.standardizer import Standardizer
from models import training
from models.command import one_line_errors
from models.corpora import require
from models.voice import data, features
from models.voice.clips import clips
from models.voice.nets.emotion import build
from models.voice.protocols.folds import FOLD_COUNT
from models.voice.training import export
from models.voice.training.heads import balance, loss, targets

BATCH: Final = 128
"""Clips per batch."""
EPOCHS: Final = 60
"""Default number of epochs."""
MIXUP_SHARE: Final = 0.65
"""Share of the rows of a batch that are mixed with another row."""
MIXUP: Final = 0.4
"""Both parameters of the beta distribution of the mixing weight."""
NOISE: Final = 0.1
"""Standard deviation of the noise added to standardised functionals."""
REPEATS: Final = {"RAVDESS": 2, "CREMA-D": 1, "EMO-DB": 3}
"""Occurrences of each clip per epoch; the smaller corpora are repeated so that they keep their influence."""
QUICK: Final = 512
"""Clips of a run with `--quick`."""


class Batches(training.Batches):
    """(128, 897) float32 batches with a random variant of each clip, a little noise and mixup.

    The variants are drawn with `features.SHARES`. Mixup: Zhang et al., ICLR 2018.
    """

    def __init__(self, values: NDArray[np.float32], voices: data.Voices, seed: int) -> None:
        """Prepares the first epoch.

        Args:
            values: (variants, n, 897) standardised features.
            voices: The n clips.
            seed: Seed of order, variants, noise and mixup.
        """
        repeats = [REPEATS[corpus] for corpus in voices.corpora]
        super().__init__(np.repeat(np.arange(len(voices)), repeats), BATCH, seed)
        self._values, self._targets = values, targets(voices) * balance(voices)[:, None]

    def batch(
        self, rows: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        values = self._values[rng.choice(len(self._values), len(rows), p=features.SHARES), rows]
        values = values + NOISE * rng.standard_normal(values.shape, np.float32)
        mixed = rng.random(len(rows)) < MIXUP_SHARE
        share = np.where(mixed, rng.beta(MIXUP, MIXUP, len(rows)), 1.0).astype(np.float32)[:, None]
        other, truth = rng.permutation(len(rows)), self._targets[rows]
        return share * values + (1 - share) * values[other], share * truth + (1 - share) * truth[other]


def train(values: NDArray[np.float32], voices: data.Voices, epochs: int, seed: int, folder: Path) -> Any:
    """Trains one network, or resumes the run in `folder`.

    Args:
        values: (variants, n, 897) standardised features.
        voices: The n clips.
        epochs: Number of epochs.
        seed: Seed of the batches.
        folder: Folder for checkpoints and log.

    Returns:
        The float network after the last epoch.
    """
    batches = Batches(values, voices, seed)
    model = build()
    model.compile(
        optimizer=keras.optimizers.AdamW(training.cosine(1e-3, epochs, len(batches)), weight_decay=0.05), loss=loss
    )
    training.fit(model, batches, None, epochs=epochs, folder=folder, monitor="loss", mode="min")
    return model


def of_folds(arguments: Namespace, values: NDArray[np.float32], voices: data.Voices) -> Iterator[export.Net]:
    """Trains the network of each fold, or reads it from `arguments.runs` if an earlier run has saved it.

    Args:
        arguments: Parsed command line.
        values: (variants, n, 897) features, not standardised.
        voices: The n clips.

    Yields:
        The networks in the order of the folds.
    """
    for number in range(FOLD_COUNT):
        heard = ~voices.unheard(number)
        standard = Standardizer.of(values[:, heard])
        saved = arguments.runs / f"fold{number}.keras"
        if not saved.exists():
            seed, folder = arguments.seed + number, arguments.runs / str(number)
            keras.utils.set_random_seed(seed)
            print(f"fold {number}")
            net = train(standard.apply(values[:, heard]), voices.rows(heard), arguments.epochs, seed, folder)
            net.save(saved)
        yield export.Net(keras.models.load_model(saved, compile=False), standard)


@one_line_errors
def main() -> int:
    arguments = training.argument_parser("voice.train", epochs=EPOCHS).parse_args()
    shown = clips(require(arguments.data, "voice"))
    if arguments.quick:
        arguments.epochs = min(arguments.epochs, 1)
        some = np.random.default_rng(arguments.seed).permutation(len(shown))[:QUICK]
        shown = [shown[i] for i in some]
    voices = data.load(shown, print)
    values = features.variants(voices, shown, arguments.seed, arguments.runs, print)
    nets = list(of_folds(arguments, values, voices))
    command = training.train_command("voice.train", arguments)
    out = arguments.out or shipped.model("voice", "voice")
    card = export.write(nets, values, voices, command, out, arguments.runs)
    for score in card.scores:
        print(f"  {score.model}, {score.protocol}: UAR {score.uar:.2%}, ECE {score.ece:.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
