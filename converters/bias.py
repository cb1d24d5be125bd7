"""Bias correction: removes the shift that quantisation adds to a model's mean output.

Rounding the weights of many layers shifts the mean of the outputs. The shift is measured at the last layer and
subtracted from its bias (Nagel et al., Data-Free Quantization through Weight Equalization and Bias Correction, ICCV
2019).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters.calibration import Row
from converters.tflite import convert
from edge.inference.interpreter import Interpreter


def shift(floating: bytes, quantised: bytes, rows: Sequence[Row]) -> NDArray[np.float32]:
    """Mean of the quantised model's first output over `rows` minus that of the float model, shape (outputs,)."""
    means = []
    for data in (floating, quantised):
        interpreter = Interpreter(data)
        means.append(np.mean([interpreter.run(*row)[0][0] for row in rows], axis=0))
    return np.asarray(means[1] - means[0], np.float32)


def convert_corrected(model: Any, layer: str, floating: bytes, calibration: Sequence[Row], **options: Any) -> bytes:
    """Converts to int8 so that the mean output over the calibration rows is that of the float model.

    Args:
        model: The Keras model; unchanged afterwards.
        layer: Name of its last layer, which has a bias.
        floating: The bytes of the model as a float32 `.tflite`.
        calibration: Rows with a batch of one.
        options: Further arguments of `convert`.

    Returns:
        The bytes of the int8 `.tflite`.

    Raises:
        ConversionError: As `convert`.
    """
    quantised = convert(model, "int8", calibration, **options)
    last = model.get_layer(layer)
    weights = last.get_weights()
    try:
        last.set_weights([*weights[:-1], weights[-1] - shift(floating, quantised, calibration)])
        return convert(model, "int8", calibration, **options)
    finally:
        last.set_weights(weights)
