"""What a face pupil is shown, and what its teachers say of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.face import data, train
from models.face.degrade import worsen
from models.face.views import opinions, view


def faces(count: int) -> data.Faces:
    rng = np.random.default_rng(3)
    images = rng.integers(0, 256, (count, 48, 48), np.uint8)
    return data.Faces(images, np.arange(count) % 7, np.zeros((count, 7), np.float32), np.zeros(count, np.bool_))


def test_every_second_view_mixes_each_face_with_another() -> None:
    plain, mixed = view(faces(40), 0, 1), view(faces(40), 1, 1)
    targets = np.eye(7, dtype=np.float32)[faces(40).labels]
    assert (plain.share == 1).all()
    assert np.array_equal(plain.mixed(targets), targets)
    assert len(np.unique(mixed.share)) == 40
    assert mixed.mixed(targets).sum(1) == pytest.approx(1)
    row = int(mixed.share.argmin())
    assert mixed.mixed(targets)[row] @ targets[mixed.other[row]] >= 1 - mixed.share[row] - 1e-6


def test_a_view_follows_from_its_number_and_the_seed() -> None:
    first = view(faces(5), 3, 1)
    assert np.array_equal(first.images, view(faces(5), 3, 1).images)
    assert not np.array_equal(first.images, view(faces(5), 1, 1).images)
    assert not np.array_equal(first.images, view(faces(5), 3, 2).images)


def test_opinions_are_the_teachers_mean_of_each_view_and_are_kept(tmp_path: Path) -> None:
    import keras

    files = []
    for name, favourite in (("a", 0), ("b", 4)):
        image = keras.Input((48, 48, 1))
        dense = keras.layers.Dense(7)
        model = keras.Model(image, dense(keras.layers.GlobalAveragePooling2D()(image)))
        # The brighter the picture, the surer.
        dense.set_weights([6.0 * np.eye(7, dtype=np.float32)[[favourite]], np.zeros(7, np.float32)])
        files.append(tmp_path / f"{name}.keras")
        model.save(files[-1])
    views = [view(faces(3), number, 1) for number in range(2)]
    found = opinions(files, views, tmp_path / "opinions", 1.0)
    for one, said in zip(views, found, strict=True):
        raised = np.exp(6 * one.images.mean((1, 2)) / 255)
        assert said[:, 0] == pytest.approx((raised / (raised + 6) + 1 / (raised + 6)) / 2, abs=1e-4)
        assert np.allclose(said[:, 0], said[:, 4])
        assert said.sum(1) == pytest.approx(1)
    for file in files:
        file.unlink()
    again = opinions(files, views, tmp_path / "opinions", 1.0)
    assert all(np.array_equal(a, b) for a, b in zip(found, again, strict=True))


def test_a_pupil_sees_the_views_in_turn_with_their_own_targets() -> None:
    known = faces(130)
    views = [view(known, number, 1) for number in range(2)]
    targets = [np.full((130, 7), number, np.float32) for number in range(2)]
    batches = train.TaughtBatches(views, targets, known.labels, 5)
    assert len(batches) == 2
    for epoch in range(3):
        batches.start(epoch)
        images, said, weights = batches[0]
        assert images.shape == (64, 48, 48, 1)
        assert (said == epoch % 2).all()
        assert weights.shape == (64,)
    assert not np.array_equal(batches[0][0], batches[1][0])


def test_a_worse_picture_is_another_of_the_same_kind() -> None:
    image = faces(1).images[0]
    rng = np.random.default_rng(1)
    found = [worsen(image, rng) for _ in range(30)]
    assert all(one.shape == (48, 48) and one.dtype == np.uint8 for one in found)
    assert len({one.tobytes() for one in found}) == 30
    assert not any(np.array_equal(one, image) for one in found)
