"""Draws risk–coverage curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 640, 380, 52, 40, 16, 46
"""Layout in pixels: size of the picture and its four margins."""
_COLOURS: Final = ("#165496", "#b5501b", "#2f7d3b", "#7a3b8f")
"""Colours of the curves; a solid and a dashed curve share one colour."""
_LEAST: Final = 0.05
"""A curve is drawn from this share of the rows on, because the accuracy of the first few rows is mostly chance."""


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One curve of the picture."""

    name: str
    """Text of the legend."""
    accuracy: NDArray[np.floating]
    """(n,) accuracies of the best 1, 2, … n rows, 0…1."""
    dashed: bool = False
    """Whether the curve is drawn as a dashed line."""


def picture(lines: Sequence[Line], title: str) -> str:
    """Returns an SVG of accuracy in per cent over the share kept; each two successive lines share one colour."""
    values = np.concatenate([line.accuracy[_first(line) :] for line in lines])
    low, high = math.floor(20 * float(values.min())) / 20, math.ceil(20 * float(values.max())) / 20
    high = max(high, low + 0.05)
    wide, tall = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def x(share: float) -> float:
        return _LEFT + wide * share

    def y(accuracy: float) -> float:
        return _TOP + tall * (high - accuracy) / (high - low)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
        f'height="{_HEIGHT}" font-family="sans-serif" font-size="12" role="img">',
        f"<title>{title}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        f'<text x="{_LEFT}" y="22" font-size="15">{title}</text>',
    ]
    for step in range(round(20 * low), round(20 * high) + 1):
        at = y(step / 20)
        parts.append(f'<line x1="{_LEFT}" y1="{at:.1f}" x2="{_WIDTH - _RIGHT}" y2="{at:.1f}" stroke="#e2e2e2"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{5 * step} %</text>')
    for share in range(0, 101, 20):
        parts.append(f'<text x="{x(share / 100):.1f}" y="{_HEIGHT - 26}" text-anchor="middle">{share} %</text>')
    parts.append(f'<text x="{_LEFT + wide / 2:.0f}" y="{_HEIGHT - 8}" text-anchor="middle">share kept</text>')
    for index, line in enumerate(lines):
        colour = _COLOURS[index // 2 % len(_COLOURS)]
        rows = np.unique(np.linspace(_first(line), len(line.accuracy) - 1, 200).astype(int))
        points = " ".join(f"{x((row + 1) / len(line.accuracy)):.1f},{y(line.accuracy[row]):.1f}" for row in rows)
        dash = ' stroke-dasharray="5 4"' if line.dashed else ""
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
        top = _TOP + 14 + 18 * index
        parts.append(
            f'<line x1="{_WIDTH - 190}" y1="{top - 4}" x2="{_WIDTH - 162}" y2="{top - 4}" stroke="{colour}" '
            f'stroke-width="2"{dash}/><text x="{_WIDTH - 154}" y="{top}">{line.name}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])


def _first(line: Line) -> int:
    return min(len(line.accuracy) - 1, int(_LEAST * len(line.accuracy)))
