"""Channel pruning: a narrower MobileNet that approximates a wide one before any training.

After He, Zhang & Sun, Channel Pruning for Accelerating Very Deep Neural Networks, ICCV 2017: layer by layer, the
channels that can least be predicted from those already kept are kept too, and the next pointwise kernel is fitted by
least squares to the responses of the wide network. Here a pivoted Cholesky decomposition selects the channels, which
needs no penalty to tune.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import keras
import numpy as np
from numpy.typing import NDArray

from converters.restore import give, normal_behind

Floats: TypeAlias = NDArray[np.float32]

_POSITIONS: Final = 150_000
"""Number of map positions from which a kernel is fitted, so that larger maps need fewer images."""
_RIDGE: Final = 1e-4
"""Ridge penalty relative to the mean power of a channel; it stops nearly equal channels from cancelling each other."""


def prune(wide: Any, narrow: Any, images: Floats) -> None:
    """Sets the weights of a narrow network so that it approximates a wide one.

    Args:
        wide: A trained network of `models.face.nets.mobilenet.build`.
        narrow: A network of the same function with the same number of blocks and the same side.
        images: (n, 48, 48, 1) float in 0…1, some thousand typical faces.
    """
    blocks = sum(layer.name.startswith("conv_pw") and not layer.name.endswith("_bn") for layer in narrow.layers)
    kernel, offset = _folded(wide, "conv1")
    kept = _channels_kept(wide, 1, narrow.get_layer("conv1").filters, images)
    give(narrow, narrow.get_layer("conv1"), kernel[..., kept], offset[kept], images)
    for block in range(1, blocks + 1):
        depthwise, pointwise = f"conv_dw_{block}", f"conv_pw_{block}"
        sample = _enough(narrow.get_layer(depthwise).output, images)
        kernel, offset = _folded(wide, depthwise)
        give(narrow, narrow.get_layer(depthwise), kernel[:, :, kept], offset[kept], sample)
        filters = narrow.get_layer(pointwise).filters
        if block < blocks:
            kept = _channels_kept(wide, block + 1, filters, images)
        else:
            kept = _independent(_seen(wide, pointwise, sample), wide.get_layer("logits").kernel, filters)
        wanted = _responses(wide, _linear(wide, pointwise), sample)[:, kept]
        kernel, offset = _least_squares(_seen(narrow, depthwise, sample), wanted)
        give(narrow, narrow.get_layer(pointwise), kernel[None, None], offset, sample)
    pooled = keras.Model(narrow.input, narrow.get_layer("pooled").output).predict(images, verbose=0)
    narrow.get_layer("logits").set_weights(list(_least_squares(pooled, wide.predict(images, verbose=0))))


def _channels_kept(wide: Any, block: int, count: int, images: Floats) -> NDArray[np.int64]:
    """Indices of the `count` input channels of the wide network's `block` that are kept."""
    depthwise = f"conv_dw_{block}"
    seen = _seen(wide, depthwise, _enough(wide.get_layer(depthwise).output, images))
    kernel, _ = _folded(wide, f"conv_pw_{block}")
    return _independent(seen, kernel[0, 0], count)


def _independent(seen: Floats, kernel: Any, count: int) -> NDArray[np.int64]:
    """Sorted indices of the `count` channels of `seen` (n, c) that best preserve its product with `kernel` (c, k).

    Each next channel is the one with the largest residual variance given the previous ones, weighted by the norm of its
    kernel row.
    """
    centred = (seen - seen.mean(0)) * np.linalg.norm(np.asarray(kernel), axis=1)
    covariance = (centred.T @ centred).astype(np.float64) / len(seen)
    left = covariance.diagonal().copy()
    factor = np.zeros((len(covariance), count))
    picked: list[int] = []
    for number in range(count):
        best = int(np.argmax(left))
        picked.append(best)
        residual = covariance[:, best] - factor[:, :number] @ factor[best, :number]
        factor[:, number] = residual / np.sqrt(max(left[best], 1e-12))
        left -= factor[:, number] ** 2
        left[picked] = -np.inf
    return np.sort(np.array(picked))


def _least_squares(inputs: Floats, wanted: Floats) -> tuple[Floats, Floats]:
    """The kernel (c, k) and offset (k,) that best predict `wanted` (n, k) from `inputs` (n, c)."""
    rows = np.column_stack([inputs, np.ones(len(inputs), np.float32)]).astype(np.float64)
    gram = rows.T @ rows
    places = np.arange(len(gram) - 1)
    gram[places, places] += _RIDGE * gram[places, places].mean()
    solved = np.linalg.solve(gram, rows.T @ wanted).astype(np.float32)
    return solved[:-1], solved[-1]


def _folded(model: Any, name: str) -> tuple[Floats, Floats]:
    """Kernel and offset of a convolution with its normalisation folded in."""
    layer = model.get_layer(name)
    normal = normal_behind(layer)
    if normal is None:
        kernel, offset = layer.get_weights()
        return kernel, offset
    (kernel,) = layer.get_weights()
    gamma, beta, mean, variance = normal.get_weights()
    scale = gamma / np.sqrt(variance + normal.epsilon)
    over_inputs = name.startswith("conv_dw")  # a depthwise kernel is (3, 3, channels, 1)
    return kernel * (scale[:, None] if over_inputs else scale), beta - mean * scale


def _linear(model: Any, name: str) -> Any:
    """Output tensor of a convolution and its normalisation, before the ReLU6."""
    layer = model.get_layer(name)
    return (normal_behind(layer) or layer).output


def _seen(model: Any, name: str, images: Floats) -> Floats:
    """(positions, channels) responses of a convolution after its ReLU6."""
    return np.clip(_responses(model, _linear(model, name), images), 0.0, 6.0)


def _responses(model: Any, tensor: Any, images: Floats) -> Floats:
    found = keras.Model(model.input, tensor).predict(images, batch_size=64, verbose=0)
    return np.asarray(found.reshape(-1, found.shape[-1]))


def _enough(tensor: Any, images: Floats) -> Floats:
    """The first images, as many as are needed for `_POSITIONS` positions of this map."""
    return images[: -(-_POSITIONS // (tensor.shape[1] * tensor.shape[2]))]
