"""BlazeFace for near and distant faces: the whole frame in each round, its tiles in turn, and close-ups of candidates.

In a view of the whole frame, 640 pixels wide, a face three metres away is 5 pixels wide at the input of BlazeFace,
which needs 18. The frame is therefore also searched tile by tile, spread over a few rounds and only where it has
changed. Each small candidate is then examined in a close-up, a window that fits it. The close-up decides whether the
candidate is a face, locates it exactly, and tracks it in every following round. One call of `detect` is one round.
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
"""Width in input pixels that a face needs for BlazeFace: at this width, 95 % of the faces of
`models.face.protocols.detection` are found."""
FACE_M: Final = 0.14
"""Width of an adult face across the cheekbones, in metres."""
HFOV: Final = math.radians(62.0)
"""Horizontal field of view in radians assumed for distances: that of the Raspberry Pi Camera Module 2."""
_LARGE: Final = 36.0
"""Width in input pixels, in the view of the whole frame, from which a known face needs no close-up."""
_CLOSE_UP_WIDTHS: Final = 4.0
"""Side of the window of a close-up, in widths of the face."""
_HINT_FACTOR: Final = 0.7
"""Factor on the minimum score of a new face that gives the minimum score of a hint. A hint is enough to start a
close-up and to keep a known face."""
_TILE_OVERLAP: Final = 0.8
"""Overlap of tiles, in widths of the smallest face. It is below 1 because BlazeFace finds faces that are slightly cut
off."""
_SAME_OVERLAP: Final = 0.5
"""Overlap of two boxes, 0…1, above which they count as equal: relative to the smaller box they are one face,
relative to their union they are one place."""
_HINT_REACH: Final = 0.6
"""Maximum distance of a hint from its face in widths of the hint, since a tile may show only part of the face."""
_MOTION_REACH: Final = 1.5
"""Maximum motion of a known face between rounds in widths of the face: 0.2 m in 0.13 s, a person walking past."""
_MAX_MISSED: Final = 3
"""Rounds without detection after which a known face is dropped; until then its last place is examined."""
_MAX_DOUBTFUL: Final = 4
"""Consecutive rounds with only a hint after which a known face needs the minimum score of a new face."""
_MAX_CLOSE_UPS: Final = 8
"""Maximum number of close-ups per round, so that a crowd or a busy pattern does not stall the loop."""
_MIN_NEW_CLOSE_UPS: Final = 4
"""Close-ups per round that are always available for new candidates, even beyond `_MAX_CLOSE_UPS`, so that a crowd of
known faces does not hide a new one."""
_MAX_UNSEARCHED: Final = 10
"""Rounds after which an unchanged tile is searched again."""


def face_share(distance_m: float) -> float:
    """Returns the width of a face relative to the frame at a distance: 0.14 m ÷ (2 · distance · tan 31°)."""
    return FACE_M / (2.0 * distance_m * math.tan(HFOV / 2))


def tiles(width: int, height: int, distance_m: float) -> tuple[Window, ...]:
    """Returns overlapping windows in which a face at a distance is at least `NEED` input pixels wide.

    Args:
        width: Width of the frame in pixels.
        height: Height of the frame in pixels.
        distance_m: Distance of the face in metres.

    Returns:
        The windows, row by row, which overlap by `_TILE_OVERLAP` widths of that face. Empty if the view of the whole
        frame is sufficient, or if the frame has too few pixels for tiles to help.
    """
    longer = max(width, height)
    smallest = face_share(distance_m) * longer
    side = max(SIDE, round(smallest * SIDE / NEED))
    if side >= longer:
        return ()
    side = min(side, max(SIDE, min(width, height)))
    return tuple(
        Window(left, top, side)
        for top in _starts(height, side, _TILE_OVERLAP * smallest)
        for left in _starts(width, side, _TILE_OVERLAP * smallest)
    )


def _starts(length: int, side: int, overlap: float) -> list[int]:
    if side >= length:
        return [(length - side) // 2]
    count = math.ceil((length - side) / (side - min(overlap, side / 2))) + 1
    return [round(i * (length - side) / (count - 1)) for i in range(count)]


@dataclass(frozen=True, slots=True)
class _Known:
    """A face found in an earlier round."""

    box: Box
    """Its last box in pixels of the frame."""
    missed: int = 0
    """Consecutive rounds in which it was not found."""
    doubtful: int = 0
    """Consecutive rounds in which it scored below the minimum of a new face."""


class TiledBlazeFace:
    """A detector with memory, for the frames of one stream in their order. Not thread-safe."""

    name = "blazeface"
    """Name of the detector in the configuration and in observations."""

    def __init__(self, detector: BlazeFace, min_score: float, max_distance_m: float = 3.0) -> None:
        """Creates a detector for one stream.

        Args:
            detector: The BlazeFace model.
            min_score: Minimum score of a new face, 0…1: the mean over a close-up and its mirror image.
            max_distance_m: Distance in metres up to which faces are searched for.
        """
        self.card: Card | None = detector.card
        self._detector = detector
        self._min_score = min_score
        self._hint = _HINT_FACTOR * min_score
        self._distance = max_distance_m
        self._pace = Pace()
        self._next = 0
        """Index of the next tile to search."""
        self._stillness = Stillness(_MAX_UNSEARCHED)
        self._size = (0, 0)
        self._known: tuple[_Known, ...] = ()
        self._rejected: tuple[Box, ...] = ()
        """Places where a close-up of the last round found no face."""

    def detect(self, image: NDArray[np.uint8], at: float | None = None) -> tuple[Detection, ...]:
        """Returns the faces in a BGR image (height, width, 3), best score first.

        `at` is the time of the image in its stream, in seconds; a new face is found within `NEW_FACE_S` if images come
        often enough. With None, the image is searched completely, and without using or changing the memory. Raises
        `ModelError` if the model returns NaN.
        """
        if at is None:
            return TiledBlazeFace(self._detector, self._min_score, self._distance).detect(image, 0.0)
        if image.shape[:2] != self._size:
            self._size, self._known, self._rejected = image.shape[:2], (), ()
        seen = self._detector.look(image, whole(image), self._hint)
        large = [face for face in seen if face.box.width >= _LARGE / SIDE * max(self._size)]
        faces = [face for face in large if self._is_trusted(face)]
        hints = [*seen, *self._search(image, at)]
        known = sorted((known.box for known in self._known), key=lambda box: -box.area)
        used = len(self._verify_all(image, known, _MAX_CLOSE_UPS, faces))
        new = self._prioritise(face for face in hints if not _same_place(face.box, known))
        tried = self._verify_all(image, new, max(_MAX_CLOSE_UPS - used, _MIN_NEW_CLOSE_UPS), faces)
        self._rejected = tuple(box for box in tried if not _is_covered(box, (face.box for face in faces)))
        self._remember(faces)
        return tuple(sorted(faces, key=lambda face: -face.score))

    def _search(self, image: NDArray[np.uint8], at: float) -> list[Detection]:
        """Searches the tiles whose turn it is; all tiles are covered within the rounds that `Pace` allows."""
        height, width = self._size
        windows = tiles(width, height, self._distance)
        if not windows:
            return []
        count = math.ceil(len(windows) / self._pace.rounds(at))
        turn = [windows[(self._next + index) % len(windows)] for index in range(count)]
        self._next = (self._next + count) % len(windows)
        self._stillness.look(image)
        due = [tile for tile in turn if self._stillness.due(tile)]
        return [face for tile in due for face in self._detector.look(image, tile, self._hint)]

    def _prioritise(self, hints: Iterable[Detection]) -> list[Box]:
        """Returns the places for close-ups: each place once, largest first, those rejected in the last round last."""
        places: list[Box] = []
        for hint in sorted(hints, key=lambda face: -face.score):
            # Places are compared by their union, so that a large false hint does not suppress a small face inside it.
            if not _same_place(hint.box, places):
                places.append(hint.box)
        return sorted(places, key=lambda box: (_same_place(box, self._rejected), -box.area))

    def _verify_all(
        self, image: NDArray[np.uint8], places: Iterable[Box], limit: int, faces: list[Detection]
    ) -> list[Box]:
        """Makes up to `limit` close-ups, appends the faces found to `faces`, and returns the places examined."""
        tried: list[Box] = []
        for box in places:
            if len(tried) == limit:
                break
            if _is_covered(box, (face.box for face in faces)):
                continue
            tried.append(box)
            face = self._verify(image, box)
            if face is not None and not _is_covered(face.box, (other.box for other in faces)):
                faces.append(face)
        return tried

    def _verify(self, image: NDArray[np.uint8], box: Box) -> Detection | None:
        """Returns the face at `box` as located by a close-up; None if there is none or its score is too low."""
        face = self._close_up(image, box, _MOTION_REACH if self._find_known(box) else _HINT_REACH)
        if face is None or self._is_trusted(face):
            return face
        # A single view accepts a tenth of the patterns that resemble faces; both views together accept far fewer.
        mirror = self._close_up(image, face.box, _HINT_REACH, mirrored=True)
        score = (face.score + (mirror.score if mirror else 0.0)) / 2
        return replace(face, score=score) if score >= self._min_score else None

    def _close_up(self, image: NDArray[np.uint8], box: Box, reach: float, mirrored: bool = False) -> Detection | None:
        """Returns the nearest face of similar size in a close-up whose centre is within `reach` widths of the box."""
        side = max(8, min(round(_CLOSE_UP_WIDTHS * box.width), max(image.shape[:2])))
        x, y = box.centre
        window = Window(round(x - side / 2), round(y - side / 2), side)
        found = self._detector.look(image, window, self._hint, mirrored)
        near = [(math.dist(face.box.centre, (x, y)), face) for face in found if 0.4 < face.box.width / box.width < 2.5]
        distance, nearest = min(near, key=lambda pair: pair[0], default=(math.inf, None))
        return nearest if distance <= reach * box.width else None

    def _find_known(self, box: Box) -> _Known | None:
        return next((known for known in self._known if _same_face(box, known.box)), None)

    def _is_trusted(self, face: Detection) -> bool:
        """Returns whether a hint is sufficient, because the known face scored well recently."""
        known = self._find_known(face.box)
        return known is not None and (known.doubtful < _MAX_DOUBTFUL or face.score >= self._min_score)

    def _remember(self, faces: Sequence[Detection]) -> None:
        now: list[_Known] = []
        for face in faces:
            before = self._find_known(face.box)
            sure = before is None or face.score >= self._min_score
            now.append(_Known(face.box, doubtful=0 if sure or before is None else before.doubtful + 1))
        boxes = [face.box for face in faces]
        older = (replace(known, missed=known.missed + 1) for known in self._known if not _is_covered(known.box, boxes))
        self._known = (*now, *(known for known in older if known.missed < _MAX_MISSED))


def _same_face(a: Box, b: Box) -> bool:
    """Compares the overlap to the smaller box, because a tile may show only part of a face."""
    width = min(a.left + a.width, b.left + b.width) - max(a.left, b.left)
    height = min(a.top + a.height, b.top + b.height) - max(a.top, b.top)
    return min(width, height) > 0 and width * height > _SAME_OVERLAP * min(a.area, b.area)


def _is_covered(box: Box, others: Iterable[Box]) -> bool:
    return any(_same_face(box, other) for other in others)


def _same_place(box: Box, others: Iterable[Box]) -> bool:
    return any(box.iou(other) > _SAME_OVERLAP for other in others)
