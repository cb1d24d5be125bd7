"""Optimal assignment of rows to columns (the linear assignment problem), exact and without SciPy."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def assign(gain: NDArray[np.floating]) -> list[tuple[int, int]]:
    """Finds the pairs (row, column) with the greatest total gain and returns them in the order of the rows.

    `gain` (rows, columns) must be finite. Each row and column is used at most once. A pair with a gain ≤ 0 is left out,
    so a row may remain unassigned. The method is shortest augmenting paths (Kuhn, 1955; Jonker & Volgenant, Computing
    38, 1987).
    """
    rows, columns = gain.shape
    if rows == 0 or columns == 0:
        return []
    if rows > columns:
        return sorted((row, column) for column, row in assign(gain.T))
    cost = np.minimum(0.0, -gain.astype(np.float64)).tolist()
    row_price, column_price = [0.0] * rows, [0.0] * (columns + 1)
    # The extra last column is the start of each search.
    owner = [-1] * (columns + 1)
    for row in range(rows):
        owner[columns] = row
        at = columns
        slack, came_from, done = [math.inf] * columns, [columns] * columns, [False] * (columns + 1)
        while owner[at] != -1:
            done[at] = True
            here = owner[at]
            delta, nearest = math.inf, -1
            for column in range(columns):
                if done[column]:
                    continue
                reduced = cost[here][column] - row_price[here] - column_price[column]
                if reduced < slack[column]:
                    slack[column], came_from[column] = reduced, at
                if slack[column] < delta:
                    delta, nearest = slack[column], column
            for column in range(columns + 1):
                if done[column]:
                    row_price[owner[column]] += delta
                    column_price[column] -= delta
                elif column < columns:
                    slack[column] -= delta
            at = nearest
        while at != columns:
            before = came_from[at]
            owner[at] = owner[before]
            at = before
    return sorted(
        (owner[column], column) for column in range(columns) if owner[column] != -1 and gain[owner[column], column] > 0
    )
