"""Robustness to image degradations: the degradations and the table."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge import clip
from edge.observation import Frame
from edge.sources.media import MediaFile
from models.face.training import degrade


@pytest.fixture(scope="module")
def face() -> NDArray[np.uint8]:
    """(48, 48): the built-in clip's face, roughly framed."""
    with MediaFile(clip.path()) as media:
        while True:
            item = media.read()
            if isinstance(item, Frame) and item.captured_at > 3:
                break
    grey = cv2.cvtColor(item.image, cv2.COLOR_BGR2GRAY)
    height, width = grey.shape
    square = grey[:, (width - height) // 2 : (width + height) // 2]
    return np.asarray(cv2.resize(square, (48, 48), interpolation=cv2.INTER_AREA), np.uint8)


def distance(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    return float(np.abs(a.astype(float) - b).mean())


@pytest.mark.parametrize("name", degrade.KINDS)
def test_each_strength_changes_more_than_the_last(face: NDArray[np.uint8], name: str) -> None:
    many = np.repeat(face[None], 40, 0)
    strengths = degrade.KINDS[name].strengths
    changed = [degrade.apply(name, strength, many) for strength in strengths]
    for images in changed:
        assert images.shape == many.shape
        assert images.dtype == np.uint8
    far = [distance(images, many) for images in changed]
    assert far[0] > 0.2
    if name != "framed too wide or close":  # its two strengths go opposite ways
        assert far == sorted(far)


def test_the_same_seed_gives_the_same_pictures_and_another_others(face: NDArray[np.uint8]) -> None:
    many = np.repeat(face[None], 4, 0)
    first = degrade.apply("noised", 20, many, seed=1)
    assert (first == degrade.apply("noised", 20, many, seed=1)).all()
    assert (first != degrade.apply("noised", 20, many, seed=2)).any()


def test_each_degradation_has_its_named_effect(face: NDArray[np.uint8]) -> None:
    rng = np.random.default_rng(0)
    flat = np.full((48, 48), 100, np.uint8)
    assert degrade.KINDS["darkened"].change(flat, 0.25, rng).mean() == 25
    assert degrade.KINDS["brightened"].change(flat, 3.0, rng).min() == 255
    assert degrade.KINDS["noised"].change(flat, 20, rng).std() == pytest.approx(20, rel=0.1)
    assert (degrade.KINDS["occluded by a square"].change(flat, 12, rng) != 100).sum() == 144
    for name in ("blurred", "smeared by motion", "down-sampled"):
        change, strength = degrade.KINDS[name].change, degrade.KINDS[name].strengths[-1]
        assert (change(flat, strength, rng) == 100).all()
        assert (
            cv2.Laplacian(change(face, strength, rng), cv2.CV_64F).var() < 0.3 * cv2.Laplacian(face, cv2.CV_64F).var()
        )
    dot = np.zeros((48, 48), np.uint8)
    dot[10:13, 22:26] = 255
    turned = degrade.KINDS["rotated"].change(dot, 30, rng)
    before, after = (np.argwhere(image > 60).mean(0) - 23.5 for image in (dot, turned))
    assert np.hypot(*after) == pytest.approx(np.hypot(*before), abs=0.5)
    assert abs(np.rad2deg(np.arctan2(after[1], -after[0]) - np.arctan2(before[1], -before[0]))) == pytest.approx(
        30, abs=3
    )
    shifted = degrade.KINDS["shifted"].change(dot, 6, rng)
    assert np.hypot(*(np.argwhere(shifted > 60).mean(0) - np.argwhere(dot > 60).mean(0))) == pytest.approx(6, abs=0.7)


@pytest.mark.corpora
def test_the_table_is_of_the_real_model_on_real_faces(corpora: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "models.face.protocols.robustness",
        "--data",
        str(corpora),
        "--rows",
        "100",
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == 1 + sum(len(kind.strengths) for kind in degrade.KINDS.values())
    assert rows[0]["kind"] == "as they are"
    assert rows[0]["accuracy"] > 0.5
    by = {(row["kind"], row["strength"]): row["accuracy"] for row in rows}
    assert by["blurred", 2.5] < rows[0]["accuracy"] - 0.1
    assert by["darkened", 0.5] > by["darkened", 0.1]


def test_without_corpora_one_line_says_so() -> None:
    command = [sys.executable, "-m", "models.face.protocols.robustness", "--data", "/nowhere"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: /nowhere")
    assert done.stderr.count("\n") == 1
