"""Training data of the face model: augmentation, degradation, two corpora side by side, and recipe."""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.emotions import LABELS
from models.face import data, rafdb, train
from models.face.training import mixed
from models.face.training.augment import augment
from models.face.training.batches import Batches
from models.face.training.degrade import worsen
from models.face.training.targets import soft_targets
from models.face.training.views import enlarged, view


def faces(count: int) -> data.Faces:
    images = np.random.default_rng(3).integers(0, 256, (count, 48, 48), np.uint8)
    return data.Faces(images, np.arange(count) % 7, np.zeros((count, 7), np.float32), np.zeros(count, np.bool_))


def test_a_batch_follows_from_seed_epoch_and_number() -> None:
    known = faces(130)
    targets = soft_targets(known)
    batches, again = (Batches(known, targets, 5, worse=0.5) for _ in range(2))
    assert len(batches) == 2
    batches.start(3)
    again.start(3)
    for one, other in zip(batches[1], again[1], strict=True):
        assert np.array_equal(one, other)
    again.start(4)
    assert not np.array_equal(batches[1][0], again[1][0])


def test_a_share_of_the_pictures_is_made_worse() -> None:
    known = faces(640)
    plain, worse = (Batches(known, soft_targets(known), 5, 640, share)[0][0] for share in (0.0, 0.3))
    changed = (plain != worse).any(axis=(1, 2, 3)).mean()
    assert 0.2 < changed < 0.4


def test_a_worse_picture_is_another_of_the_same_kind() -> None:
    image = faces(1).images[0]
    rng = np.random.default_rng(1)
    found = [worsen(image, rng) for _ in range(30)]
    assert all(one.shape == (48, 48) and one.dtype == np.uint8 for one in found)
    assert len({one.tobytes() for one in found}) >= 28  # JPEG qualities are whole numbers and may come twice
    # A smear of two pixels, the shortest, may end within the pixel where it begins.
    assert sum(np.array_equal(one, image) for one in found) <= 1


def test_the_recipe_names_what_training_began_with() -> None:
    usual = argparse.Namespace(size="small", teacher=(), worse=0.0, from_scratch=False, start=None)
    assert "started from the large model, its channels pruned" in train.recipe(usual)
    scratch = train.recipe(argparse.Namespace(**vars(usual) | {"from_scratch": True}))
    assert "trained from random weights" in scratch
    assert "pruned" not in scratch


def test_a_view_has_the_side_asked_for_and_shows_the_same_face() -> None:
    """A bright square in the middle of a dark picture stays near the middle, whatever the side of either."""
    rng = np.random.default_rng(4)
    for side in (48, 100):
        image = np.zeros((side, side), np.uint8)
        image[side // 3 : 2 * side // 3, side // 3 : 2 * side // 3] = 255
        for _ in range(20):
            found = view(image, 112, 0.0, rng)
            assert found.shape == (112, 112)
            assert found.dtype == np.uint8
        moved = augment(image, rng, 112)
        ys, xs = np.nonzero(moved > 200)
        assert 112 / 2 - 25 < np.median(ys) < 112 / 2 + 25
        assert 112 / 2 - 25 < np.median(xs) < 112 / 2 + 25
        assert 0.04 < (moved > 128).mean() < 0.35


def test_pictures_are_enlarged_as_the_network_did_before() -> None:
    """The shipped nets of 48×48 pixels enlarged the face in their graph, by bilinear interpolation."""
    ramp = np.tile(np.linspace(0, 255, 48, dtype=np.uint8), (2, 48, 1))
    large = enlarged(ramp, 112)
    assert large.shape == (2, 112, 112)
    assert np.all(np.diff(large[0, 50].astype(int)) >= 0)
    assert enlarged(large, 112) is large


def part(count: int, side: int, share: float, label: int | None = None) -> mixed.Part:
    rng = np.random.default_rng(side)
    labels = np.arange(count) % 7 if label is None else np.full(count, label)
    return mixed.Part(
        rng.integers(0, 256, (count, side, side), np.uint8), labels, np.eye(7, dtype=np.float32)[labels], share, 0.5
    )


def test_each_corpus_has_its_share_of_an_epoch() -> None:
    batches = mixed.Batches((part(900, 48, 0.25, 0), part(300, 100, 0.75, 3)), 112, 5, rows=256, worse=0.3)
    assert len(batches) == 4
    labels = np.concatenate([batches[i][1].argmax(1) for i in range(4)])
    assert np.bincount(labels, minlength=7).tolist() == [64, 0, 0, 192, 0, 0, 0]
    images, _, weights = batches[0]
    assert images.shape == (64, 112, 112, 1)
    assert images.max() <= 1.0
    assert weights.shape == (64,)
    first = batches._order.copy()
    batches.start(1)
    assert not np.array_equal(first, batches._order)


def test_the_prior_is_that_of_the_weighted_targets() -> None:
    labels = np.array([4] * 80 + [0] * 20)
    rows = mixed.Part(np.zeros((100, 48, 48), np.uint8), labels, np.eye(7, dtype=np.float32)[labels], 1.0, 0.5)
    prior = mixed.Batches((rows,), 112, 5, rows=64).prior
    # Weights of 0.8^-0.5 and 0.2^-0.5 make 4 : 1 into 2 : 1.
    assert prior == pytest.approx([1 / 3, 0, 0, 0, 2 / 3, 0, 0], abs=1e-6)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """1,750 rows in the form of RAF-DB's file, the last 100 of them for testing; grey level and row go together."""
    blobs = [cv2.imencode(".png", np.full((100, 100, 3), row % 251, np.uint8))[1].ravel() for row in range(1750)]
    classes = np.array(["surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral"])
    file = tmp_path / "rafdb.npz"
    np.savez(
        file,
        blob=np.concatenate(blobs),
        offset=np.cumsum([0, *map(len, blobs)]),
        label=np.arange(1750) % 7,
        usage=np.where(np.arange(1750) < 1650, 0, 2),
        classes=classes,
    )
    return file


def test_held_out_rows_of_rafdb_are_not_trained_on(corpus: Path) -> None:
    splits = {split: rafdb.load(corpus, split) for split in ("training", "held out", "test")}
    assert {split: len(faces) for split, faces in splits.items()} == {"training": 150, "held out": 1500, "test": 100}
    # Label and grey level together tell the row (7 and 251 have no common divisor).
    rows = {
        split: {(int(image[0, 0]), int(label)) for image, label in zip(f.images, f.labels, strict=True)}
        for split, f in splits.items()
    }
    assert not rows["training"] & rows["held out"]
    assert not rows["test"] & rows["held out"]
    assert np.array_equal(rafdb.load(corpus, "held out").images, splits["held out"].images)


def test_labels_of_rafdb_are_ours(corpus: Path) -> None:
    test = rafdb.load(corpus, "test")
    assert [LABELS[label] for label in test.labels[:7]] == [
        ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral")[row % 7]
        for row in range(1650, 1657)
    ]
    assert len(rafdb.head(test, 3)) == 3
