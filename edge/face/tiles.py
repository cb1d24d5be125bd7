"""BlazeFace for near and far: the whole frame each time, its tiles in turns, and a closer look at what was found.

Seen whole, a frame of 640 pixels shows BlazeFace a face three metres away 5 pixels wide; it needs 18. So the frame is
also searched tile by tile, over a few rounds and where it has changed, and every small face is looked at again through
a window that fits it: that second look decides whether it is one, says exactly where, and from then on follows it in
every round.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.face.blazeface import SIDE, BlazeFace, Window, whole
from edge.face.boxes import Box, Detection
from edge.face.pace import Pace
from edge.face.stillness import Stillness
from edge.inference.card import Card

NEED: Final = 18.0
"""Pixels that BlazeFace needs across a face: 95 % of the faces of `models.face.protocols.detection` are found then."""
FACE_M: Final = 0.14
"""Breadth of a grown-up's face over the cheekbones, metres."""
HFOV: Final = math.radians(62.0)
"""Horizontal field of view that distances are reckoned with: a Raspberry Pi's camera module 2."""
_PLAIN: Final = 36.0
"""A known face at least so many pixels wide in the view of the whole frame needs no closer look."""
_ZOOM: Final = 4.0
"""Side of the window of a closer look over the width of the face."""
_HINT: Final = 0.7
"""Share of the lowest score of a new face that is enough for a closer look, and to stay a face that is known."""
_OVERLAP: Final = 0.8
"""Share of the smallest face's width by which tiles overlap: BlazeFace finds a face that is cut off a little."""
_SAME: Final = 0.5
"""Share of the smaller of two boxes, covered by the other, above which they are one face; of both, one place."""
_BESIDE: Final = 0.6
"""Widths by which a hint may be beside its face: a tile may show a part of it only."""
_STRIDE: Final = 1.5
"""Widths that a known face may go from round to round: 0.2 m in 0.13 s is who walks by."""
_LOST: Final = 3
"""Rounds that a face is still looked for where it was last seen."""
_DOUBT: Final = 4
"""Rounds with no more than a hint of it after which a known face must convince as a new one does."""
_LOOKS: Final = 8
"""Closer looks in a round, so that a crowd or a busy pattern does not stop the loop, and"""
_NEW_LOOKS: Final = 4
"""of these at least so many, if need be beyond, at what may be a new face: a crowd of known ones must not hide it."""
_PATIENCE: Final = 10
"""Rounds after which a tile in which nothing changed is searched again all the same."""


def face_share(distance_m: float) -> float:
    """Width of a face over that of the frame, at so many metres: 0.14 m ÷ (2 · distance · tan 31°)."""
    return FACE_M / (2.0 * distance_m * math.tan(HFOV / 2))


def tiles(width: int, height: int, distance_m: float) -> tuple[Window, ...]:
    """Windows that cover a frame so that a face `distance_m` away fills at least `NEED` pixels of one of them.

    They overlap by most of that face's width. None where the whole frame shows it well enough, or has no more pixels.
    """
    longer = max(width, height)
    smallest = face_share(distance_m) * longer
    side = max(SIDE, round(smallest * SIDE / NEED))
    if side >= longer:
        return ()
    side = min(side, max(SIDE, min(width, height)))
    return tuple(
        Window(left, top, side)
        for top in _starts(height, side, _OVERLAP * smallest)
        for left in _starts(width, side, _OVERLAP * smallest)
    )


