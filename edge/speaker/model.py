"""The learnt numbers of the speaker attribution, from one file that `python -m models.speaker.train` writes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, TypeAlias

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from edge import shipped
from edge.errors import ModelError
from edge.inference.card import Corpus
from edge.regular_file import open_regular
from edge.speaker.synchrony import BANDS, FEATURES, LAGS, MEASURES, Scale

SCHEMA: Final = "edge-emotion/speaker/1"
"""Identifier and version of the file's format."""
MAX_BYTES: Final = 100_000
"""A larger file is refused; the shipped one has 4 kB."""

Finite: TypeAlias = Annotated[float, Meta(ge=-1e6, le=1e6)]
Positive: TypeAlias = Annotated[float, Meta(gt=0, le=1e6)]
Probability: TypeAlias = Annotated[float, Meta(ge=0, le=1)]


class Parameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of the file: the model and how it was made."""

    schema: str = SCHEMA
    """Identifier of the format."""
    name: str
    """Name of the model."""
    task: str
    """What it decides."""
    features: tuple[str, ...]
    """Names of the features, in the order of `weights`."""
    motion: Annotated[tuple[Positive, ...], Meta(min_length=MEASURES, max_length=MEASURES)]
    """Standard deviation of the motion of each measure in speech, in eye distances per 40 ms."""
    rise: Annotated[tuple[Positive, ...], Meta(min_length=BANDS, max_length=BANDS)]
    """Standard deviation of the rise of each level in speech, in decades per 40 ms."""
    drive: Annotated[tuple[tuple[tuple[Finite, ...], ...], ...], Meta(min_length=len(LAGS), max_length=len(LAGS))]
    """For each lag, measure and level: the weight of the motion in the predicted rise."""
    weights: tuple[Finite, ...]
    """Weight of each feature in the score of a face."""
    off_screen: tuple[Finite, Finite]
    """Score of nobody in the image: a constant, and a factor of the logarithm of the seconds of sound compared."""
    least_person: Probability
    """Least probability at which a person is named."""
    least_off_screen: Probability
    """Least probability at which a voice is said to come from nobody in the image."""
    training: tuple[Corpus, ...] = ()
    """What it was trained on."""
    train_command: str = ""
    """Command line that makes the file again."""
    recipe: str = ""
    """Summary of the training in words."""
    notes: tuple[str, ...] = ()
    """Measured results, and where they were measured."""


class SpeakerModel:
    """Scores faces and nobody by the features of a span of sound."""

    def __init__(self, parameters: Parameters) -> None:
        """Raises `ModelError` if the numbers do not fit the features."""
        if parameters.schema != SCHEMA or parameters.features != FEATURES or len(parameters.weights) != len(FEATURES):
            raise ModelError(f"speaker model is of {parameters.schema} {parameters.features}, not {SCHEMA} {FEATURES}")
        if any(len(lag) != MEASURES or any(len(pair) != BANDS for pair in lag) for lag in parameters.drive):
            raise ModelError(f"speaker model: drive has not the shape ({len(LAGS)}, {MEASURES}, {BANDS})")
        self.parameters = parameters
        self.scale = Scale(
            np.array(parameters.motion), np.array(parameters.rise), np.array(parameters.drive, np.float64)
        )
        self._weights = np.array(parameters.weights)

    def probabilities(
        self, features: NDArray[np.float64], seconds: float, evidence: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Returns (1 + faces,): the probability that nobody in the image speaks, and that of each face.

        Args:
            features: The features of each face, (faces, 3).
            seconds: Seconds of sound compared.
            evidence: Logarithm of a likelihood ratio for each face from another source, (faces,); None without one.
        """
        constant, growth = self.parameters.off_screen
        faces = features @ self._weights
        scores = np.concatenate(
            [[constant + growth * np.log(seconds + 0.1)], faces if evidence is None else faces + evidence]
        )
        exponential = np.exp(scores - scores.max())
        return np.asarray(exponential / exponential.sum())


def path() -> Path:
    """The file of the shipped model."""
    return shipped.folder() / "speaker" / "speaker.json"


def load(file: Path) -> SpeakerModel:
    """Reads a model. Raises `ModelError` if the file is missing, too large or invalid."""
    try:
        with open_regular(file) as opened:
            data = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise ModelError(
            f"speaker model {file}: {error.strerror or error}; a whole installation of this package has it"
        ) from error
    if len(data) > MAX_BYTES:
        raise ModelError(f"speaker model {file} is larger than {MAX_BYTES} bytes")
    try:
        return SpeakerModel(msgspec.json.decode(data, type=Parameters))
    except (msgspec.DecodeError, ValueError) as error:
        raise ModelError(f"speaker model {file}: {error}") from error
