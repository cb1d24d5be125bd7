"""Which parts of the picture are as they were when they were last searched.

A robot stands still most of the time, and so does the room: where nothing has changed there is no new face to find.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.face.blazeface import Window

_BLOCK: Final = 8
"""Pixels over which the picture is averaged: noise of 10 levels becomes one of 1.3."""
_CHANGED: Final = 6.0
"""Levels by which some block differs where something came; a face three metres away covers a dozen of them."""


class Stillness:
    """Remembers each window as it was when it was last searched. Not thread-safe."""

    def __init__(self, patience: int) -> None:
        """A window is searched again after so many pictures though nothing changed: the search may have failed."""
        self._patience = patience
        self._blocks = np.zeros((0, 0), np.float32)
        self._searched: dict[Window, tuple[int, NDArray[np.float32]]] = {}
        self._pictures = 0

    def look(self, image: NDArray[np.uint8]) -> None:
        """Takes in the next picture of the stream, (height, width, 3) BGR uint8; of another size it starts afresh."""
        height, width = (max(1, side // _BLOCK) for side in image.shape[:2])
        small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        if self._blocks.shape != (height, width):
            self._searched.clear()
        self._blocks = np.asarray(small.mean(2), np.float32)
        self._pictures += 1

    def due(self, window: Window) -> bool:
        """Whether to search this window of the picture; who is told so is taken to do it."""
        top, left = (max(0, start) // _BLOCK for start in (window.top, window.left))
        bottom, right = (-(-(start + window.side) // _BLOCK) for start in (window.top, window.left))
        now = self._blocks[top:bottom, left:right]
        if window in self._searched:
            when, before = self._searched[window]
            if self._pictures - when < self._patience and np.abs(now - before).max() < _CHANGED:
                return False
        self._searched[window] = (self._pictures, now.copy())
        return True
