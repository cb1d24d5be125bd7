"""Renders clips of several persons with known true boxes, on which trackers are measured.

Each person is a set of cut-outs from one video that moves along a path in front of a synthetic room. Nearer persons
occlude those behind them, and pillars occlude everyone. The camera shakes, varies its exposure and adds noise.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.face.boxes import Box
from models.face.protocols.actors import Actor, Sprite
from models.face.protocols.scenes import HEIGHT, RATE, WIDTH, Place, Scene


@dataclass(frozen=True, slots=True)
class Seen:
    """True position of one person's face in one frame."""

    person: int
    """Index of the actor, counted from 0."""
    box: Box
    """Box of the face, pixels."""
    visible: float
    """Visible share of the face, 0…1."""


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """A frame and its true faces."""

    at: float
    """Time since the start of the clip, seconds."""
    image: NDArray[np.uint8]
    """(HEIGHT, WIDTH, 3) BGR image."""
    faces: tuple[Seen, ...] = field(default=())
    """True faces in the frame."""


def room(rng: np.random.Generator) -> NDArray[np.uint8]:
    """A random background (HEIGHT, WIDTH, 3) of walls, furniture and pictures without a face."""
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
    """Renders a scene frame by frame.

    Args:
        scene: Plan of the clip.
        actors: One actor for each path of the scene.
        rng: Source of randomness.
        rate: Frames per second.
    """
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
        # Nearer persons look larger and are painted last, over those farther away.
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
    """Draws a person; returns the box of the face and its full area in pixels.

    `owner` holds, for each pixel, the person whose face it shows, or −1.
    """
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
    # The photo ends at the chest, so its last row is repeated downwards.
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
    """Slow random movement in two channels with a small random jump from frame to frame."""

    def __init__(self, size: float, rng: np.random.Generator) -> None:
        self._size = size
        self._rates = rng.uniform(0.2, 1.6, (2, 4))
        self._phases = rng.uniform(0, 2 * math.pi, (2, 4))

    def at(self, time: float, channel: int, rng: np.random.Generator) -> float:
        waves = np.sin(2 * math.pi * self._rates[channel] * time + self._phases[channel])
        return float(self._size * (waves.sum() / math.sqrt(2) + 0.25 * rng.standard_normal()))


class _Pose:
    """Order of the photos of a person in time, and the movement of the head about its place."""

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
