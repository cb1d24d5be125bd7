"""Detects which windows of the image have changed since they were last searched.

A robot and the room around it are still most of the time, and where nothing has changed there is no new face to find.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.face.blazeface import Window

_BLOCK: Final = 8
"""Side in pixels of the blocks over which the image is averaged; this reduces noise of 10 grey levels to 1.3."""
_CHANGE_THRESHOLD: Final = 6.0
"""Difference in grey levels of any block above which a window counts as changed. A face at a distance of three metres
covers about a dozen blocks."""


class Stillness:
    """Remembers the content of each window at its last search. Not thread-safe."""

    def __init__(self, patience: int) -> None:
        """`patience`: number of images after which an unchanged window is searched again, in case the search failed."""
        self._patience = patience
        self._blocks = np.zeros((0, 0), np.float32)
        self._searched: dict[Window, tuple[int, NDArray[np.float32]]] = {}
        self._frames = 0

    def look(self, image: NDArray[np.uint8]) -> None:
        """Takes the next image of the stream, (height, width, 3) uint8 BGR; a change of size resets the memory."""
        height, width = (max(1, side // _BLOCK) for side in image.shape[:2])
        small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        if self._blocks.shape != (height, width):
            self._searched.clear()
        self._blocks = np.asarray(small.mean(2), np.float32)
        self._frames += 1

    def due(self, window: Window) -> bool:
        """Returns whether to search this window of the image; if so, the window counts as searched from now on."""
        top, left = (max(0, start) // _BLOCK for start in (window.top, window.left))
        bottom, right = (-(-(start + window.side) // _BLOCK) for start in (window.top, window.left))
        now = self._blocks[top:bottom, left:right]
        if window in self._searched:
            searched_at, before = self._searched[window]
            if self._frames - searched_at < self._patience and np.abs(now - before).max() < _CHANGE_THRESHOLD:
                return False
        self._searched[window] = (self._frames, now.copy())
        return True
