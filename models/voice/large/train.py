"""`python -m models.voice.large.train --data DIR`: trains the heads of the large voice model and exports it.

Five heads learn all corpora but the speakers of one fold of RAVDESS and CREMA-D and of two of EMO-DB; three learn all
corpora but one. Whisper's layers are the same for all and are not trained. The seven-label head of the first network
ships. Recipe and number of epochs are the same for all, and no head's weights, epochs or temperature depend on a
speaker on whom it is measured. `python -m models.voice.whisper.extract` must have left its features in `runs/whisper`.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from edge import shipped
from models import training
from models.command import one_line_errors
from models.corpora import require
from models.voice import utterances
from models.voice.clips import whole_clips
from models.voice.large import export, features, measure
from models.voice.large import head as heads
from models.voice.large.batches import STEPS, Batches
from models.voice.large.features import Material
from models.voice.protocols import scores as protocol
from models.voice.training import affect as affects
from models.voice.training.heads import loss

EPOCHS: Final = 40
"""Default number of epochs."""
AFFECT_WEIGHT: Final = 1.0
"""Weight of the squared error of arousal and valence in the loss."""
FREE: Final = ("CREMA-D", "EMO-DB")
"""Corpora whose terms allow free use: a model trained with `--free` has heard no other."""


def squared_error(truth: Any, found: Any) -> Any:
    """(batch,) squared error of arousal and valence."""
    return ops.sum(ops.square(truth - found), axis=-1)


def fit(material: Material, which: NDArray[np.bool_], epochs: int, seed: int, folder: Path) -> Any:
    """Trains one head, or resumes the run in `folder`.

    Args:
        material: All n clips.
        which: (n,) clips that train.
        epochs: Number of epochs.
        seed: Seed of the weights and batches.
        folder: Folder for checkpoints and log.

    Returns:
        The head after the last epoch.
    """
    shown = material.shown
    keras.utils.set_random_seed(seed)
    model = heads.build(shown.windows.shape[1])
    training_rows = shown.windows[which[shown.owners]].astype(np.float32)
    mean, deviation = training_rows.mean(0), training_rows.std(0) + 1e-3
    model.get_layer("standard").set_weights([mean, 1 / deviation])
    learner = heads.for_training(model)
    batches = Batches(material, which, seed)
    learner.compile(
        optimizer=keras.optimizers.AdamW(training.cosine(1e-3, epochs, STEPS), weight_decay=0.05),
        loss=[loss, squared_error],
        loss_weights=[1.0, AFFECT_WEIGHT],
    )
    training.fit(learner, batches, None, epochs=epochs, folder=folder, monitor="loss", mode="min")
    return model


def nets(arguments: Namespace, material: Material) -> Iterator[tuple[str, Any]]:
    """Trains the heads, or reads those that an earlier run has finished.

    Args:
        arguments: Parsed command line.
        material: All clips.

    Yields:
        Name and head.
    """
    spoken = material.spoken
    for number, name in enumerate(measure.NAMES[:1] if arguments.free else measure.NAMES):
        saved = arguments.runs / f"{name}.keras"
        if not saved.exists():
            print(name, flush=True)
            which = protocol.heard(spoken, name)
            if arguments.free:
                which &= np.isin(spoken.corpora, FREE)
            seed = arguments.seed + number
            fit(material, which, arguments.epochs, seed, arguments.runs / name).save(saved)
        yield name, keras.models.load_model(saved, compile=False)


@one_line_errors
def main() -> int:
    parser = training.argument_parser("voice.large.train", epochs=EPOCHS)
    parser.add_argument("--features", type=Path, default=Path("runs/whisper"), help="Whisper's features (%(default)s)")
    parser.add_argument("--free", action="store_true", help="learn from corpora with free terms only, one network")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.epochs = min(arguments.epochs, 1)
    folder = require(arguments.data, "voice")
    spoken = utterances.of(whole_clips(folder))
    affect = affects.targets(spoken, affects.votes(folder))
    trained = dict(nets(arguments, Material(features.load(arguments.features), spoken, affect)))
    command = training.train_command("voice.large.train", arguments, "--free" if arguments.free else "")
    stem = "free/voice_large_free" if arguments.free else "voice_large"  # what lies deeper is not part of a wheel
    out = arguments.out or shipped.model("voice", stem)
    card = export.write(trained, spoken, folder, command, out, arguments.runs)
    for score in card.scores:
        print(f"  {score.model}, {score.protocol}, {score.baseline}: UAR {score.uar:.2%}, ECE {score.ece:.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
