"""The scene around the face: the input of a two-input model, accepted cards, and faulty models."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from support.details import face_detail
from support.keras_models import convert_here

from converters.cards import make_card, save
from edge import config
from edge.errors import ModelError
from edge.face import context
from edge.face.boxes import Box
from edge.face.context import Scene
from edge.face.crop import FRAMINGS, FRONT_END, View, crop, view
from edge.face.crop import as_input as face_input
from edge.face.expression import Expression
from edge.face.haar import HaarFace
from edge.face.sense import FaceSense
from edge.health import catalogue
from edge.health.registry import Registry
from edge.inference import card as cards
from edge.inference.interpreter import Interpreter
from edge.inference.posterior import softmax
from edge.observation import Frame
from edge.runtime.senses import Senses

SCENE = (32, 48)


def noise(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(1, 256, (height, width, 3)).astype(np.uint8)


# Contents of the scene.


@pytest.mark.parametrize("frame", [(16, 16), (90, 160), (31, 500), (720, 1280), (2160, 3840)])
@pytest.mark.parametrize("face", [(0.31, 0.42, 0.2), (-0.1, 0.3, 0.4), (0.77, 0.81, 0.5)])
def test_no_pixel_of_the_face_reaches_the_scene(frame: tuple[int, int], face: tuple[float, float, float]) -> None:
    height, width = frame
    left, top = (face[0] * width, face[1] * height) if face[0] > 0 else (face[0] * min(frame), face[1] * height)
    box = Box(left, top, face[2] * min(frame) + 0.3, face[2] * min(frame) + 0.3)
    image = noise(height, width)
    other = image.copy()
    rows = slice(max(0, math.floor(box.top)), max(0, math.ceil(box.top + box.height)))
    columns = slice(max(0, math.floor(box.left)), max(0, math.ceil(box.left + box.width)))
    other[rows, columns] = 255 - other[rows, columns]
    assert not np.array_equal(image, other)

    scenes = [Scene(picture, *SCENE).without(box) for picture in (image, other)]
    assert scenes[0].shape == (*SCENE, 3)
    assert scenes[0].dtype == np.uint8
    np.testing.assert_array_equal(scenes[0], scenes[1])
    # Hidden is the face and at most a pixel of the scene, or of a smaller frame, around it; the rest is shown.
    shown = (scenes[0] > 0).any(-1)
    lost = (2 + 4 * math.ceil(SCENE[0] / height), 2 + 4 * math.ceil(SCENE[1] / width))
    most = (box.height / height * SCENE[0] + lost[0]) * (box.width / width * SCENE[1] + lost[1])
    assert (~shown).sum() <= most


def test_the_scene_is_the_frame_in_rgb_with_the_face_in_its_place() -> None:
    image = np.full((100, 200, 3), (10, 20, 30), np.uint8)
    scene = Scene(image, 50, 50)
    found = scene.without(Box(100, 20, 40, 40))
    assert tuple(found[0, 0]) == (30, 20, 10)
    hidden = np.zeros((50, 50), bool)
    hidden[9:31, 24:36] = True  # a pixel of the frame more on each side
    np.testing.assert_array_equal((found == 0).all(-1), hidden)
    assert (scene.without(Box(-500, -500, 100, 100)) > 0).all()
    assert not scene.without(Box(-500, -500, 2000, 2000)).any()
    values = context.as_input(found)
    assert values.shape == (1, 50, 50, 3)
    assert values.dtype == np.float32
    assert (values.min(), values.max()) == (0.0, np.float32(30 / 255))


def test_the_hidden_box_holds_all_that_the_crop_of_a_turned_face_shows() -> None:
    turned = View(80.0, 60.0, 40.0, math.radians(25), 48)
    box = context.hidden(turned)
    corners = np.array([[0, 0, 1], [48, 0, 1], [0, 48, 1], [48, 48, 1]], np.float64) @ turned.to_frame.T
    np.testing.assert_allclose(corners.min(0), (box.left, box.top))
    np.testing.assert_allclose(corners.max(0), (box.left + box.width, box.top + box.height))


@pytest.mark.parametrize(
    "wrong", [None, 64, [64], [64, 64, 3], [0, 64], [64.0, 64.0], ["64", "64"], [100_000, 64], {"height": 64}]
)
def test_an_invalid_context_size_disables_the_context(wrong: object) -> None:
    assert context.size({"name": context.NAME, "context": wrong}) is None


# Which cards are taken.


@functools.cache
def converted(kind: str = "plain", form: str = "float32") -> bytes:
    """A net that sees face and scene; `swapped` inputs, `three` outputs, or the face `alone`."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(3)
    face = keras.Input((48, 48, 1), name="face")
    inputs, parts = [face], [layers.Flatten()(layers.AveragePooling2D(4)(face))]
    if kind != "alone":
        around = keras.Input((*SCENE, 3), name="scene")
        inputs.append(around)
        parts.append(layers.Flatten()(layers.AveragePooling2D(8)(around)))
    features = layers.Concatenate()(parts) if len(parts) > 1 else parts[0]
    if kind == "swapped":
        inputs.reverse()
    logits = layers.Dense(7, name="logits")(features)
    more = [layers.Dense(2)(features), layers.Dense(2)(features)]
    model = keras.Model(inputs, [logits, *more] if kind == "three" else logits)
    rng = np.random.default_rng(0)
    rows = {given.name: rng.random((60, 1, *given.shape[1:]), np.float32) for given in inputs}
    return convert_here(model, form, rows if form == "int8" else None)


