"""The weights that training starts from: unpacking, and loading into our network with unchanged outputs."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from edge.errors import ModelError
from models.face import pretrained
from models.face.nets import mobilenet


def manifest(*entries: dict[str, object]) -> bytes:
    return json.dumps({"weightsManifest": [{"weights": list(entries)}]}).encode()


def test_arrays_come_out_in_order_and_shape() -> None:
    blob = np.arange(8, dtype=np.float32).tobytes()
    found = pretrained.unpack(
        manifest({"name": "a", "shape": [2, 3], "dtype": "float32"}, {"name": "b", "shape": [2], "dtype": "float32"}),
        blob,
    )
    assert found["a"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found["b"].tolist() == [6, 7]


@pytest.mark.parametrize("count", [1, 3])
def test_a_blob_of_another_length_is_refused(count: int) -> None:
    entry: dict[str, object] = {"name": "a", "shape": [2], "dtype": "float32"}
    with pytest.raises(ModelError):
        pretrained.unpack(manifest(entry), np.zeros(count, np.float32).tobytes())


def test_quantised_weights_are_refused() -> None:
    entry: dict[str, object] = {"name": "a", "shape": [2], "dtype": "float32", "quantization": {"dtype": "float16"}}
    with pytest.raises(ModelError, match="not a plain array"):
        pretrained.unpack(manifest(entry), b"\0" * 8)


def weights(rng: np.random.Generator, blocks: int) -> pretrained.Weights:
    """Random ones under the archive's names, of a size that keeps the values moderate."""

    def normal(*shape: int) -> np.ndarray:
        return rng.normal(0.0, 1.0 / np.sqrt(max(1, int(np.prod(shape[:-1])))), shape).astype(np.float32)

    found = {"conv1/convolution/merged_input": normal(3, 3, 3, 32) / 100, "conv1_bn/batchnorm_1/sub": normal(32)}
    channels = 32
    for number, filters in enumerate(mobilenet.FILTERS[:blocks], 1):
        found[f"conv_dw_{number}/depthwise_kernel"] = normal(3, 3, channels, 1)
        found[f"conv_dw_{number}_bn/batchnorm_1/mul"] = rng.uniform(0.5, 2.0, channels).astype(np.float32)
        found[f"conv_dw_{number}_bn/batchnorm_1/sub"] = normal(channels)
        found[f"conv_pw_{number}/convolution/merged_input"] = normal(1, 1, channels, filters)
        found[f"conv_pw_{number}_bn/batchnorm_1/sub"] = normal(filters)
        channels = filters
    return found


def test_the_net_computes_what_the_original_does() -> None:
    """Against NumPy's own convolution at one place of the map behind the first normalised block."""
    import keras

    rng = np.random.default_rng(7)
    given = weights(rng, 4)
    image = keras.Input((48, 48, 1))
    model = keras.Model(image, mobilenet.features(image, (*mobilenet.FILTERS[:3], 256), side=48))
    pictures = rng.random((64, 48, 48, 1)).astype(np.float32)
    mobilenet.start_from(model, given, pictures)
    found = np.asarray(model(pictures[:2], training=False))

    values = pictures[:2]
    kernel = given["conv1/convolution/merged_input"].sum(2, keepdims=True)

    def relu6(x: np.ndarray) -> np.ndarray:
        return np.asarray(np.clip(x, 0, 6))

    values = relu6(_convolve(values * 255, kernel, 2) - 117 * kernel.sum((0, 1, 2)) + given["conv1_bn/batchnorm_1/sub"])
    for number, strides in enumerate(mobilenet.STRIDES[:4], 1):
        depthwise = given[f"conv_dw_{number}/depthwise_kernel"] * given[f"conv_dw_{number}_bn/batchnorm_1/mul"][:, None]
        values = relu6(_depthwise(values, depthwise, strides) + given[f"conv_dw_{number}_bn/batchnorm_1/sub"])
        pointwise = given[f"conv_pw_{number}/convolution/merged_input"][0, 0]
        values = relu6(values @ pointwise + given[f"conv_pw_{number}_bn/batchnorm_1/sub"])
    assert found.shape == values.shape
    assert found == pytest.approx(values, abs=2e-3)


def _patches(values: np.ndarray, strides: int) -> np.ndarray:
    """(n, h, w, 3, 3, c), padded as TensorFlow's `same` does for a 3×3 kernel."""
    pad = (0, 1) if strides == 2 else (1, 1)
    padded = np.pad(values, ((0, 0), pad, pad, (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))[:, ::strides, ::strides]
    return np.asarray(windows.transpose(0, 1, 2, 4, 5, 3))


def _convolve(values: np.ndarray, kernel: np.ndarray, strides: int) -> np.ndarray:
    return np.asarray(np.einsum("nhwijc,ijcf->nhwf", _patches(values, strides), kernel))


def _depthwise(values: np.ndarray, kernel: np.ndarray, strides: int) -> np.ndarray:
    return np.asarray(np.einsum("nhwijc,ijc->nhwc", _patches(values, strides), kernel[..., 0]))


def test_freezing_touches_the_stem_alone() -> None:
    model = mobilenet.build(mobilenet.FILTERS[:5])
    mobilenet.freeze_stem(model, True)
    frozen = {layer.name for layer in model.layers if layer.weights and not layer.trainable}
    assert frozen == {"conv1"} | {f"conv_{kind}_{number}" for kind in ("dw", "pw") for number in (1, 2, 3)}
    mobilenet.freeze_stem(model, False)
    assert all(layer.trainable for layer in model.layers)


def test_the_address_and_its_hash_are_pinned() -> None:
    assert pretrained.URL.startswith("https://")
    assert re.fullmatch(r"[0-9a-f]{64}", pretrained.SHA256)
