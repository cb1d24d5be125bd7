"""Plans of clips in which persons cross, hide each other, leave and come back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

WIDTH: Final = 640
HEIGHT: Final = 480
RATE: Final = 10.0
"""Frames a second: as often as the device looks for faces by default."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a face is at one moment, in pixels of the frame."""

    x: float
    y: float
    """Centre of the face."""
    side: float


Walk: TypeAlias = Callable[[float], Place | None]
"""Time in seconds → place, None while the person is elsewhere."""


@dataclass(frozen=True, slots=True)
class Pillar:
    """Something that stands before everyone."""

    left: float
    width: float


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A plan of a clip."""

    kind: str
    seconds: float
    paths: tuple[Walk, ...]
    """One for each person."""
    pillars: tuple[Pillar, ...] = ()
    shake: float = 1.0
    """Pixels, standard deviation of the camera's slow sway; a quarter of it is added from frame to frame."""


def _line(knots: Sequence[tuple[float, float, float, float]], away: tuple[float, float] | None = None) -> Walk:
    """A straight path through (time, x, y, side); before the first knot, and from `away[0]` to `away[1]`, nowhere."""

    def place(at: float) -> Place | None:
        if at < knots[0][0] or (away is not None and away[0] <= at < away[1]):
            return None
        times = [knot[0] for knot in knots]
        x, y, side = (float(np.interp(at, times, [knot[part] for knot in knots])) for part in (1, 2, 3))
        return Place(x, y, side)

    return place


def _crossing(rng: np.random.Generator) -> Scene:
    """Two walk past each other once; the nearer one hides the other."""
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
    """Two meet, one in front of the other for a moment, and each goes back: it only looks like a crossing."""
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
    """One or two persons go behind a pillar and come out again 0.2 to 1 s later."""
    seconds, count = 7.0, int(rng.integers(1, 3))
    width = float(rng.uniform(90, 190))
    pillar = Pillar((WIDTH - width) / 2, width)
    paths: list[Walk] = []
    for person in range(count):
        y, side = rng.uniform(150, 270), rng.uniform(65, 100)
        # Hidden from the moment the face is all behind until it shows again.
        speed = max(width - side, 30) / rng.uniform(0.2, 1.0)
        speed = min(max(speed, 110.0), 320.0)
        start_x, end_x = (60.0, WIDTH - 60.0) if (person + rng.integers(2)) % 2 else (WIDTH - 60.0, 60.0)
        pace = (WIDTH - 120) / speed
        start = rng.uniform(0.5, max(0.6, seconds - pace - 0.5))
        paths.append(_line([(0, start_x, y, side), (start, start_x, y, side), (start + pace, end_x, y, side)]))
    return Scene("behind a pillar", seconds, tuple(paths), (pillar,))


def _return(rng: np.random.Generator) -> Scene:
    """One stays, one goes out of the picture and comes back within 3 s, two times in three where it left."""
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
    """One leaves and, within 3 s, somebody else comes in at the same place: another id."""
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
    """Three to five persons wander at different depths before a camera that shakes."""
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
"""Plans by name; each call draws another."""
