"""Plain concatenation: all senses' log-posteriors side by side into one softmax layer.

This is how the baseline of MELD fuses its modalities (Poria et al., MELD, ACL 2019). The weight decay is the one with
the lowest loss on training folds left out in turn.
"""

from __future__ import annotations

from typing import Any, Final

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from edge.inference.posterior import softmax
from models.fusion.products import loss
from models.fusion.readings import Readings

DECAYS: Final = (1e-3, 1e-2, 3e-2)
"""L2 penalties of the weights among which `learn` chooses."""
EPOCHS: Final = 150
"""Steps of the optimiser; each sees all clips."""
SCALE: Final = 3.0
"""Log-posteriors are divided by this, so that they are of the order of 1."""


def inputs(given: Readings) -> NDArray[np.float32]:
    """(n, senses · k) the log-posteriors side by side; zeros for a missing sense."""
    parts = [np.where(given.present[:, [column]], log, 0.0) / SCALE for column, log in enumerate(given.logs)]
    return np.concatenate(parts, axis=1).astype(np.float32)


def fit(given: Readings, decay: float, seed: int) -> Any:
    """The trained layer; `decay` is its L2 penalty."""
    keras.utils.set_random_seed(seed)
    values = inputs(given)
    features = keras.Input((values.shape[1],))
    logits = layers.Dense(given.logs[0].shape[1], kernel_regularizer=keras.regularizers.L2(decay))(features)
    model = keras.Model(features, logits)
    model.compile(
        optimizer=keras.optimizers.Adam(0.05), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    model.fit(values, given.truth, batch_size=len(values), epochs=EPOCHS, verbose=0)
    return model


def posterior(model: Any, given: Readings) -> NDArray[np.float64]:
    """(n, k) probabilities of a trained layer."""
    return softmax(model(inputs(given)).numpy())


def learn(given: Readings, seed: int) -> Any:
    """The layer trained on all these clips, with the decay that does best on folds left out."""

    def left_out(decay: float) -> float:
        losses = []
        for number in np.unique(given.folds):
            model = fit(given.rows(given.folds != number), decay, seed)
            rest = given.rows(given.folds == number)
            losses.append(loss(posterior(model, rest), rest.truth))
        return float(np.mean(losses))

    return fit(given, min(DECAYS, key=left_out), seed)
