"""The numbers of the fusion: one carded file, `models/fusion/fusion.json`, made by `python -m models.fusion.train`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta

from edge.emotions import COUNT, LABELS, UNIFORM
from edge.errors import ModelError
from edge.fusion.baseline import BaselineNumbers
from edge.inference.card import Card, Corpus, Name, Score
from edge.observation import SENSES, Sense
from edge.regular_file import open_regular

SCHEMA: Final = "edge-emotion/fusion/1"
"""Identifier and version of the file's format."""
MAX_BYTES: Final = 1_000_000
"""A larger file is refused; the shipped one has about 9 kB."""

Probability: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
"""A probability or share."""
Positive: TypeAlias = Annotated[float, Meta(ge=1e-6, le=1)]
"""A probability above 0, because its logarithm is used."""
Seconds: TypeAlias = Annotated[float, Meta(ge=0.01, le=3600)]
"""A time constant."""
Coefficient: TypeAlias = Annotated[float, Meta(ge=-50, le=50)]
"""A coefficient of a log-linear map."""
Seven: TypeAlias = Annotated[tuple[Coefficient, ...], Meta(min_length=COUNT, max_length=COUNT)]
"""One coefficient for each label, in the order of `edge.emotions.LABELS`."""
Distribution: TypeAlias = Annotated[tuple[Positive, ...], Meta(min_length=COUNT, max_length=COUNT)]
"""A probability for each label, in the order of `edge.emotions.LABELS`; they add up to 1."""


class _Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all parts of the file."""


class Reliability(_Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the posteriors of one model relate to the truth, learnt from its errors on validation data.

    The log-likelihood of the labels is `matrix` · (log posterior − log `prior`) + `bias`, up to a constant.
    """

    model: Name
    """Name of the model, from its card."""
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    """SHA-256 of the model file."""
    prior: Distribution
    """The prior that the model's posterior implies."""
    matrix: Annotated[tuple[Seven, ...], Meta(min_length=COUNT, max_length=COUNT)]
    """Rows: labels of which the likelihood is wanted. Columns: labels of the posterior."""
    bias: Seven
    """Added to the log-likelihoods."""
    baseline: BaselineNumbers | None = None
    """The numbers of the persons' baselines; None if this model's outputs are not corrected by them."""


