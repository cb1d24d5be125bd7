"""Random plans of clips in which persons cross, occlude each other, leave and return."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

WIDTH: Final = 640
"""Width of a frame, pixels."""
HEIGHT: Final = 480
"""Height of a frame, pixels."""
RATE: Final = 10.0
"""Frames per second, equal to the default rate at which the device detects faces."""


@dataclass(frozen=True, slots=True)
class Place:
    """Position of a face at one moment, in pixels of the frame."""

    x: float
    """Horizontal centre of the face."""
    y: float
    """Vertical centre of the face."""
    side: float
    """Side of the face's square box."""


Walk: TypeAlias = Callable[[float], Place | None]
"""Takes a time in seconds and returns the place of a face, or None while the person is out of the scene."""


@dataclass(frozen=True, slots=True)
class Pillar:
    """A vertical obstacle in front of all persons."""

    left: float
    """Left edge, pixels."""
    width: float
    """Width, pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """The plan of a clip."""

    kind: str
    """Name of the kind of scene, for the table."""
    seconds: float
    """Length of the clip, seconds."""
    paths: tuple[Walk, ...]
    """The path of each person."""
    pillars: tuple[Pillar, ...] = ()
    """Obstacles in front of the persons."""
    shake: float = 1.0
    """Standard deviation of the slow camera sway, pixels; a quarter of it is added as a jump per frame."""


def _line(knots: Sequence[tuple[float, float, float, float]], away: tuple[float, float] | None = None) -> Walk:
    """A path that interpolates linearly between knots (time, x, y, side).

    The person is out of the scene before the first knot and from `away[0]` to `away[1]`, in seconds.
    """

    def place(at: float) -> Place | None:
        if at < knots[0][0] or (away is not None and away[0] <= at < away[1]):
            return None
        times = [knot[0] for knot in knots]
        x, y, side = (float(np.interp(at, times, [knot[part] for knot in knots])) for part in (1, 2, 3))
        return Place(x, y, side)

    return place


def _crossing(rng: np.random.Generator) -> Scene:
    """Two persons walk past each other once; the nearer one occludes the other."""
    seconds, pace = 6.0, rng.uniform(2.0, 4.5)
    y, near, far = rng.uniform(170, 250), rng.uniform(95, 130), rng.uniform(65, 90)
    start, side = (seconds - pace) / 2, 1 if rng.random() < 0.5 else -1
    left, right = WIDTH / 2 - side * rng.uniform(150, 240), WIDTH / 2 + side * rng.uniform(150, 240)
    dip = rng.uniform(-20, 20)
    return Scene(
        "crossing",
        seconds,
        (
            _line([(0, left, y, near), (start, left, y, near), (start + pace, right, y, near)]),
            _line([(0, right, y + dip, far), (start, right, y + dip, far), (start + pace, left, y + dip, far)]),
        ),
    )


def _turning(rng: np.random.Generator) -> Scene:
    """Two persons meet, overlap for a moment and walk back, which looks like a crossing but is not."""
    seconds, y = 6.0, rng.uniform(170, 250)
    near, far = rng.uniform(95, 125), rng.uniform(70, 92)
    middle, apart, overlap = WIDTH / 2, rng.uniform(150, 220), rng.uniform(0.1, 0.45) * far
    there, stay = rng.uniform(1.0, 2.0), rng.uniform(0.2, 0.8)

    def path(sign: int, side: float) -> Walk:
        out, close = middle + sign * apart, middle + sign * overlap / 2
        start = 3.0 - there - stay / 2
        return _line(
            [
                (0, out, y, side),
                (start, out, y, side),
                (start + there, close, y, side),
                (start + there + stay, close, y, side),
                (start + 2 * there + stay, out, y, side),
            ]
        )

    return Scene("turning back", seconds, (path(-1, near), path(1, far)))


def _occlusion(rng: np.random.Generator) -> Scene:
    """One or two persons walk behind a pillar and reappear 0.2 to 1 s later."""
    seconds, count = 7.0, int(rng.integers(1, 3))
    width = float(rng.uniform(90, 190))
    pillar = Pillar((WIDTH - width) / 2, width)
    paths: list[Walk] = []
    for person in range(count):
        y, side = rng.uniform(150, 270), rng.uniform(65, 100)
        # The face counts as hidden from full occlusion until its first reappearance.
        speed = max(width - side, 30) / rng.uniform(0.2, 1.0)
        speed = min(max(speed, 110.0), 320.0)
        start_x, end_x = (60.0, WIDTH - 60.0) if (person + rng.integers(2)) % 2 else (WIDTH - 60.0, 60.0)
        pace = (WIDTH - 120) / speed
        start = rng.uniform(0.5, max(0.6, seconds - pace - 0.5))
        paths.append(_line([(0, start_x, y, side), (start, start_x, y, side), (start + pace, end_x, y, side)]))
    return Scene("behind a pillar", seconds, tuple(paths), (pillar,))


def _return(rng: np.random.Generator) -> Scene:
    """One person stays; another leaves the picture and returns within 3 s, in two of three cases on the same side."""
    seconds, side = 9.0, rng.uniform(70, 110)
    y, away = rng.uniform(150, 260), rng.uniform(0.5, 2.6)
    out = WIDTH + side if rng.random() < 0.5 else -side
    back = out if rng.random() < 2 / 3 else WIDTH - out
    inside = rng.uniform(0.55, 0.8) * WIDTH if out > 0 else rng.uniform(0.2, 0.45) * WIDTH
    pace = rng.uniform(0.7, 1.5)
    leaves = 2.5
    end = inside if back == out else WIDTH - inside
    other = WIDTH - inside
    side2 = rng.uniform(70, 110)
    return Scene(
        "leaves and returns",
        seconds,
        (
            _line(
                [
                    (0, inside, y, side),
                    (leaves, inside, y, side),
                    (leaves + pace, out, y, side),
                    (leaves + pace + away, back, y, side),
                    (leaves + 2 * pace + away, end, y, side),
                ],
                away=(leaves + pace, leaves + pace + away),
            ),
            _line([(0, other, y + 20, side2), (seconds, other + rng.uniform(-30, 30), y + 10, side2)]),
        ),
    )


def _relief(rng: np.random.Generator) -> Scene:
    """One person leaves; within 3 s another one enters at the same place and must get another id."""
    seconds, side = 8.0, rng.uniform(75, 115)
    y, away, pace = rng.uniform(160, 260), rng.uniform(0.3, 2.0), rng.uniform(0.7, 1.4)
    out = WIDTH + side if rng.random() < 0.5 else -side
    inside = rng.uniform(0.4, 0.6) * WIDTH
    side2 = side * rng.uniform(0.9, 1.1)
    return Scene(
        "relieved by another",
        seconds,
        (
            _line([(0, inside, y, side), (2.5, inside, y, side), (2.5 + pace, out, y, side)], (2.5 + pace, seconds)),
            _line([(2.5 + pace + away, out, y, side2), (2.5 + 2 * pace + away, inside, y, side2)]),
        ),
    )


def _crowd(rng: np.random.Generator) -> Scene:
    """Three to five persons walk about at different depths in front of a shaking camera."""
    seconds, count = 10.0, int(rng.integers(3, 6))
    paths: list[Walk] = []
    for person in range(count):
        depth = 68 + 14 * person
        knots = [(0.0, (person + 0.5) / count * WIDTH, float(rng.uniform(140, 280)), float(depth))]
        while knots[-1][0] < seconds:
            time, x, y, side = knots[-1]
            goal = float(rng.uniform(70, WIDTH - 70))
            pace = max(0.8, abs(goal - x) / float(rng.uniform(60, 200)))
            knots.append((time + pace, goal, float(np.clip(y + rng.normal(0, 25), 120, 300)), side))
            knots.append((knots[-1][0] + float(rng.uniform(0.2, 1.5)), *knots[-1][1:]))
        paths.append(_line(knots))
    return Scene("three to five, shaken", seconds, tuple(paths), (), shake=float(rng.uniform(3, 9)))


SCENES: Final[Mapping[str, Callable[[np.random.Generator], Scene]]] = {
    "crossing": _crossing,
    "turning": _turning,
    "occlusion": _occlusion,
    "return": _return,
    "relief": _relief,
    "crowd": _crowd,
}
"""The kinds of scenes by name; each call draws a new random plan."""
