"""Observations and estimates as payloads, and payloads as JSON.

Numbers are rounded to the precision of the measurement. This keeps payloads short, and replay gives the same text on
every machine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import UNSET

from edge import observation as observed
from edge.clock import Clock
from edge.detail import Detail
from edge.emotions import LABELS, top, valence_arousal
from edge.observation import Estimate, Observation, Sense
from edge.publish.payloads import (
    Attribution,
    Conflict,
    Contribution,
    Contributions,
    DetailValue,
    EvidenceAge,
    FaceObservation,
    Label,
    OtherPerson,
    Payload,
    Probabilities,
    SenseObservation,
    State,
    VoiceObservation,
    WordsObservation,
)

DIGITS: Final = 4
"""Number of decimals of probabilities, shares and scores."""

_OBSERVATIONS: Final[dict[Sense, type[SenseObservation]]] = {
    "face": FaceObservation,
    "voice": VoiceObservation,
    "words": WordsObservation,
}


def probabilities(posterior: Sequence[float]) -> Probabilities:
    """Converts a posterior of shape (7,) to a payload; each probability is rounded to 4 digits."""
    rounded = dict(zip(LABELS, (_round(p) for p in posterior), strict=True))
    return msgspec.convert(rounded, Probabilities)


def state_payload(estimate: Estimate, clock: Clock, *, valid_for: float, media_time: float | None = None) -> State:
    """Converts an estimate to the payload of `state`.

    Args:
        estimate: the fused estimate.
        clock: converts the estimate's times to RFC 3339.
        valid_for: seconds from the time of the estimate after which a reader should no longer act on it.
        media_time: seconds from the start of the recording; only in replay.
    """
    ages, between = estimate.ages, estimate.conflict_between
    parts = {part.sense: _contribution(part) for part in estimate.contributions}
    return State(
        label=_label(estimate.label),
        confidence=_round(estimate.confidence),
        probabilities=probabilities(estimate.posterior),
        valence=_round(estimate.valence),
        arousal=_round(estimate.arousal),
        person=estimate.person,
        captured_at=clock.rfc3339(estimate.captured_at),
        valid_until=clock.rfc3339(estimate.captured_at + valid_for),
        age_ms=None if ages is None else EvidenceAge(newest=_milliseconds(ages[0]), oldest=_milliseconds(ages[1])),
        contributions=Contributions(**parts),
        second=None if estimate.second is None else _label(estimate.second),
        conflict=None if between is None else Conflict(amount=_round(estimate.conflict), between=between),
        since=None if estimate.since is None else clock.rfc3339(estimate.since),
        without_baseline=None if estimate.without_baseline is None else probabilities(estimate.without_baseline),
        others=tuple(
            OtherPerson(person=one.person, label=_label(one.label), confidence=_round(one.confidence))
            for one in estimate.others
        ),
        media_time=UNSET if media_time is None else round(media_time, 3),
    )


def observation_payload(
    observation: Observation, clock: Clock, *, media_time: float | None = None
) -> FaceObservation | VoiceObservation | WordsObservation:
    """Converts an observation to the payload of its sense's topic.

    Args:
        observation: one observation of one sense.
        clock: converts the observation's time to RFC 3339.
        media_time: seconds from the start of the recording; only in replay.
    """
    label = top(observation.posterior)
    valence, arousal = valence_arousal(observation.posterior)
    payload = _OBSERVATIONS[observation.sense](
        label=_label(label),
        confidence=_round(observation.posterior[LABELS.index(label)]),
        probabilities=probabilities(observation.posterior),
        valence=_round(valence),
        arousal=_round(arousal),
        quality=_round(observation.quality),
        person=observation.person,
        final=observation.final,
        captured_at=clock.rfc3339(observation.captured_at),
        detail=_details(observation.detail),
        media_time=UNSET if media_time is None else round(media_time, 3),
        **({} if observation.sense == "face" else {"attribution": _attribution(observation.attribution)}),
    )
    assert isinstance(payload, (FaceObservation, VoiceObservation, WordsObservation))
    return payload


def encode(payload: Payload) -> bytes:
    """Encodes a payload as UTF-8 JSON on one line, without a line break and with `schema` first. Equal payloads give
    equal bytes."""
    fields = {name: value for name, value in msgspec.structs.asdict(payload).items() if value is not UNSET}
    schema = fields.pop("schema", None)
    return msgspec.json.encode(fields if schema is None else {"schema": schema, **fields})


def _contribution(part: observed.Contribution) -> Contribution:
    return Contribution(
        weight=_round(part.weight),
        quality=_round(part.quality),
        age_ms=None if part.age is None else _milliseconds(part.age),
        label=None if part.posterior is None else _label(top(part.posterior)),
        probabilities=None if part.posterior is None else probabilities(part.posterior),
        missing=part.missing,
        baseline=_round(part.baseline),
        attribution=_attribution(part.attribution),
    )


def _attribution(attribution: observed.Attribution | None) -> Attribution | None:
    return (
        None if attribution is None else Attribution(kind=attribution.kind, confidence=_round(attribution.confidence))
    )


def _details(detail: Detail | None) -> dict[str, DetailValue]:
    """The fields that are set, by name, in the order of their declaration."""
    if detail is None:
        return {}
    values = ((name, getattr(detail, name)) for name in detail.__struct_fields__)
    return {name: _detail(value) for name, value in values if value is not UNSET}


def _detail(value: DetailValue) -> DetailValue:
    if isinstance(value, tuple):
        return tuple(_round(item) for item in value)
    if isinstance(value, float):
        return _round(value) if math.isfinite(value) else None
    return value


def _label(name: str) -> Label:
    label: Label = msgspec.convert(name, Label)
    return label


def _milliseconds(seconds: float) -> int:
    # Evidence can be slightly newer than the estimate, while readers expect ages of at least 0.
    return max(0, round(seconds * 1000))


def _round(value: float) -> float:
    # Adding 0.0 turns −0.0 into 0.0.
    return round(float(value), DIGITS) + 0.0
