"""Clips of several persons with known truth, composed from cut-out photos: what trackers are measured on.

A person is a few frames of one video, cut out of their background, put on a path in front of a room. Who is nearer
hides who is behind; a pillar hides both; the camera shakes, exposes differently and makes noise.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.face.boxes import Box

WIDTH: Final = 640
HEIGHT: Final = 480
RATE: Final = 10.0
"""Frames a second: as often as the device looks for faces by default."""

_BOX_SIDE: Final = 1.04
_BOX_RISE: Final = 0.055
"""BlazeFace's box over that of the landmarks, medians over the photos: side, and how far its centre lies higher."""


@dataclass(frozen=True, slots=True, eq=False)
class Sprite:
    """A person cut out of a photo."""

    image: NDArray[np.uint8]
    """(height, width, 3), BGR."""
    alpha: NDArray[np.float32]
    """(height, width), 0…1."""
    face: Box
    """Square, as BlazeFace would frame it; pixels of the sprite."""


@dataclass(frozen=True, slots=True, eq=False)
class Actor:
    """One person, as seen in the frames of one video."""

    identity: str
    sprites: tuple[Sprite, ...]


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


@dataclass(frozen=True, slots=True)
class Seen:
    """The truth about one person's face in one frame."""

    person: int
    """From 0, index of the actor."""
    box: Box
    visible: float
    """0…1, the share of the face that nothing hides."""


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """A frame and its truth."""

    at: float
    """Seconds."""
    image: NDArray[np.uint8]
    faces: tuple[Seen, ...] = field(default=())


def videos(folder: Path) -> dict[str, list[str]]:
    """Names of the photos of each video in `landmarks68/train`: `Some_Name_53.jpg` is frame 3 of `Some_Name_5`."""
    found: dict[str, list[str]] = {}
    for name in sorted(landmarks(folder)):
        found.setdefault(Path(name).stem[:-1], []).append(name)
    return found


def identity(video: str) -> str:
    """The person of a video."""
    return video.rsplit("_", 1)[0]


def landmarks(folder: Path) -> dict[str, NDArray[np.float64]]:
    """(68, 2) pixels for each photo of `landmarks68/train`."""
    with (folder / "train.csv").open(newline="") as table:
        rows = iter(csv.reader(table))
        next(rows)
        return {row[0]: np.array(row[1:], np.float64).reshape(68, 2) for row in rows}


def cast(folder: Path, names: Sequence[str]) -> list[Actor]:
    """The persons of the videos `names` of `landmarks68`, cut out."""
    frames, points = videos(folder), landmarks(folder)
    return [
        Actor(identity(video), tuple(_sprite(folder / "train" / name, points[name]) for name in frames[video]))
        for video in names
    ]


def _sprite(path: Path, points: NDArray[np.float64]) -> Sprite:
    image = cv2.imread(str(path))
    if image is None:
        raise FileNotFoundError(path)
    return cut_out(np.asarray(image, np.uint8), points)


