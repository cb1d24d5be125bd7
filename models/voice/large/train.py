"""Trains the head of the large voice model on cached statistics; `python -m models.voice.large.train --data DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from models import training
from models.voice.large import head as heads
from models.voice.large.batches import STEPS, Batches
from models.voice.large.features import Statistics
from models.voice.training.heads import loss
from models.voice.utterances import Utterances

EPOCHS: Final = 40
"""Default number of epochs."""
AFFECT_WEIGHT: Final = 1.0
"""Weight of the squared error of arousal and valence in the loss."""


def squared_error(truth: Any, found: Any) -> Any:
    """(batch,) squared error of arousal and valence."""
    return ops.sum(ops.square(truth - found), axis=-1)


def fit(
    shown: Statistics,
    spoken: Utterances,
    which: NDArray[np.bool_],
    affect: NDArray[np.float32],
    epochs: int,
    seed: int,
    folder: Path,
) -> Any:
    """Trains one head, or resumes the run in `folder`.

    Args:
        shown: Statistics of all n clips.
        spoken: The n clips.
        which: (n,) clips that train.
        affect: (n, 2) targets of arousal and valence.
        epochs: Number of epochs.
        seed: Seed of the weights and batches.
        folder: Folder for checkpoints and log.

    Returns:
        The head after the last epoch.
    """
    keras.utils.set_random_seed(seed)
    model = heads.build(shown.windows.shape[1])
    training_rows = shown.windows[which[shown.owners]].astype(np.float32)
    mean, deviation = training_rows.mean(0), training_rows.std(0) + 1e-3
    model.get_layer("standard").set_weights([mean, 1 / deviation])
    learner = heads.for_training(model)
    batches = Batches(shown, spoken, which, affect, seed)
    learner.compile(
        optimizer=keras.optimizers.AdamW(training.cosine(1e-3, epochs, STEPS), weight_decay=0.05),
        loss=[loss, squared_error],
        loss_weights=[1.0, AFFECT_WEIGHT],
    )
    training.fit(learner, batches, None, epochs=epochs, folder=folder, monitor="loss", mode="min")
    return model
