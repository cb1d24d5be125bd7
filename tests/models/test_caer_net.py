"""CAER-Net-S: the paper's layers, its two attentions, its conversion, and that it learns from both inputs."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.keras_models import convert_here

from converters.cards import make_card, save
from converters.parity import measure
from edge import clip, config
from edge.face import context
from edge.face.crop import SIDE
from edge.face.expression import Expression
from edge.face.sense import FaceSense
from edge.inference.interpreter import Interpreter
from edge.observation import Frame
from edge.sources.media import MediaFile

SCENE = (64, 64)


@functools.cache
def light() -> Any:
    """Light CAER-Net-S with its random start; its logits are spread so that decisions differ from row to row."""
    import keras

    from models.zoo import caer_net

    keras.utils.set_random_seed(5)
    model = caer_net.build(SCENE, caer_net.LIGHT)
    kernel, bias = model.get_layer("logits").get_weights()
    model.get_layer("logits").set_weights([kernel * 100, bias])
    return model


def painted(count: int, seed: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int64]]:
    """Faces (n, 48, 48) whose brightness, and scenes (n, 64, 64, 3) whose pattern, indicates the label 0 or 1."""
    from models.zoo import synthetic_scenes

    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    faces = np.where(labels == 1, 190, 60)[:, None, None] + rng.integers(-50, 50, (count, SIDE, SIDE))
    pairs = [
        synthetic_scenes.pair(np.asarray(face, np.uint8), int(label), SCENE, rng)
        for face, label in zip(faces, labels, strict=True)
    ]
    return np.stack([face for face, _ in pairs]), np.stack([scene for _, scene in pairs]), labels


@functools.cache
def rows(count: int = 60) -> tuple[tuple[NDArray[np.float32], NDArray[np.float32]], ...]:
    from edge.face.crop import as_input

    faces, scenes, _ = painted(count)
    return tuple((as_input(face), context.as_input(scene)) for face, scene in zip(faces, scenes, strict=True))


@functools.cache
def converted() -> bytes:
    faces, scenes = (np.stack(column) for column in zip(*rows(), strict=True))
    return convert_here(light(), "int8", {"face": faces, "scene": scenes})


def frames(media: MediaFile, count: int) -> list[Frame]:
    """The clip's frames from its third second on."""
    found: list[Frame] = []
    while len(found) < count:
        item = media.read()
        if isinstance(item, Frame) and item.captured_at > 3:
            found.append(item)
    return found


def test_the_layers_are_the_papers() -> None:
    from keras import layers

    from models.zoo import caer_net

    model = caer_net.build()
    assert [tuple(given.shape) for given in model.inputs] == [(None, 48, 48, 1), (None, 112, 112, 3)]
    convolutions = [layer for layer in model.layers if isinstance(layer, layers.Conv2D)]
    assert {layer.kernel_size for layer in convolutions} == {(3, 3)}
    filters = sorted(layer.filters for layer in convolutions)
    assert filters == sorted([*(32, 64, 128, 256, 256) * 2, 128, 1])
    assert sum(isinstance(layer, layers.MaxPooling2D) for layer in model.layers) == 8
    units = sorted(layer.units for layer in model.layers if isinstance(layer, layers.Dense))
    assert units == [1, 1, 7, 128, 128, 128]
    assert not any(isinstance(layer, layers.Lambda) for layer in model.layers)


def test_attention_and_fusion_weights_are_shares() -> None:
    from models.zoo import caer_net

    columns = [np.concatenate(column) for column in zip(*rows(20), strict=True)]
    looked = np.asarray(caer_net.attention(light())(columns))
    assert looked.shape == (20, 4, 4, 1)
    np.testing.assert_allclose(looked.sum((1, 2, 3)), 1, rtol=1e-5)
    weights = np.asarray(caer_net.fusion_weights(light())(columns))
    assert weights.shape == (20, 2)
    np.testing.assert_allclose(weights.sum(1), 1, rtol=1e-5)


