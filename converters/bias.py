"""Takes back what quantisation adds to every answer alike.

Nagel et al., Data-Free Quantization through Weight Equalization and Bias Correction, ICCV 2019: rounding the weights
of many layers shifts the mean of what comes out; here it is measured at the last layer and put into its bias.
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
    """(outputs,): mean of the quantised model's first output over `rows` less that of the float model."""
    means = []
    for data in (floating, quantised):
        interpreter = Interpreter(data)
        means.append(np.mean([interpreter.run(*row)[0][0] for row in rows], axis=0))
    return np.asarray(means[1] - means[0], np.float32)


def convert_corrected(model: Any, layer: str, floating: bytes, calibration: Sequence[Row], **options: Any) -> bytes:
    """An int8 model whose mean output over the calibration rows is the float model's.

    `model`: Keras, left as it was; `layer`: its last one, which has a bias; `floating`: the model in float32;
    `options`: of `convert`. Raises `ConversionError`.
    """
    quantised = convert(model, "int8", calibration, **options)
    last = model.get_layer(layer)
    weights = last.get_weights()
    try:
        last.set_weights([*weights[:-1], weights[-1] - shift(floating, quantised, calibration)])
        return convert(model, "int8", calibration, **options)
    finally:
        last.set_weights(weights)
