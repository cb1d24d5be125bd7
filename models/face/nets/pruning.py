"""Channel pruning: a narrower MobileNet that computes nearly what a wide one does, before any training.

He, Zhang & Sun, Channel Pruning for Accelerating Very Deep Neural Networks, ICCV 2017: layer by layer, the channels
that can least be told from those already kept stay, and the next pointwise kernel is fitted by least squares to what
the wide net responds. Here pivoted Cholesky decomposition chooses them, without a penalty to tune.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import keras
import numpy as np
from numpy.typing import NDArray

from converters.restore import give, normal_behind

Floats: TypeAlias = NDArray[np.float32]

_POSITIONS: Final = 150_000
"""Places of a map from which a kernel is fitted: fewer images where the maps are large."""
_RIDGE: Final = 1e-4
"""Of the mean power of a channel: keeps channels that are nearly alike from cancelling each other."""


def prune(wide: Any, narrow: Any, images: Floats) -> None:
    """Gives `narrow` weights with which it computes nearly what `wide` does.

    Both are of `models.face.nets.mobilenet.build`, with as many blocks and the same side; `images` are
    (n, 48, 48, 1) float in 0…1 of the kind they will see, some thousands.
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
    """Which channels of what the wide net's `block` reads stay."""
    depthwise = f"conv_dw_{block}"
    seen = _seen(wide, depthwise, _enough(wide.get_layer(depthwise).output, images))
    kernel, _ = _folded(wide, f"conv_pw_{block}")
    return _independent(seen, kernel[0, 0], count)


def _independent(seen: Floats, kernel: Any, count: int) -> NDArray[np.int64]:
    """Which `count` of the channels `seen` (n, c) say most of what `kernel` (c, k) makes of them all, in order.

    Each next one has the largest variance left when those before it are known, weighed by the kernel's norm.
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
    """(c, k) kernel and (k,) offset that give `wanted` (n, k) from `inputs` (n, c)."""
    rows = np.column_stack([inputs, np.ones(len(inputs), np.float32)]).astype(np.float64)
    gram = rows.T @ rows
    places = np.arange(len(gram) - 1)
    gram[places, places] += _RIDGE * gram[places, places].mean()
    solved = np.linalg.solve(gram, rows.T @ wanted).astype(np.float32)
    return solved[:-1], solved[-1]


def _folded(model: Any, name: str) -> tuple[Floats, Floats]:
    """Kernel and offset of a convolution, its normalisation folded in."""
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
    """What a convolution gives before its ReLU6."""
    layer = model.get_layer(name)
    return (normal_behind(layer) or layer).output


def _seen(model: Any, name: str, images: Floats) -> Floats:
    """(places, channels) behind the ReLU6 of a convolution."""
    return np.clip(_responses(model, _linear(model, name), images), 0.0, 6.0)


def _responses(model: Any, tensor: Any, images: Floats) -> Floats:
    found = keras.Model(model.input, tensor).predict(images, batch_size=64, verbose=0)
    return np.asarray(found.reshape(-1, found.shape[-1]))


def _enough(tensor: Any, images: Floats) -> Floats:
    """As many of the images as give `_POSITIONS` places of this map."""
    return images[: -(-_POSITIONS // (tensor.shape[1] * tensor.shape[2]))]
