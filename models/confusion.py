"""Confusion matrices: counting and drawing them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_CELL, _LEFT, _TOP = 62, 96, 56
"""Layout in pixels: side of a cell, left margin and top margin."""


def matrix(truth: NDArray[np.integer], decided: NDArray[np.integer], labels: int) -> NDArray[np.int64]:
    """Counts how often each true label was decided as each label.

    Args:
        truth: (n,) indices of the true labels.
        decided: (n,) indices of the decided labels.
        labels: Number of labels.

    Returns:
        (labels, labels) counts with one row per true label.
    """
    flat = np.bincount(truth * labels + decided, minlength=labels * labels)
    return np.asarray(flat.reshape(labels, labels), np.int64)


def picture(counts: NDArray[np.integer], labels: Sequence[str], title: str) -> str:
    """Draws a confusion matrix as an SVG that is readable on light and dark pages.

    Args:
        counts: (k, k) counts with one row per true label; each row is shown in per cent of its sum.
        labels: The k names of rows and columns.
        title: Heading of the picture.
    """
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    side = _CELL * len(labels)
    width, height = _LEFT + side + 10, _TOP + side + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="13" role="img">',
        f"<title>{title}</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="{_LEFT}" y="20" font-size="15">{title}</text>',
    ]
    for column, label in enumerate(labels):
        x = _LEFT + (column + 0.5) * _CELL
        parts.append(f'<text x="{x}" y="{_TOP - 8}" text-anchor="middle" font-size="11">{label}</text>')
    for row, label in enumerate(labels):
        y = _TOP + (row + 0.5) * _CELL + 5
        parts.append(f'<text x="{_LEFT - 8}" y="{y}" text-anchor="end">{label}</text>')
        for column in range(len(labels)):
            value = float(share[row, column])
            red, green, blue = (round(255 - value * (255 - end)) for end in (22, 84, 150))
            x, top = _LEFT + column * _CELL, _TOP + row * _CELL
            ink = "#ffffff" if value > 0.5 else "#1a1a1a"
            parts.append(
                f'<rect x="{x}" y="{top}" width="{_CELL - 2}" height="{_CELL - 2}" rx="3" '
                f'fill="rgb({red},{green},{blue})"/>'
                f'<text x="{x + _CELL / 2 - 1}" y="{y}" text-anchor="middle" fill="{ink}">{100 * value:.0f}</text>'
            )
    note = "rows: the label; columns: what was read; per cent of the row"
    parts.append(f'<text x="{_LEFT}" y="{height - 10}" font-size="11">{note}</text>')
    return "\n".join([*parts, "</svg>", ""])