def test_the_fusion_is_the_weighted_streams_side_by_side() -> None:
    """The net's own parts put together by hand give its logits."""
    import keras

    from models.zoo import caer_net

    model = light()
    columns = [np.concatenate(column) for column in zip(*rows(20), strict=True)]
    streams = keras.Model(model.inputs, [model.get_layer(f"{name}_features").output for name in ("face", "scene")])
    face, scene = (np.asarray(stream) for stream in streams(columns))
    weights = np.asarray(caer_net.fusion_weights(model)(columns))
    fused = np.concatenate([face * weights[:, :1], scene * weights[:, 1:]], 1)
    *_, hidden, _, logits = model.layers
    (kernel, bias), (last, offset) = hidden.get_weights(), logits.get_weights()
    by_hand = np.maximum(fused @ kernel + bias, 0) @ last + offset
    np.testing.assert_allclose(np.asarray(model(columns)), by_hand, rtol=1e-3, atol=1e-3)


def test_the_light_form_fits_the_device_and_decides_as_keras_does() -> None:
    data = converted()
    assert len(data) < 1_000_000
    interpreter = Interpreter(data)
    assert [tensor.shape for tensor in interpreter.inputs] == [(1, 48, 48, 1), (1, *SCENE, 3)]
    assert {tensor.dtype for tensor in (*interpreter.inputs, *interpreter.outputs)} == {"int8"}
    parity = measure(light(), data, rows())
    assert parity.agreement >= 0.9
    assert parity.mean_error < 0.1 * parity.scale


def test_the_converted_net_reads_a_real_frame(tmp_path: Path) -> None:
    data, path = converted(), tmp_path / "caer.tflite"
    card = make_card(data, name="light", task="face", file=path.name, front_end=context.front_end(*SCENE))
    save(data, card, path)
    assert Expression(path).scene_size == SCENE
    sense = FaceSense(config.Face(detector="haar", model=str(path)))
    with MediaFile(clip.path()) as media:
        seen = [found.posterior for frame in frames(media, 20) for found in sense.look(frame)]
    assert len(seen) > 10
    np.testing.assert_allclose(np.sum(seen, 1), 1)


def test_it_learns_from_either_input_and_weighs_the_informative_one_more() -> None:
    """Two labels are indicated by the face's brightness and by the scene's pattern, unless they are black."""
    import keras

    from edge.face.crop import as_input
    from models.zoo import caer_net

    keras.utils.set_random_seed(1)
    model = caer_net.build(SCENE, 0.125, dropout=0.0, classes=2)
    faces, scenes, labels = painted(256, seed=1)
    missing = np.random.default_rng(2).integers(0, 3, len(labels))  # nothing, the face or the scene
    faces[missing == 1], scenes[missing == 2] = 0, 0
    model.compile(keras.optimizers.Adam(3e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit((as_input(faces), context.as_input(scenes)), labels, batch_size=32, epochs=7, verbose=0)

    faces, scenes, labels = painted(100, seed=3)
    accuracy, trust = {}, {}
    for name, given in {
        "both": (faces, scenes),
        "face": (faces, scenes * np.uint8(0)),
        "scene": (faces * np.uint8(0), scenes),
        "none": (faces * np.uint8(0), scenes * np.uint8(0)),
    }.items():
        values = [as_input(given[0]), context.as_input(given[1])]
        accuracy[name] = float((np.asarray(model(values)).argmax(1) == labels).mean())
        trust[name] = float(np.asarray(caer_net.fusion_weights(model)(values))[:, 0].mean())
    assert min(accuracy["both"], accuracy["face"]) > 0.95
    assert accuracy["scene"] > 0.85
    assert accuracy["none"] < 0.7
    assert trust["face"] > trust["scene"] + 0.1


@pytest.mark.slow
@pytest.mark.corpora
@pytest.mark.timeout(600)
def test_the_whole_recipe_runs(corpora: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "models.zoo.train_context", "--data", str(corpora), "--quick"]
    command += ["--runs", str(tmp_path / "runs"), "--out", str(tmp_path / "context.tflite")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=580, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    table = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"inputs"')]
    assert len(table) == 4
    assert all(0 < row["face_weight"] < 1 for row in table)
    assert Expression(tmp_path / "context.tflite").scene_size is not None


def test_without_corpora_the_recipe_says_so_in_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "models.zoo.train_context", "--data", str(tmp_path), "--runs", str(tmp_path / "r")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in done.stderr
