"""A still face before a noisy camera, and a face that truly changes: how steady and how quick the label is.

Each frame shows the same picture, shifted by up to a pixel, turned by up to 3°, 10 % lighter or darker, and with the
noise of a small sensor in the evening. The label should stay while the picture does, and follow a change quickly.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge import shipped
from edge.emotions import COUNT, LABELS
from edge.face.expression import Expression
from edge.fusion.evidence import Evidence
from edge.fusion.filter import EmotionFilter
from edge.fusion.parameters import Parameters, load
from edge.observation import Observation
from models.corpora import require
from models.face import data as faces
from models.face.training import degrade
from models.fusion.trial import FRAME_RATE

STILL_S: Final = 20.0
"""Seconds for which each picture is shown."""
BEFORE_S: Final = 5.0
"""Seconds for which the first of two pictures is shown."""
SETTLING_S: Final = 1.0
"""Seconds at the beginning in which changes of the label do not count."""
CLEAR: Final = 0.5
"""Mean probability from which a picture's label is clear. A true change is from one clear label to another."""
_SEED: Final = 16
"""Seed of the pictures, of their noise and of the pairs."""
_RATE_HZ: Final = 5.0
"""Estimates per second, the default of the configuration."""
_NOISE: Final = 8.0
"""Standard deviation of the noise, grey levels."""


@dataclass(frozen=True, slots=True)
class Steadiness:
    """The result over all pictures."""

    changes_per_minute: float
    """Changes of the label of a still face, per minute."""
    reported_s: float
    """Seconds until a true change is reported, 95th percentile."""
    pictures: int
    """Number of still pictures."""
    pairs: int
    """Number of true changes."""


class SteadyRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the evaluation."""

    protocol: str
    """Name of the protocol and its data."""
    fusion: str
    """What decides."""
    mask: str
    """The sense that is given."""
    n: int
    """Number of still pictures."""
    changes_per_minute: float
    """Changes of the label of a still face, per minute."""
    reported_s: float
    """Seconds until a true change is reported, 95th percentile."""
    true_changes: int
    """Number of true changes."""


def noisy(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """One frame of a (48, 48) uint8 picture as a noisy camera sees it."""
    frame = degrade._shift(picture, float(rng.uniform(0, 1)), rng)
    frame = degrade._turn(frame, float(rng.uniform(0, 3)), rng)
    frame = degrade._light(frame, float(rng.uniform(0.9, 1.1)), rng)
    return degrade._noise(frame, _NOISE, rng)


def frames(data: Path, split: str, each: int, seed: int) -> list[NDArray[np.float64]]:
    """Posteriors of the face model for each picture's frames, (frames, 7).

    Args:
        data: Folder of the corpora.
        split: `public` or `private`.
        each: Number of pictures of each label.
        seed: Seed of the choice of pictures and of the noise.
    """
    rng = np.random.default_rng(seed)
    expression = Expression(shipped.model("face", "face_small"))
    known = faces.load(require(data, faces.FILE), split)
    chosen = [
        row
        for label in range(COUNT)
        for row in rng.choice(np.flatnonzero(known.labels == label), each, replace=False).tolist()
    ]
    count = round(STILL_S * FRAME_RATE)
    return [np.array([expression.posterior(noisy(known.images[row], rng)) for _ in range(count)]) for row in chosen]


def labels(shown: Sequence[NDArray[np.float64]], numbers: Parameters) -> tuple[NDArray[np.float64], list[str]]:
    """Times and labels of the estimates while one face shows (frames, 7) posteriors, one part after the other."""
    evidence = Evidence(numbers.sense("face"), numbers.reliability("face"))
    emotion = EmotionFilter(numbers)
    times, found = [], []
    due = 0.0
    for number, posterior in enumerate(np.concatenate(shown).tolist()):
        at = number / FRAME_RATE
        evidence.add(Observation("face", at, tuple(posterior), 1.0))
        if at + 1e-9 >= due:
            due += 1 / _RATE_HZ
            opinion = evidence.opinion(at)
            assert opinion is not None
            times.append(at)
            found.append(emotion.combine({"face": opinion}, at).label)
    return np.array(times), found


def measure(pictures: Sequence[NDArray[np.float64]], numbers: Parameters, seed: int) -> Steadiness:
    """Steadiness over all pictures, and over as many pairs of pictures with different labels.

    Args:
        pictures: Posteriors of each picture's frames, from `frames`.
        numbers: The numbers of the fusion.
        seed: Seed of the pairs.
    """
    changes, seconds = 0, 0.0
    settled: list[str | None] = []
    for shown in pictures:
        times, found = labels([shown], numbers)
        kept = [label for time, label in zip(times, found, strict=True) if time >= SETTLING_S]
        changes += sum(a != b for a, b in itertools.pairwise(kept))
        seconds += STILL_S - SETTLING_S
        usual = max(set(kept), key=kept.count)
        settled.append(usual if shown.mean(0)[LABELS.index(usual)] >= CLEAR else None)
    rng = np.random.default_rng(seed)
    first = round(BEFORE_S * FRAME_RATE)
    delays = []
    clear = [number for number, label in enumerate(settled) if label is not None]
    for number in clear:
        other = int(rng.choice([other for other in clear if settled[other] != settled[number]]))
        times, found = labels([pictures[number][:first], pictures[other][first:]], numbers)
        timed = zip(times, found, strict=True)
        after = [time - BEFORE_S for time, label in timed if time >= BEFORE_S and label == settled[other]]
        delays.append(after[0] if after else STILL_S)
    return Steadiness(
        changes_per_minute=round(60 * changes / seconds, 3),
        reported_s=round(float(np.percentile(delays, 95, method="inverted_cdf")), 3),
        pictures=len(pictures),
        pairs=len(delays),
    )


def rows(data: Path, quick: bool) -> Iterator[SteadyRow]:
    """The row of the still noisy face on FER2013 PrivateTest. See `models.fusion.rows.Protocol`."""
    numbers = load(shipped.fusion())
    found = measure(frames(data, "private", 1 if quick else 4, _SEED), numbers, _SEED)
    yield SteadyRow(
        protocol="still noisy face, FER2013 PrivateTest",
        fusion="fusion",
        mask="face",
        n=found.pictures,
        changes_per_minute=found.changes_per_minute,
        reported_s=found.reported_s,
        true_changes=found.pairs,
    )
