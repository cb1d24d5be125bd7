"""Risk–coverage: the curve on cases to be counted by hand, frames as cameras give them, the table, the picture."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from edge.face.blazeface_file import find
from models import curve
from models.face import data
from models.face.protocols import capture
from models.face.protocols.risk_coverage import accuracies, area, at, read, table

needs_blazeface = pytest.mark.skipif(find() is None, reason="BlazeFace is not fetched (python -m models.face.fetch)")


def test_the_highest_rated_rows_are_kept_first() -> None:
    line = accuracies(np.array([0.1, 0.9, 0.5, 0.7]), np.array([False, True, False, True]))
    assert line == pytest.approx([1, 1, 2 / 3, 1 / 2])
    assert at(1.0, line) == pytest.approx(0.5)
    assert at(0.5, line) == pytest.approx(1.0)
    assert area(line) == pytest.approx(1 - (1 + 1 + 2 / 3 + 1 / 2) / 4)


def test_tied_rows_count_with_their_mean() -> None:
    line = accuracies(np.zeros(4), np.array([True, True, True, False]))
    assert line == pytest.approx([0.75] * 4)
    mixed = accuracies(np.array([1.0, 0.0, 0.0]), np.array([False, True, False]))
    assert mixed == pytest.approx([0, 0.25, 1 / 3])


def test_a_rating_that_is_always_wrong_costs_more_than_none() -> None:
    right = np.arange(100) < 60
    none, best, worst = (area(accuracies(order, right)) for order in (np.zeros(100), right * 1.0, ~right * 1.0))
    assert best < none < worst


def test_hard_frames_are_worse_than_good_ones_and_hold_the_face_where_they_say() -> None:
    face = np.random.default_rng(0).integers(60, 200, (48, 48)).astype(np.uint8)
    good = [capture.shoot(face, np.random.default_rng(i), hard=False) for i in range(30)]
    hard = [capture.shoot(face, np.random.default_rng(i), hard=True) for i in range(30)]
    for shot in (*good, *hard):
        assert shot.image.shape == (capture.HEIGHT, capture.WIDTH)
        assert shot.image.dtype == np.uint8
        half = shot.side / 2
        assert half < shot.x < capture.WIDTH - half
        assert half < shot.y < capture.HEIGHT - half
    assert min(shot.side for shot in good) >= 48 > min(shot.side for shot in hard) >= 14
    assert np.mean([shot.image.std() for shot in hard]) < np.mean([shot.image.std() for shot in good])
    # The same chance, the same frame.
    assert (
        capture.shoot(face, np.random.default_rng(3)).image == capture.shoot(face, np.random.default_rng(3)).image
    ).all()


def test_the_picture_is_svg_with_a_curve_for_each_line() -> None:
    lines = [
        curve.Line("by quality", np.linspace(0.9, 0.6, 400)),
        curve.Line("in any order", np.full(400, 0.6), dashed=True),
    ]
    root = ElementTree.fromstring(curve.picture(lines, "Accuracy of what is kept"))
    found = [part for part in root.iter() if part.tag.endswith("polyline")]
    assert len(found) == 2
    for part in found:
        points = [tuple(map(float, pair.split(","))) for pair in part.attrib["points"].split()]
        assert all(0 <= x <= 640 and 0 <= y <= 380 for x, y in points)
    # Higher accuracy is further up, and the first curve falls.
    first = [float(pair.split(",")[1]) for pair in found[0].attrib["points"].split()]
    assert first == sorted(first)


@needs_blazeface
@pytest.mark.corpora
def test_quality_puts_readings_in_a_better_order_than_chance(corpora: Path) -> None:
    faces = data.head(data.load(corpora / data.FILE, "public"), 1000)
    found = read(faces, "small", seed=1)
    assert 0.4 * found.shown < len(found.right) < found.shown
    rng = np.random.default_rng(0)
    by_chance = [area(accuracies(rng.random(len(found.right)), found.right)) for _ in range(400)]
    assert area(accuracies(found.quality, found.right)) < np.percentile(by_chance, 5)
    assert "| by quality |" in table(found)
    assert (found.quality >= 0).all()
    assert (found.quality <= 1).all()


def test_without_corpora_one_line_says_so() -> None:
    command = [sys.executable, "-m", "models.face.protocols.risk_coverage", "--data", "/nowhere"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: /nowhere")
    assert done.stderr.count("\n") == 1
