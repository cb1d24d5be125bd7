"""Where the training of a face model starts: published weights, a pruned larger model, a file, or random weights."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from converters.restore import restore
from edge.face.crop import as_input
from models.face import data, pretrained
from models.face.nets import mobilenet
from models.face.nets.pruning import prune
from models.face.training.sizes import SIZES

STATISTICS_ROWS: Final = 512
"""Faces on which the statistics of normalisation layers are measured."""
PRUNING_ROWS: Final = 6000
"""Faces on which pruning decides which channels stay."""


def begin(model: Any, arguments: Namespace, faces: data.Faces) -> None:
    """Gives a new `model` the weights that the options ask for. Raises `ConversionError`, `ModelError`."""
    images = as_input(faces.images[:STATISTICS_ROWS])
    if arguments.start:
        start_from(model, arguments.start, images)
    elif arguments.from_scratch:
        print("from random weights", flush=True)
    elif arguments.size == "small":
        print(f"pruning {arguments.prune}", flush=True)
        wide = SIZES["large"].build()
        start_from(wide, arguments.prune, images)
        prune(wide, model, as_input(faces.images[:PRUNING_ROWS]))
    else:
        mobilenet.start_from(model, pretrained.fetch(), images)


def start_from(model: Any, file: Path, images: NDArray[np.float32]) -> None:
    """Gives `model` the weights of a `.keras` or `.tflite` file; `images`: see `converters.restore.restore`.

    Raises `ConversionError`.
    """
    if file.suffix == ".tflite":
        restore(model, file.read_bytes(), images)
    else:
        model.set_weights(keras.models.load_model(file, compile=False).get_weights())