class SenseNumbers(_Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The numbers of one sense."""

    reliability: Annotated[tuple[Reliability, ...], Meta(min_length=1, max_length=64)]
    """One entry for each model. The first belongs to the default model."""
    unreliable: Probability
    """Probability that the sense's evidence says nothing about the emotion, however certain it is."""
    quality_exponent: Annotated[float, Meta(ge=0, le=10)]
    """The log-likelihood is multiplied by quality to this power."""
    memory_s: Seconds
    """Time constant of the mean over the sense's observations."""
    independence: Annotated[float, Meta(ge=0, le=1)]
    """The log-likelihood is multiplied by the number of observations in the mean to this power.

    0: further observations repeat the errors of the first, as frames of one face do. 1: their errors are independent.
    """
    stay_s: Seconds
    """Mean time for which what the sense has observed stays true."""
    stale_s: Seconds
    """Age from which evidence is left out and counts as stale."""


class Senses(_Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The numbers of all senses."""

    face: SenseNumbers
    voice: SenseNumbers
    words: SenseNumbers


class Trust(_Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a sense that keeps contradicting the others loses influence."""

    evidence_s: Seconds
    """Seconds of contradiction that count as one independent observation of it."""
    recovery_s: Seconds
    """Time constant with which the trust returns to its initial value."""
    lowest: Probability
    """Lower bound of the trust, so that a sense can always regain it."""


class LabelNumbers(_Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When the reported label changes: Page's test (Biometrika 41, 1954) of another label against the present one."""

    lead_nats: Annotated[float, Meta(ge=0, le=10)]
    """Lead in log-probability up to which another label does not replace the present one, however long it lasts."""
    evidence_nat_s: Annotated[float, Meta(ge=0, le=100)]
    """A larger lead replaces it once its excess, integrated over time, reaches this many nat seconds."""


class Parameters(_Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    schema: str
    """`SCHEMA`."""
    version: Name
    """Version of the numbers."""
    labels: Annotated[tuple[Name, ...], Meta(min_length=COUNT, max_length=COUNT)]
    """Labels of all vectors; they must be those of `edge.emotions`."""
    prior: Distribution
    """How often each label occurs where no configuration says otherwise."""
    senses: Senses
    """The numbers of each sense."""
    trust: Trust
    """The online trust in the senses."""
    label: LabelNumbers
    """When the reported label changes."""
    second_share: Probability
    """The second label is reported from this share of the two most probable labels' probability on."""
    training: tuple[Corpus, ...]
    """Data from which the numbers were learnt; none of it is test data."""
    train_command: str
    """Command that made the file."""
    scores: tuple[Score, ...] = ()
    """Measured scores, from `python -m models.fusion.evaluate`."""
    notes: tuple[str, ...] = ()
    """Where each number comes from."""

    def sense(self, name: Sense) -> SenseNumbers:
        """The numbers of one sense."""
        found: SenseNumbers = getattr(self.senses, name)
        return found

    def reliability(self, sense: Sense, card: Card | None = None) -> Reliability:
        """The reliability of the model that `sense` uses.

        Args:
            sense: The sense.
            card: Card of its model; None if it is the default one.

        Returns:
            The entry of this model. For a model that has none, its posterior is taken as calibrated, and the prior of
            its card is divided out.
        """
        entries = self.sense(sense).reliability
        if card is None:
            return entries[0]
        return {entry.sha256: entry for entry in entries}.get(card.sha256) or _calibrated(card)


def _calibrated(card: Card) -> Reliability:
    """The reliability of a model about which nothing was learnt."""
    rows = tuple(tuple(float(row == column) for column in range(COUNT)) for row in range(COUNT))
    prior = card.prior if card.labels == LABELS and card.prior else UNIFORM
    return Reliability(model=card.name, sha256=card.sha256, prior=prior, matrix=rows, bias=(0.0,) * COUNT)


def load(path: Path) -> Parameters:
    """Reads the file at `path`. Raises `ModelError`, whose message is one line."""
    try:
        with open_regular(path) as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ModelError(
            f"fusion parameters {path}: {error.strerror}; reinstall the package or name another file"
        ) from error
    if len(data) > MAX_BYTES:
        raise ModelError(f"fusion parameters {path} are larger than {MAX_BYTES:,} bytes: not such a file")
    try:
        return decode(data)
    except ModelError as error:
        raise ModelError(f"fusion parameters {path} {error}") from error


def decode(data: bytes) -> Parameters:
    """Parses and checks the JSON of the file.

    Raises `ModelError`, whose message continues a sentence that begins with the name of the file.
    """
    try:
        found = msgspec.json.decode(data, type=Parameters)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"are not valid: {_printable(error)}") from error
    except RecursionError as error:
        raise ModelError("are not valid: the JSON is nested too deep") from error
    if found.schema != SCHEMA:
        raise ModelError(f"have schema {found.schema!r}; this version reads {SCHEMA!r}")
    if found.labels != LABELS:
        raise ModelError(f"are about the labels {', '.join(found.labels)}; this version has {', '.join(LABELS)}")
    _check_distribution(found.prior, "prior")
    for sense in SENSES:
        numbers = found.sense(sense)
        for entry in numbers.reliability:
            _check_distribution(entry.prior, f"senses.{sense}.reliability of {entry.model}: prior")
        hashes = [entry.sha256 for entry in numbers.reliability]
        if len(set(hashes)) < len(hashes):
            raise ModelError(f"are not valid: senses.{sense}.reliability has the same sha256 more than once")
    return found


def encode(parameters: Parameters) -> bytes:
    """Returns the file's JSON, indented."""
    return msgspec.json.format(msgspec.json.encode(parameters), indent=1) + b"\n"


def _check_distribution(values: Sequence[float], where: str) -> None:
    if not math.isclose(sum(values), 1.0, abs_tol=1e-3):
        raise ModelError(f"are not valid: {where} adds up to {sum(values):.4f}, not to 1")


def _printable(error: Exception) -> str:
    """Returns the message as one short printable line, because it may quote a key of the file."""
    return "".join(char if char.isprintable() else "?" for char in str(error))[:300]
