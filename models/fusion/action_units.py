"""OpenFace's action units, averaged over each audio-visual RAVDESS clip, and the small networks that read them."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge.errors import ConfigError
from edge.inference.interpreter import open_model
from models.voice.protocols.folds import fold

FILE: Final = "av/ravdess/action_units_mean.csv"
"""Path of the corpus below the data folder."""
INTENSITIES: Final = tuple(f"AU{unit:02}_r" for unit in (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45))
"""Columns with mean intensities, 0…5."""
PRESENCES: Final = tuple(f"AU{unit:02}_c" for unit in (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 28, 45))
"""Columns with the share of the frames in which a unit is active, 0…1."""
SIZE: Final = len(INTENSITIES) + len(PRESENCES)
"""Number of features of a clip."""
LIMIT: Final = 4.0
"""Standardised features are clipped to ±`LIMIT`."""
FOLDS: Final = 5
"""Number of folds of actors."""
FOLDER: Final = Path(__file__).parent / "folds"
"""Folder of the networks of the folds."""


@dataclass(frozen=True, slots=True, eq=False)
class Clips:
    """n clips of RAVDESS."""

    names: NDArray[np.str_]
    """(n,) names without the modality, such as `03-01-01-01-02-05`, which sound and picture of a take share after
    their first field; sorted."""
    features: NDArray[np.float32]
    """(n, `SIZE`) square roots of the intensities, then the presences."""

    @property
    def truth(self) -> NDArray[np.int64]:
        """(n,) acted classes in the order of `folds.CLASSES["RAVDESS"]`."""
        return np.array([int(name.split("-")[1]) - 1 for name in self.names])

    @property
    def folds(self) -> NDArray[np.int64]:
        """(n,) fold that holds the actor out."""
        return np.array([fold("RAVDESS", name.split("-")[-1]) for name in self.names])


def take(name: str) -> str:
    """`01-01-05-02-01-01-16` → `01-05-02-01-01-16`: the name without the modality, which a take's files share."""
    return name.partition("-")[2]


def load(data: Path) -> Clips:
    """Reads the clips; `data` is the folder of the corpora. Raises `ConfigError` where a column or value is missing."""
    path = data / FILE
    found = {}
    with path.open(encoding="utf-8", newline="") as file:
        for line, row in enumerate(csv.DictReader(file, delimiter=";"), 2):
            try:
                values = [float(row[column]) for column in (*INTENSITIES, *PRESENCES)]
                found[take(row["name"])] = values
            except (KeyError, TypeError, ValueError) as error:
                raise ConfigError(
                    f"{path}, line {line}: no row of action units ({error}): fetch the file again"
                ) from error
    names = sorted(found)
    features = np.array([found[name] for name in names], np.float32)
    features[:, : len(INTENSITIES)] = np.sqrt(np.maximum(features[:, : len(INTENSITIES)], 0.0))
    return Clips(np.array(names), features)


@dataclass(frozen=True, slots=True, eq=False)
class Scaling:
    """Standardises features with the mean and deviation of the training clips."""

    mean: NDArray[np.float32]
    """(`SIZE`,) means."""
    deviation: NDArray[np.float32]
    """(`SIZE`,) deviations, above 0."""

    @classmethod
    def of(cls, features: NDArray[np.float32]) -> Scaling:
        """The scaling of these clips."""
        return cls(features.mean(0), features.std(0) + np.float32(1e-3))

    def apply(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, `SIZE`) features → standardised ones within ±`LIMIT`."""
        return np.asarray(np.clip((features - self.mean) / self.deviation, -LIMIT, LIMIT), np.float32)

    def front_end(self) -> dict[str, Any]:
        """The front end as a card states it."""
        return {
            "name": "action-units",
            "columns": [*INTENSITIES, *PRESENCES],
            "square_root_of": len(INTENSITIES),
            "limit": LIMIT,
            "mean": [round(float(value), 5) for value in self.mean],
            "deviation": [round(float(value), 5) for value in self.deviation],
        }

    @classmethod
    def read(cls, front_end: dict[str, Any]) -> Scaling:
        """The scaling that a card states."""
        return cls(np.array(front_end["mean"], np.float32), np.array(front_end["deviation"], np.float32))


def file(number: int) -> Path:
    """Path of the network of a fold."""
    return FOLDER / f"action_units{number}.tflite"


def out_of_fold(clips: Clips) -> NDArray[np.float64]:
    """(n, 8) calibrated logits of each clip by the int8 network that never saw its actor.

    Raises `ModelError` where a network or its card is missing or invalid.
    """
    found = np.empty((len(clips.names), 8))
    for number in range(FOLDS):
        interpreter, card = open_model(file(number))
        rows = np.flatnonzero(clips.folds == number)
        values = Scaling.read(card.front_end).apply(clips.features[rows])
        outputs = [interpreter.run(value[None])[0][0] for value in values]
        found[rows] = np.array(outputs) / card.temperature
    return found
