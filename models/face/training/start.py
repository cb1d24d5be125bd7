"""Initial weights of a face model: published weights, a pruned larger model, a file, or random weights."""

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
    """Sets the initial weights of a new model as the options demand.

    Args:
        model: The new model.
        arguments: Parsed command line of `models.face.train`.
        faces: Training faces.

    Raises:
        ConversionError: The file to start from does not fit the model.
        ModelError: The pretrained weights cannot be read.
    """
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
    """Loads the weights of a file into a model.

    Args:
        model: A model of the same architecture.
        file: A `.keras` or `.tflite` file.
        images: Inputs for the statistics of normalisation layers; see `converters.restore.restore`.

    Raises:
        ConversionError: The file does not fit the model.
    """
    if file.suffix == ".tflite":
        restore(model, file.read_bytes(), images)
    else:
        model.set_weights(keras.models.load_model(file, compile=False).get_weights())
