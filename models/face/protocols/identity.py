"""Scores for the identities of a tracker: IDF1 and identity switches.

IDF1: Ristani et al., "Performance measures and a data set for multi-target, multi-camera tracking", ECCV workshop 2016.
Switches: Bernardin & Stiefelhagen, "Evaluating multiple object tracking performance: the CLEAR MOT metrics", 2008.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from edge.face.assignment import assign
from edge.face.boxes import Box

_HIT: Final = 0.5
"""Lowest intersection over union (IoU) at which a box counts as the face."""


@dataclass(frozen=True, slots=True)
class Moment:
    """True and tracked boxes of one frame."""

    truth: Mapping[int, Box]
    """True box of each visible person."""
    ignored: tuple[Box, ...]
    """Boxes of largely hidden faces, whose detection counts neither as right nor as wrong."""
    tracked: Mapping[int, Box]
    """Tracked box of each track id."""


@dataclass(frozen=True, slots=True)
class IdentityScore:
    """Counts over one or more clips; scores can be added."""

    right: int = 0
    """Boxes whose track id is the one assigned to the person over the whole clip (IDTP)."""
    truth: int = 0
    """True faces that should be found."""
    tracked: int = 0
    """Tracked boxes, without those on ignored faces."""
    found: int = 0
    """True faces that are covered by a tracked box."""
    switches: int = 0
    """How often the track id of a person changes."""

    @property
    def idf1(self) -> float:
        """Identity F1 score, 0…1."""
        return 2 * self.right / max(1, self.truth + self.tracked)

    @property
    def recall(self) -> float:
        """Share of true faces found regardless of the ids, 0…1; it limits IDF1."""
        return self.found / max(1, self.truth)

    def __add__(self, other: IdentityScore) -> IdentityScore:
        return IdentityScore(
            self.right + other.right,
            self.truth + other.truth,
            self.tracked + other.tracked,
            self.found + other.found,
            self.switches + other.switches,
        )


def score(moments: Iterable[Moment]) -> IdentityScore:
    """The score of one clip."""
    together: Counter[tuple[int, int]] = Counter()
    last: dict[int, int] = {}
    truth = tracked = found = switches = 0
    for moment in moments:
        persons, ids = list(moment.truth), list(moment.tracked)
        overlap = np.array([[moment.truth[p].iou(moment.tracked[i]) for i in ids] for p in persons])
        overlap = overlap.reshape(len(persons), len(ids))
        for row, column in zip(*np.nonzero(overlap >= _HIT), strict=True):
            together[persons[row], ids[column]] += 1
        # Switches need one box per face; the track that a face had before takes precedence.
        kept = np.array([[last.get(p) == i for i in ids] for p in persons]).reshape(overlap.shape)
        pairs = assign(np.where(overlap >= _HIT, overlap + kept, 0.0))
        for row, column in pairs:
            person, tracker_id = persons[row], ids[column]
            switches += last.get(person, tracker_id) != tracker_id
            last[person] = tracker_id
        free = set(range(len(ids))) - {column for _, column in pairs}
        excused = [c for c in free if any(moment.tracked[ids[c]].iou(box) >= _HIT for box in moment.ignored)]
        truth, found, tracked = truth + len(persons), found + len(pairs), tracked + len(ids) - len(excused)
    persons, ids = sorted({p for p, _ in together}), sorted({i for _, i in together})
    counts = np.array([[together[p, i] for i in ids] for p in persons], float).reshape(len(persons), len(ids))
    right = int(sum(counts[pair] for pair in assign(counts)))
    return IdentityScore(right, truth, tracked, found, switches)
