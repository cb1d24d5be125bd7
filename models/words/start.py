"""Weights of a words model read back from its `.tflite` file, as the start of further training.

A `.tflite` file keeps no reliable names, so its constants are assigned to the weights by shape. Where several have the
same shape, each arrangement is tried, and the one that reproduces the outputs of the file is taken.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge.errors import ModelError
from edge.inference.interpreter import Interpreter, runtime_module
from edge.words.features import size
from models.words.study.vectors import DIMENSIONS

_TOLERANCE: Final = 0.15
"""Maximum difference between a logit of the file and of the network; the file's arithmetic rounds activations."""
_SAMPLE: Final = 16
"""Number of texts whose outputs are compared."""

_OF_MARKS: Final = ((DIMENSIONS, DIMENSIONS), (DIMENSIONS,))
"""Shapes of the weights of the layers of negation and contrast."""

Weight = NDArray[np.float32]


def load(net: Any, file: Path, ids: NDArray[np.int32]) -> None:
    """Sets the weights of a Conv1D network to those of a file; weights that the file lacks stay as they are.

    Args:
        net: The Keras network of `models.words.architecture`.
        file: A `.tflite` file of the same network, or of one without marks of negation and contrast.
        ids: (n, 32) ids of texts, some with marks, on which file and network must agree.

    Raises:
        ModelError: The file cannot be read, or no arrangement of its constants reproduces its outputs.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ModelError(f"{file}: {error.strerror}; --start names a words model") from error
    interpreter, constants = Interpreter(content, str(file)), _constants(content)
    own = [variable.numpy() for variable in net.weights]
    marked = (DIMENSIONS, DIMENSIONS) in constants
    shown = ids[:_SAMPLE] if marked else ids[:_SAMPLE] % size()
    expected = np.stack([interpreter.run(row[None])[0][0] for row in shown])
    places: dict[tuple[int, ...], list[int]] = {}
    for place, weight in enumerate(own):
        if len(constants.get(weight.shape, [])):
            places.setdefault(weight.shape, []).append(place)
    for arrangement in itertools.product(
        *(itertools.permutations(constants[shape], len(where)) for shape, where in places.items())
    ):
        found = list(own)
        for where, weights in zip(places.values(), arrangement, strict=True):
            for place, weight in zip(where, weights, strict=True):
                found[place] = weight
        net.set_weights(found)
        if np.abs(net.predict(shown, verbose=0) - expected).max() < _TOLERANCE:
            return
    raise ModelError(f"{file} is not a words model with the layers of {net.name}")


def average(net: Any, earlier: list[Weight]) -> None:
    """Sets each weight to the mean of the earlier and the present one, except those of the marks' layers.

    The mean keeps more of what the earlier network could do than either end (WiSE-FT: Wortsman et al., CVPR 2022). The
    layers of negation and contrast, which begin at zero, keep what they have learned.

    Args:
        net: The Keras network.
        earlier: Its weights before the training, in Keras's order.
    """
    net.set_weights(
        [
            now if now.shape in _OF_MARKS else (before + now) / 2
            for before, now in zip(earlier, net.get_weights(), strict=True)
        ]
    )


def _constants(content: bytes) -> dict[tuple[int, ...], list[Weight]]:
    """The dequantised constants of a file that may be weights, by their shape in Keras."""
    interpreter = runtime_module().Interpreter(model_content=content)
    interpreter.allocate_tensors()
    found: dict[tuple[int, ...], list[Weight]] = {}
    for detail in interpreter.get_tensor_details():
        try:
            values = interpreter.get_tensor(detail["index"])
        except ValueError:  # an activation, which holds no value before the first inference
            continue
        scales = detail["quantization_parameters"]["scales"]
        if values.dtype == np.int8 and len(scales):
            shape = [1] * values.ndim
            shape[detail["quantization_parameters"]["quantized_dimension"]] = len(scales)
            values = values.astype(np.float32) * scales.reshape(shape)
        if values.dtype != np.float32:
            continue
        weight = _as_in_keras(values)
        found.setdefault(weight.shape, []).append(weight)
    return found


def _as_in_keras(values: Weight) -> Weight:
    """A kernel with its axes in the order of Keras: a convolution is (outputs, 1, width, inputs) in the file."""
    if values.ndim == 4 and values.shape[1] == 1:
        return values[:, 0].transpose(1, 2, 0)
    # The table of word vectors alone has more rows than columns, and is not transposed.
    return values.T if values.ndim == 2 and values.shape[0] <= values.shape[1] else values