def stored(path: Path, data: bytes, front_end: dict[str, Any], **card: Any) -> Path:
    save(data, make_card(data, name="stand-in", task="face", file=path.name, front_end=front_end, **card), path)
    return path


@pytest.fixture(scope="module")
def two_inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An int8 model of two inputs with its card."""
    return stored(tmp_path_factory.mktemp("models") / "two.tflite", converted(form="int8"), context.front_end(*SCENE))


def test_a_model_of_two_inputs_reads_face_and_scene(two_inputs: Path) -> None:
    expression = Expression(two_inputs)
    assert expression.scene_size == SCENE
    face, scene = noise(48, 48)[..., 0], noise(*SCENE, seed=1)
    posterior = expression.posterior(face, scene)
    assert sum(posterior) == pytest.approx(1)
    assert posterior != expression.posterior(face, 255 - scene)
    assert posterior != expression.posterior(255 - face, scene)
    with pytest.raises(ModelError, match="takes 2 inputs, not 1"):
        expression.posterior(face)
    with pytest.raises(ModelError, match="takes"):
        expression.posterior(face, scene[:-1])


@pytest.mark.parametrize(
    ("kind", "front_end", "message"),
    [
        ("plain", FRONT_END, r"takes \[\(1, 48, 48, 1\), \(1, 32, 48, 3\)\], its front end 'grey48' makes"),
        ("plain", context.front_end(48, 32), "correct the card's front_end"),
        ("alone", context.front_end(*SCENE), "takes.*'grey48.context' makes"),
        ("swapped", context.front_end(*SCENE), "in this order"),
        ("three", context.front_end(*SCENE), "one logit for each label, and at most an embedding"),
        ("plain", {**FRONT_END, "name": context.NAME}, "wants the front end"),
        ("plain", {**context.front_end(*SCENE), "range": [-1.0, 1.0]}, "wants the front end"),
        ("plain", {**context.front_end(*SCENE), "side": 96}, "wants the front end"),
        ("plain", {}, "wants the front end"),
    ],
)
def test_a_card_whose_tensors_do_not_fit_is_refused(
    tmp_path: Path, kind: str, front_end: dict[str, Any], message: str
) -> None:
    path = stored(tmp_path / "wrong.tflite", converted(kind), front_end)
    with pytest.raises(ModelError, match=message) as caught:
        Expression(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("temperature", [0.0, -1.0])
def test_an_invalid_temperature_is_refused(two_inputs: Path, tmp_path: Path, temperature: float) -> None:
    path = stored(tmp_path / "cold.tflite", two_inputs.read_bytes(), context.front_end(*SCENE))
    card = cards.card_path(path)
    cards.write(msgspec.structs.replace(cards.read(card), temperature=temperature), card)
    with pytest.raises(ModelError, match="temperature"):
        Expression(path)


def test_logits_that_overflow_at_the_temperature_are_an_error(two_inputs: Path, tmp_path: Path) -> None:
    path = stored(tmp_path / "cold.tflite", two_inputs.read_bytes(), context.front_end(*SCENE))
    expression = Expression(path)
    expression.card = msgspec.structs.replace(expression.card, temperature=1e-310)
    with pytest.raises(ModelError, match="overflow"), np.errstate(all="ignore"):
        expression.posterior(noise(48, 48)[..., 0], noise(*SCENE))


# Through the face sense.


def test_the_face_sense_gives_the_model_the_face_and_the_scene_without_it(
    two_inputs: Path, portrait: NDArray[np.uint8]
) -> None:
    registry = Registry()
    settings = config.Face(detector="haar", landmarks=False, model=str(two_inputs))
    (seen,) = FaceSense(settings, registry).look(Frame(portrait, 0.0))

    (face,) = HaarFace(config.Face().min_score).detect(portrait)
    grey = np.asarray(cv2.cvtColor(portrait, cv2.COLOR_BGR2GRAY), np.uint8)
    fine = cv2.resize(portrait, (3 * SCENE[1], 3 * SCENE[0]), interpolation=cv2.INTER_LINEAR)
    scene = cv2.cvtColor(cv2.resize(fine, SCENE[::-1], interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB)
    square = view(face, FRAMINGS["haar"])
    rows, columns = (
        slice(
            math.floor((math.floor(centre - square.side / 2) - 1) * scale),
            math.ceil((math.ceil(centre + square.side / 2) + 1) * scale),
        )
        for centre, scale in ((square.y, SCENE[0] / portrait.shape[0]), (square.x, SCENE[1] / portrait.shape[1]))
    )
    scene[rows, columns] = 0
    expected = Interpreter(two_inputs.read_bytes()).run(
        face_input(crop(grey, face, FRAMINGS["haar"])), scene[None].astype(np.float32) / 255
    )
    np.testing.assert_allclose(seen.posterior, softmax(expected[0][0]), rtol=1e-6)
    assert registry.snapshot().histograms[catalogue.SCENE].count == 1


def test_what_happens_around_the_face_is_seen(two_inputs: Path, portrait: NDArray[np.uint8]) -> None:
    """The face's own pixels stay: with one input nothing may change, with two it must."""
    (face,) = HaarFace(config.Face().min_score).detect(portrait)
    box = context.hidden(view(face, FRAMINGS["haar"]))
    other = portrait // 4
    rows = slice(int(box.top) - 4, int(box.top + box.height) + 4)
    columns = slice(int(box.left) - 4, int(box.left + box.width) + 4)
    other[rows, columns] = portrait[rows, columns]

    class Same:
        """The detection of the first picture for both, so that only the scene differs."""

        name, card = "haar", None

        def detect(self, image: NDArray[np.uint8], at: float | None = None) -> Sequence[Any]:
            return (face,)

    def posteriors(model: str) -> list[tuple[float, ...]]:
        return [
            FaceSense(config.Face(model=model, landmarks=False), detector=Same()).look(Frame(image, 0.0))[0].posterior  # type: ignore[arg-type]
            for image in (portrait, other)
        ]

    alone, beside = posteriors("small"), posteriors(str(two_inputs))
    assert alone[0] == alone[1]
    assert np.abs(np.subtract(beside[0], beside[1])).max() > 0.02


