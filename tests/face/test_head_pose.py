"""Head pose from points whose rotation is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.face.mean_face import MEAN_FACE
from edge.face.pose import HeadPose, head_pose
from edge.face.shape import MIRRORED


def turned(yaw: float, pitch: float, roll: float, size: float = 80.0) -> NDArray[np.float64]:
    """The mean face's points in pixels, turned by degrees and seen from afar."""
    a, b, c = (math.radians(angle) for angle in (yaw, pitch, roll))
    about_y = np.array([[math.cos(a), 0, -math.sin(a)], [0, 1, 0], [math.sin(a), 0, math.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, math.cos(b), math.sin(b)], [0, -math.sin(b), math.cos(b)]])
    about_z = np.array([[math.cos(c), -math.sin(c), 0], [math.sin(c), math.cos(c), 0], [0, 0, 1]])
    return (MEAN_FACE @ (about_z @ about_y @ about_x).T)[:, :2] * size + np.array([320.0, 200.0])


@pytest.mark.parametrize("pose", [(0, 0, 0), (25, 0, 0), (0, 15, 0), (0, 0, -30), (-40, -20, 15), (35, 10, 45)])
def test_known_rotations_come_back(pose: tuple[float, float, float]) -> None:
    found = head_pose(turned(*pose))
    assert (found.yaw, found.pitch, found.roll) == pytest.approx(pose, abs=1e-6)


def test_a_turn_to_the_right_of_the_picture_is_a_positive_yaw() -> None:
    points = turned(30, 0, 0)
    assert points[30, 0] > points[[36, 45], 0].mean()  # the nose's tip moved right
    assert head_pose(points).yaw > 0


def test_looking_up_lifts_the_nose() -> None:
    assert turned(0, 20, 0)[30, 1] < turned(0, 0, 0)[30, 1]


def test_a_mirror_image_turns_the_other_way() -> None:
    other = head_pose(turned(20, 10, 5)[list(MIRRORED)] * np.array([-1, 1]))
    assert (other.yaw, other.pitch, other.roll) == pytest.approx((-20, 10, -5), abs=1e-6)


def test_noise_of_a_fiftieth_of_the_face_moves_it_a_few_degrees_only() -> None:
    rng = np.random.default_rng(0)
    off = [abs(head_pose(turned(20, 5, 0) + rng.normal(0, 80 * 0.04, (68, 2))).yaw - 20) for _ in range(50)]
    assert float(np.mean(off)) < 4.0


def test_size_and_place_do_not_matter() -> None:
    small, large = head_pose(turned(10, 5, 3, 20.0) - 500.0), head_pose(turned(10, 5, 3, 300.0))
    assert isinstance(small, HeadPose)
    assert (small.yaw, small.pitch, small.roll) == pytest.approx((large.yaw, large.pitch, large.roll), abs=1e-6)


def test_the_pose_hangs_on_brows_nose_eyes_and_the_corners_of_the_mouth_alone() -> None:
    """The jaw slides along the outline as the head turns, and the lips move during speech."""
    rigid = {*range(17, 48), 48, 51, 54, 57}
    still = head_pose(turned(20, 10, 5))
    for point in range(68):
        moved = turned(20, 10, 5)
        moved[point] += (9, -7)
        assert (head_pose(moved) != still) == (point in rigid), point
