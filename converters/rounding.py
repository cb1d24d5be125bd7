"""Rounds a model's weights to int8 steps so that the outputs of its layers change as little as possible.

The converter rounds each weight to its nearest step. Here the weights are rounded one after another, and the weights
that are still to be rounded are changed to compensate for the error, given the covariance of the layer's inputs
(Frantar et al., GPTQ, ICLR 2023, after Hassibi & Stork, Optimal Brain Surgeon, 1992). The remaining mean error is
added to the bias (Nagel et al., Data-Free Quantization through Weight Equalization and Bias Correction, ICCV 2019).
Afterwards the converter's own rounding changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from converters.calibration import Row
from converters.restore import normal_behind, weighted

Doubles: TypeAlias = NDArray[np.float64]

_STEPS: Final = 127
"""Steps on each side of zero. TFLite does not use −128 for weights."""
_POSITIONS: Final = 40_000
"""Number of positions in a layer's input map that a covariance is estimated from."""
_DAMPING: Final = 0.01
"""Share of the mean variance that is added to the diagonal of a covariance. It keeps the inverse stable where channels
are nearly alike."""


def rounded(model: Any, calibration: Sequence[Row]) -> Any:
    """A copy of the Keras `model` whose convolutions have their weights on the steps of int8, per output channel.

    `calibration`: inputs with a batch of one, as for `converters.tflite.convert`. Dense layers are left as they are.
    """
    import keras

    columns = [np.concatenate(column) for column in zip(*calibration, strict=True)]
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    for layer in weighted(copy):
        if isinstance(layer, keras.layers.Dense):
            continue
        count = -(-_POSITIONS // int(np.prod(layer.output.shape[1:3])))
        reads = keras.Model(copy.inputs, layer.input).predict([one[:count] for one in columns], verbose=0)
        patches = _patches(layer, reads)
        weights = layer.get_weights()
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            kernel, shift = _depthwise(weights[0], patches)
        else:
            flat = weights[0].reshape(-1, weights[0].shape[-1]).astype(np.float64)
            found = round_kernel(flat, np.cov(patches, rowvar=False))
            kernel, shift = found.reshape(weights[0].shape), patches.mean(0) @ (flat - found)
        if layer.use_bias:
            layer.set_weights([kernel, weights[1] + shift])
            continue
        layer.set_weights([kernel])
        normal = normal_behind(layer)
        if normal is not None:
            gamma, beta, mean, variance = normal.get_weights()
            normal.set_weights([gamma, beta, mean - shift, variance])
    return copy


def round_kernel(kernel: Doubles, covariance: Doubles) -> Doubles:
    """Rounds a kernel to steps of 1/127 of each column's largest weight.

    Args:
        kernel: (inputs, outputs).
        covariance: (inputs, inputs), of the values that the kernel is multiplied with.

    Returns:
        (inputs, outputs), every weight on a step.
    """
    steps = np.maximum(np.abs(kernel).max(0), 1e-12) / _STEPS
    # The largest weight defines the steps, also for the converter: it must not change to compensate for others.
    largest = np.abs(kernel) == np.abs(kernel).max(0)
    inputs = len(kernel)
    damped = covariance + np.eye(inputs) * max(_DAMPING * np.trace(covariance) / inputs, 1e-12)
    order = np.argsort(-damped.diagonal())
    factor = np.linalg.cholesky(np.linalg.inv(damped[np.ix_(order, order)])).T
    left, fixed = kernel[order], largest[order]
    for row in range(inputs):
        exact = left[row].copy()
        left[row] = np.clip(np.round(exact / steps), -_STEPS, _STEPS) * steps
        error = (exact - left[row]) / factor[row, row]
        left[row + 1 :] -= np.where(fixed[row + 1 :], 0.0, np.outer(factor[row, row + 1 :], error))
    return left[np.argsort(order)]


def _depthwise(kernel: NDArray[np.float32], patches: Doubles) -> tuple[Doubles, Doubles]:
    """The rounded kernel of a depthwise convolution, and how much the rounding lowers each mean output."""
    channels = kernel.shape[2]
    flat = kernel.reshape(-1, channels).astype(np.float64)
    seen = patches.reshape(len(patches), -1, channels)
    found = np.column_stack(
        [
            round_kernel(flat[:, [channel]], np.cov(seen[:, :, channel], rowvar=False))[:, 0]
            for channel in range(channels)
        ]
    )
    return found.reshape(kernel.shape), np.einsum("tc,tc->c", seen.mean(0), flat - found)


def _patches(layer: Any, reads: NDArray[np.float32]) -> Doubles:
    """(places, kernel height × width × channels): what each place of the layer's map is computed from."""
    from keras import ops

    found = ops.image.extract_patches(
        reads, layer.kernel_size, strides=layer.strides, dilation_rate=layer.dilation_rate, padding=layer.padding
    )
    return np.asarray(found, np.float64).reshape(-1, found.shape[-1])