def test_with_landmarks_too_the_face_is_black_in_the_scene(two_inputs: Path, portrait: NDArray[np.uint8]) -> None:
    sense = FaceSense(config.Face(detector="haar", model=str(two_inputs)))
    given: list[tuple[NDArray[np.uint8], NDArray[np.uint8]]] = []
    read = sense.expression.read

    def note(face: NDArray[np.uint8], scene: NDArray[np.uint8]) -> tuple[tuple[float, ...], NDArray[np.float32] | None]:
        given.append((face, scene))
        return read(face, scene)

    sense.expression.read = note  # type: ignore[method-assign,assignment]
    (seen,) = sense.look(Frame(portrait, 0.0))
    ((face, scene),) = given
    left, top, width, height = face_detail(seen).box
    row = int((top + height / 2) / portrait.shape[0] * SCENE[0])
    column = int((left + width / 2) / portrait.shape[1] * SCENE[1])
    assert face.std() > 10
    assert not scene[row, column].any()
    assert scene[0, 0].any()


@pytest.mark.parametrize("side", [16, 64, 2160])
def test_frames_of_any_size_give_a_scene(two_inputs: Path, portrait: NDArray[np.uint8], side: int) -> None:
    scaled = np.asarray(cv2.resize(portrait, (side * 16 // 9, side)), np.uint8)
    for seen in FaceSense(config.Face(detector="haar", model=str(two_inputs))).look(Frame(scaled, 0.0)):
        assert sum(seen.posterior) == pytest.approx(1)


def brightness_model(path: Path, formula: str, level: float = 0.0) -> Path:
    """A float model of the face's mean brightness that leaves the numbers: `log` above `level`, `exp` well below 1."""
    import keras
    from keras import layers

    face = keras.Input((48, 48, 1), name="face")
    mean = layers.GlobalAveragePooling2D()(face)
    value = keras.ops.log(level - mean) if formula == "log" else keras.ops.exp(200.0 * mean)
    logits = layers.Dense(7, use_bias=False, kernel_initializer="ones", name="logits")(value)
    return stored(path, convert_here(keras.Model(face, logits), "float32"), FRONT_END)


def test_a_model_that_returns_nan_costs_only_that_frame(tmp_path: Path, portrait: NDArray[np.uint8]) -> None:
    (found,) = HaarFace(config.Face().min_score).detect(portrait)
    grey = np.asarray(cv2.cvtColor(portrait, cv2.COLOR_BGR2GRAY), np.uint8)
    level = float(crop(grey, found, FRAMINGS["haar"]).mean()) / 255
    path = brightness_model(tmp_path / "log.tflite", "log", level + 0.05)
    senses = Senses(FaceSense(config.Face(detector="haar", model=str(path))), None, None, {})
    bright = np.asarray(cv2.convertScaleAbs(portrait, beta=40), np.uint8)

    for number, (image, fails) in enumerate([(portrait, False), (bright, True), (portrait, False)]):
        seen = senses.see(Frame(image, float(number)))
        assert seen.failed == fails
        assert len(seen.observations) == (0 if fails else 1)
        assert seen.condition == ("model log.tflite returned a value that is not finite" if fails else None)


@pytest.mark.parametrize("formula", ["log", "exp"])
def test_nan_and_infinity_are_errors_not_posteriors(tmp_path: Path, formula: str) -> None:
    expression = Expression(brightness_model(tmp_path / "model.tflite", formula, 0.5))
    black, white = np.zeros((48, 48), np.uint8), np.full((48, 48), 255, np.uint8)
    assert expression.posterior(black) == pytest.approx([1 / 7] * 7)
    with pytest.raises(ModelError, match=r"model\.tflite returned a value that is not finite"):
        expression.posterior(white)