def cut_out(image: NDArray[np.uint8], points: NDArray[np.float64]) -> Sprite:
    """Head and shoulders by GrabCut (Rother et al., SIGGRAPH 2004), guided by the landmarks (68, 2)."""
    height, width = image.shape[:2]
    (x0, y0), (x1, y1) = points.min(0), points.max(0)
    x, y, w, h = (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0
    below = height + h

    def chest(neck: float, shoulder: float, drop: float) -> NDArray[np.int32]:
        right = [(x + neck * w, y1), (x + shoulder * w, y1 + drop * h), (x + shoulder * w, below)]
        return np.array(right + [(2 * x - px, py) for px, py in reversed(right)], np.int32)

    mask = np.full((height, width), cv2.GC_BGD, np.uint8)
    cv2.ellipse(mask, (int(x), int(y0 + 0.3 * h)), (int(0.75 * w), int(h)), 0, 0, 360, cv2.GC_PR_FGD, -1)
    cv2.fillPoly(mask, [chest(0.4, 1.5, 0.7)], cv2.GC_PR_FGD)
    cv2.fillConvexPoly(mask, cv2.convexHull(points.astype(np.int32)), cv2.GC_FGD)
    cv2.fillPoly(mask, [chest(0.25, 0.8, 0.9)], cv2.GC_FGD)
    if (mask == cv2.GC_BGD).any():
        cv2.setRNGSeed(0)
        cv2.grabCut(image, mask, [0, 0, width, height], np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_MASK)
    alpha = ((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD)).astype(np.float32)
    side = _BOX_SIDE * math.sqrt(w * h)
    face = Box(x - side / 2, y - _BOX_RISE * side - side / 2, side, side)
    return Sprite(image, np.asarray(cv2.GaussianBlur(alpha, (0, 0), 0.8), np.float32), face)


def room(rng: np.random.Generator) -> NDArray[np.uint8]:
    """(HEIGHT, WIDTH, 3) of walls, furniture and pictures that are none."""
    tint = rng.integers(60, 200, 3)
    coarse = rng.normal(0, 18, (6, 8, 3)) + tint
    canvas = np.clip(cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)
    for _ in range(rng.integers(8, 20)):
        x, y = (int(v) for v in rng.integers((-60, -60), (WIDTH, HEIGHT)))
        w, h = (int(v) for v in rng.integers(30, 260, 2))
        colour = tuple(int(v) for v in np.clip(tint + rng.normal(0, 60, 3), 0, 255))
        cv2.rectangle(canvas, (x, y), (x + w, y + h), colour, -1)
        if rng.random() < 0.5:
            step = int(rng.integers(8, 40))
            darker = tuple(int(v * 0.7) for v in colour)
            for edge in range(x, x + w, step):
                cv2.line(canvas, (edge, y), (edge, y + h), darker, max(1, step // 6))
    soft = cv2.GaussianBlur(canvas, (0, 0), float(rng.uniform(0.8, 3.0)))
    return np.asarray(np.clip(soft + rng.normal(0, 4, soft.shape), 0, 255), np.uint8)


def play(scene: Scene, actors: Sequence[Actor], rng: np.random.Generator, rate: float = RATE) -> Iterator[Shot]:
    """Renders the scene with one actor for each path."""
    background = room(rng)
    painted = [(pillar, rng.integers(40, 220, 3)) for pillar in scene.pillars]
    pose = [_Pose(len(actor.sprites), scene.seconds, rng) for actor in actors]
    sway = _Sway(scene.shake, rng)
    exposure = _Sway(0.08, rng)
    grain = [(rng.standard_normal((HEIGHT, WIDTH, 3), np.float32) * 3) for _ in range(4)]
    for frame in range(round(scene.seconds * rate)):
        at = frame / rate
        shift_x, shift_y = sway.at(at, 0, rng), sway.at(at, 1, rng)
        matrix = np.array([[1, 0, shift_x], [0, 1, shift_y]])
        moved = cv2.warpAffine(background, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
        canvas = np.asarray(moved, np.uint8)
        owner = np.full((HEIGHT, WIDTH), -1, np.int16)
        boxes: dict[int, tuple[Box, float]] = {}
        places = [(path(at), person) for person, path in enumerate(scene.paths)]
        # Who is nearer looks larger, and is painted over who is farther.
        for place, person in sorted(((p, n) for p, n in places if p is not None), key=lambda pair: pair[0].side):
            here = pose[person].moved(place, at, shift_x, shift_y)
            boxes[person] = _paint(canvas, owner, actors[person].sprites[pose[person].sprite(at)], here, person)
        for pillar, colour in painted:
            left, right = round(pillar.left + shift_x), round(pillar.left + pillar.width + shift_x)
            canvas[:, max(0, left) : max(0, right)] = colour
            owner[:, max(0, left) : max(0, right)] = -1
        seen = tuple(
            Seen(person, box, min(1.0, float((owner == person).sum()) / whole))
            for person, (box, whole) in sorted(boxes.items())
        )
        gain = math.exp(exposure.at(at, 0, rng))
        noisy = canvas.astype(np.float32) * gain + grain[frame % len(grain)]
        yield Shot(at, np.clip(noisy, 0, 255).astype(np.uint8), seen)


def _paint(
    canvas: NDArray[np.uint8], owner: NDArray[np.int16], sprite: Sprite, place: Place, person: int
) -> tuple[Box, float]:
    """Draws a person; gives the face's box and its full area in pixels. `owner` is whose face a pixel shows."""
    scale = place.side / sprite.face.width
    centre_x, centre_y = sprite.face.centre
    height, width = sprite.alpha.shape
    left, top = math.floor(place.x - scale * centre_x) - 1, math.floor(place.y - scale * centre_y) - 1
    right = min(WIDTH, left + math.ceil(scale * width) + 3)
    left, top = max(0, left), max(0, top)
    half = place.side / 2
    box = Box(place.x - half, place.y - half, place.side, place.side)
    whole = math.pi * 0.8 * half * half
    if left >= right or top >= HEIGHT:
        return box, whole
    matrix = np.array([[scale, 0, place.x - scale * centre_x - left], [0, scale, place.y - scale * centre_y - top]])
    size = (right - left, HEIGHT - top)
    image = cv2.warpAffine(sprite.image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    alpha = np.asarray(cv2.warpAffine(sprite.alpha, matrix, size, flags=cv2.INTER_LINEAR), np.float32)
    # The photo ends at the chest; the person does not.
    hem = math.floor(place.y + (height - 1.5 - centre_y) * scale) - top
    if 0 <= hem < len(alpha):
        alpha[hem:] = alpha[hem]
    under = canvas[top:, left:right]
    under[:] = (under + (image.astype(np.float32) - under) * alpha[..., None]).astype(np.uint8)
    whose = owner[top:, left:right]
    whose[alpha > 0.5] = -1
    oval = np.zeros(alpha.shape, np.uint8)
    at = (round(place.x) - left, round(place.y) - top)
    cv2.ellipse(oval, at, (round(0.8 * half), round(half)), 0, 0, 360, 1, -1)
    whose[(oval > 0) & (alpha > 0.5)] = person
    return box, whole


class _Sway:
    """Two channels of slow random movement with a small jump from frame to frame."""

    def __init__(self, size: float, rng: np.random.Generator) -> None:
        self._size = size
        self._rates = rng.uniform(0.2, 1.6, (2, 4))
        self._phases = rng.uniform(0, 2 * math.pi, (2, 4))

    def at(self, time: float, channel: int, rng: np.random.Generator) -> float:
        waves = np.sin(2 * math.pi * self._rates[channel] * time + self._phases[channel])
        return float(self._size * (waves.sum() / math.sqrt(2) + 0.25 * rng.standard_normal()))


class _Pose:
    """Which photo shows when, and how the head moves about its place."""

    def __init__(self, sprites: int, seconds: float, rng: np.random.Generator) -> None:
        holds = np.cumsum(rng.uniform(0.4, 1.5, math.ceil(seconds / 0.4) + 1))
        self._changes = holds
        self._order = rng.integers(0, sprites, len(holds) + 1)
        self._rate = rng.uniform(0.3, 0.9, 2)
        self._phase = rng.uniform(0, 2 * math.pi, 2)
        self._size = rng.uniform(0.01, 0.06, 2)

    def sprite(self, at: float) -> int:
        return int(self._order[np.searchsorted(self._changes, at)])

    def moved(self, place: Place, at: float, shift_x: float, shift_y: float) -> Place:
        dx, dy = self._size * np.sin(2 * math.pi * self._rate * at + self._phase) * place.side
        return Place(place.x + float(dx) + shift_x, place.y + float(dy) + shift_y, place.side)


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
    """Two meet, one in front of the other for a moment, and each goes back: what looks like a crossing is none."""
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
