"""`python -m models.voice.train --data DIR`: ten nets, each without some speakers, and the one that ships.

Each of the ten learns RAVDESS, CREMA-D and EMO-DB at once, with a head for each corpus's classes and one for the seven
labels. Together they measure the protocol of `models.voice.protocols.folds`; the first one's head of seven labels
ships. A net's weights, epochs and temperature know nothing of the speakers that it is measured on: epochs are fixed,
and the temperature comes from what the others say of the speakers that they have not heard. The recipe itself was
chosen on these same folds, for want of other corpora.
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
EPOCHS: Final = 60
MIXUP_SHARE: Final = 0.65
MIXUP: Final = 0.4
NOISE: Final = 0.1
"""Standard deviation of the noise on standardised functionals."""
REPEATS: Final = {"RAVDESS": 2, "CREMA-D": 1, "EMO-DB": 3}
"""How often a clip is shown in an epoch: the small corpora are no side issue."""
QUICK: Final = 512
"""Clips of a run with `--quick`."""


class Batches(training.Batches):
    """(128, 897) float32 batches of a random variant of each clip (`features.SHARES`), most of them mixed (Zhang et
    al., mixup, ICLR 2018), with a little noise."""

    def __init__(self, values: NDArray[np.float32], voices: data.Voices, seed: int) -> None:
        """`values` (variants, n, 897), standardised."""
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
    """The float net after the last epoch; goes on with the run in `folder` where there is one."""
    batches = Batches(values, voices, seed)
    model = build()
    model.compile(
        optimizer=keras.optimizers.AdamW(training.cosine(1e-3, epochs, len(batches)), weight_decay=0.05), loss=loss
    )
    training.fit(model, batches, None, epochs=epochs, folder=folder, monitor="loss", mode="min")
    return model


def of_folds(arguments: Namespace, values: NDArray[np.float32], voices: data.Voices) -> Iterator[export.Net]:
    """The net of each fold, trained now or read from `arguments.runs` where an earlier run has left it."""
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
