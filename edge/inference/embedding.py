"""The second output of a sense's model: the vector before its last layer, for fusion at feature level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.inference.card import Tensor

MAX_SIZE: Final = 1024
"""Most values of an embedding that is used."""


def is_embedding(outputs: Sequence[Tensor]) -> bool:
    """Whether the outputs of a model after its first are none, or one vector (1, k) with k up to `MAX_SIZE`."""
    return not outputs or (
        len(outputs) == 1 and len(outputs[0].shape) == 2 and outputs[0].shape[0] == 1 <= outputs[0].shape[1] <= MAX_SIZE
    )


def embedding_of(outputs: Sequence[NDArray[np.float32]]) -> NDArray[np.float32] | None:
    """The (k,) embedding among the outputs of one inference; None if there is no second output, or it is no vector."""
    if len(outputs) < 2 or outputs[1].ndim != 2 or len(outputs[1]) != 1 or outputs[1].shape[1] > MAX_SIZE:
        return None
    return np.asarray(outputs[1][0])
