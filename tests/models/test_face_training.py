"""Training data of the face model: augmentation, degradation and recipe."""

from __future__ import annotations

import argparse

import numpy as np

from models.face import data, train
from models.face.training.batches import Batches
from models.face.training.degrade import worsen
from models.face.training.targets import soft_targets


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
    assert len({one.tobytes() for one in found}) == 30
    assert not any(np.array_equal(one, image) for one in found)


def test_the_recipe_names_what_training_began_with() -> None:
    usual = argparse.Namespace(size="small", teacher=(), worse=0.0, from_scratch=False, start=None)
    assert "started from the large model, its channels pruned" in train.recipe(usual)
    scratch = train.recipe(argparse.Namespace(**vars(usual) | {"from_scratch": True}))
    assert "trained from random weights" in scratch
    assert "pruned" not in scratch