def _starts(length: int, side: int, overlap: float) -> list[int]:
    if side >= length:
        return [(length - side) // 2]
    count = math.ceil((length - side) / (side - min(overlap, side / 2))) + 1
    return [round(i * (length - side) / (count - 1)) for i in range(count)]


@dataclass(frozen=True, slots=True)
class _Known:
    box: Box
    missed: int = 0
    """Rounds since it was seen."""
    doubtful: int = 0
    """Rounds since it last scored as a new face must."""


class TiledBlazeFace:
    """A detector with a memory: frames must come in the order of a stream. Not thread-safe."""

    name = "blazeface"

    def __init__(self, detector: BlazeFace, min_score: float, max_distance_m: float = 3.0) -> None:
        """`min_score`: of a new face, the mean of a closer look and of its mirror image."""
        self.card: Card | None = detector.card
        self._detector = detector
        self._min_score = min_score
        self._hint = _HINT * min_score
        self._distance = max_distance_m
        self._pace = Pace()
        self._next = 0
        """The tile whose turn it is."""
        self._stillness = Stillness(_PATIENCE)
        self._size = (0, 0)
        self._known: tuple[_Known, ...] = ()
        self._refused: tuple[Box, ...] = ()
        """Where the last round looked closer and found no face."""

    def detect(self, image: NDArray[np.uint8], at: float | None = None) -> tuple[Detection, ...]:
        """The faces in a BGR image (height, width, 3), best score first. Raises `ModelError` on NaN.

        `at`: the second of the stream that it shows; a face that comes is found within `NEW_FACE_S` if the images come
        often enough. None: a picture by itself, searched all over; nothing is remembered of it or for it.
        """
        if at is None:
            return TiledBlazeFace(self._detector, self._min_score, self._distance).detect(image, 0.0)
        if image.shape[:2] != self._size:
            self._size, self._known, self._refused = image.shape[:2], (), ()
        seen = self._detector.look(image, whole(image), self._hint)
        plain = [face for face in seen if face.box.width >= _PLAIN / SIDE * max(self._size)]
        faces = [face for face in plain if self._trusts(face)]
        hints = [*seen, *self._search(image, at)]
        known = sorted((known.box for known in self._known), key=lambda box: -box.area)
        looks = len(self._look_closer(image, known, _LOOKS, faces))
        new = self._in_order(face for face in hints if not _alike(face.box, known))
        tried = self._look_closer(image, new, max(_LOOKS - looks, _NEW_LOOKS), faces)
        self._refused = tuple(box for box in tried if not _among(box, (face.box for face in faces)))
        self._remember(faces)
        return tuple(sorted(faces, key=lambda face: -face.score))

    def _search(self, image: NDArray[np.uint8], at: float) -> list[Detection]:
        """What the tiles show whose turn it is: all of them in as many rounds as there is time for."""
        height, width = self._size
        every = tiles(width, height, self._distance)
        if not every:
            return []
        count = math.ceil(len(every) / self._pace.rounds(at))
        turn = [every[(self._next + index) % len(every)] for index in range(count)]
        self._next = (self._next + count) % len(every)
        self._stillness.look(image)
        due = [tile for tile in turn if self._stillness.due(tile)]
        return [face for tile in due for face in self._detector.look(image, tile, self._hint)]

    def _in_order(self, hints: Iterable[Detection]) -> list[Box]:
        """Where to look closer: each place once, by its best hint, the largest first; last where there was no face."""
        places: list[Box] = []
        for hint in sorted(hints, key=lambda face: -face.score):
            # A large patch that is no face must not keep a small face inside it from being looked at.
            if not _alike(hint.box, places):
                places.append(hint.box)
        return sorted(places, key=lambda box: (_alike(box, self._refused), -box.area))

    def _look_closer(
        self, image: NDArray[np.uint8], places: Iterable[Box], limit: int, faces: list[Detection]
    ) -> list[Box]:
        """Adds to `faces` what is found; gives the places looked at, at most `limit`."""
        tried: list[Box] = []
        for box in places:
            if len(tried) == limit:
                break
            if _among(box, (face.box for face in faces)):
                continue
            tried.append(box)
            face = self._closer(image, box)
            if face is not None and not _among(face.box, (other.box for other in faces)):
                faces.append(face)
        return tried

    def _closer(self, image: NDArray[np.uint8], box: Box) -> Detection | None:
        """The face at `box` as a window shows it that fits; None where that shows none that can be believed."""
        face = self._zoomed(image, box, _STRIDE if self._knowing(box) else _BESIDE)
        if face is None or self._trusts(face):
            return face
        # One look is fooled by a tenth of the patterns that look like faces in passing, both by far fewer.
        mirror = self._zoomed(image, face.box, _BESIDE, mirrored=True)
        score = (face.score + (mirror.score if mirror else 0.0)) / 2
        return replace(face, score=score) if score >= self._min_score else None

    def _zoomed(self, image: NDArray[np.uint8], box: Box, reach: float, mirrored: bool = False) -> Detection | None:
        """The nearest face of about that size whose centre is within `reach` widths."""
        side = max(8, min(round(_ZOOM * box.width), max(image.shape[:2])))
        x, y = box.centre
        window = Window(round(x - side / 2), round(y - side / 2), side)
        found = self._detector.look(image, window, self._hint, mirrored)
        near = [(math.dist(face.box.centre, (x, y)), face) for face in found if 0.4 < face.box.width / box.width < 2.5]
        distance, nearest = min(near, key=lambda pair: pair[0], default=(math.inf, None))
        return nearest if distance <= reach * box.width else None

    def _knowing(self, box: Box) -> _Known | None:
        return next((known for known in self._known if _same(box, known.box)), None)

    def _trusts(self, face: Detection) -> bool:
        """Whether a hint is enough, for it was clearly a face not long ago."""
        known = self._knowing(face.box)
        return known is not None and (known.doubtful < _DOUBT or face.score >= self._min_score)

    def _remember(self, faces: Sequence[Detection]) -> None:
        now: list[_Known] = []
        for face in faces:
            before = self._knowing(face.box)
            sure = before is None or face.score >= self._min_score
            now.append(_Known(face.box, doubtful=0 if sure or before is None else before.doubtful + 1))
        boxes = [face.box for face in faces]
        older = (replace(known, missed=known.missed + 1) for known in self._known if not _among(known.box, boxes))
        self._known = (*now, *(known for known in older if known.missed < _LOST))


def _same(a: Box, b: Box) -> bool:
    """Overlap over the smaller area: a tile may show a part of a face only."""
    width = min(a.left + a.width, b.left + b.width) - max(a.left, b.left)
    height = min(a.top + a.height, b.top + b.height) - max(a.top, b.top)
    return min(width, height) > 0 and width * height > _SAME * min(a.area, b.area)


def _among(box: Box, others: Iterable[Box]) -> bool:
    return any(_same(box, other) for other in others)


def _alike(box: Box, others: Iterable[Box]) -> bool:
    return any(box.iou(other) > _SAME for other in others)
