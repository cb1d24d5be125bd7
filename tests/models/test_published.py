"""The published nets as teachers: their weights stand where they should, their opinions are averaged and kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.emotions import LABELS
from models.face import data
from models.face.nets import xception
from models.face.pretrained import Weights
from models.face.training import published
from models.face.training.targets import taught

FOLDER = "StatefulPartitionedCall/model_1/"


def weights(rng: np.random.Generator) -> Weights:
    """Random ones under the published graph's names."""
    found: Weights = {}

    def add(name: str, *shape: int) -> None:
        spread = 1.0 / np.sqrt(max(1, int(np.prod(shape[:-1]))))
        found[name] = rng.normal(0.0, spread, shape).astype(np.float32)

    for name, kind, *shape in (
        ("conv2d_1", "Conv2D", 3, 3, 1, 32),
        ("conv2d_2", "Conv2D", 3, 3, 32, 64),
        ("conv2d_3", "Conv2D", 1, 1, 64, 128),
        ("conv2d_4", "Conv2D", 1, 1, 128, 256),
        ("separable_conv2d_1", "separable_conv2d", 1, 1, 64, 128),
        ("separable_conv2d_2", "separable_conv2d", 1, 1, 128, 128),
        ("separable_conv2d_3", "separable_conv2d", 1, 1, 128, 256),
        ("separable_conv2d_4", "separable_conv2d", 1, 1, 256, 256),
    ):
        add(f"{FOLDER}{name}/{kind}_weights", *shape)
        add(f"{FOLDER}{name}/{kind}_bn_offset", shape[-1])
    for name, channels in (("unknown_9", 64), ("unknown_15", 128), ("unknown_26", 128), ("unknown_32", 256)):
        add(name, 3, 3, channels, 1)
    add("unknown_43", 3, 3, 256, 7)
    add("unknown_44", 7)
    return found


def original(given: Weights, image: np.ndarray) -> np.ndarray:
    """The published graph, normalisation folded, written out: (n, 48, 48, 1) → (n, 7) logits in its own order."""
    import tensorflow as tf

    def convolve(values: object, name: str, kind: str, strides: int, padding: str) -> object:
        kernel, offset = given[f"{FOLDER}{name}/{kind}_weights"], given[f"{FOLDER}{name}/{kind}_bn_offset"]
        return tf.nn.conv2d(values, kernel, strides, padding) + offset

    def separable(values: object, depthwise: str, name: str) -> object:
        values = tf.nn.depthwise_conv2d(values, given[depthwise], [1, 1, 1, 1], "SAME")
        return convolve(values, name, "separable_conv2d", 1, "VALID")

    out = tf.image.resize(image * 2 - 1, (64, 64))
    out = tf.nn.relu(convolve(out, "conv2d_1", "Conv2D", 2, "VALID"))
    out = tf.nn.relu(convolve(out, "conv2d_2", "Conv2D", 1, "VALID"))
    shortcut = convolve(out, "conv2d_3", "Conv2D", 2, "SAME")
    out = separable(tf.nn.relu(separable(out, "unknown_9", "separable_conv2d_1")), "unknown_15", "separable_conv2d_2")
    out = tf.nn.max_pool2d(out, 3, 2, "SAME") + shortcut
    shortcut = convolve(out, "conv2d_4", "Conv2D", 2, "SAME")
    out = separable(tf.nn.relu(out), "unknown_26", "separable_conv2d_3")
    out = separable(tf.nn.relu(out), "unknown_32", "separable_conv2d_4")
    out = tf.nn.max_pool2d(out, 3, 2, "SAME") + shortcut
    out = tf.nn.conv2d(out, given["unknown_43"], 1, "SAME") + given["unknown_44"]
    return np.asarray(tf.reduce_mean(out, (1, 2)))


def test_the_rebuilt_net_computes_what_the_published_one_does_in_our_order() -> None:
    rng = np.random.default_rng(3)
    given = weights(rng)
    pictures = rng.random((32, 48, 48, 1)).astype(np.float32)
    model = xception.build()
    xception.start_from(model, given, published.ORDER, pictures)
    found = np.asarray(model(pictures[:4], training=False))
    theirs = original(given, pictures[:4])
    assert np.ptp(theirs) > 0.1
    for column, label in enumerate(LABELS):
        expected = theirs[:, ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral").index(label)]
        assert found[:, column] == pytest.approx(expected, abs=2e-3)


def test_opinions_are_the_teachers_mean_and_are_kept(tmp_path: Path) -> None:
    import keras

    faces = data.Faces(
        np.zeros((3, 48, 48), np.uint8), np.zeros(3, np.int64), np.zeros((3, 7), np.float32), np.zeros(3, np.bool_)
    )
    files = []
    for name, favourite in (("a", 0), ("b", 4)):
        image = keras.Input((48, 48, 1))
        dense = keras.layers.Dense(7)
        model = keras.Model(image, dense(keras.layers.GlobalAveragePooling2D()(image)))
        dense.set_weights([np.zeros((1, 7), np.float32), 30.0 * np.eye(7, dtype=np.float32)[favourite]])
        files.append(tmp_path / f"{name}.keras")
        model.save(files[-1])
    found = taught(files, faces, 1, tmp_path / "opinions")
    assert found == pytest.approx(np.tile([0.5, 0, 0, 0, 0.5, 0, 0], (3, 1)), abs=1e-3)
    for file in files:
        file.unlink()
    assert np.array_equal(taught(files, faces, 1, tmp_path / "opinions"), found)
