"""The JSON payloads of the MQTT contract, as types. Each names its schema, whose number grows when fields change.

Numbers are rounded to the precision of the measurement. This keeps payloads short, and replay gives the same text on
every machine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from edge.clock import Clock
from edge.detail import Detail, FaceDetail, KeywordDetail, VoiceDetail, WordsDetail
from edge.emotions import LABELS, top, valence_arousal
from edge.observation import Contribution as EstimateContribution
from edge.observation import Estimate, Observation, Sense

Probability: TypeAlias = Annotated[float, Meta(ge=0, le=1, description="0…1, rounded to 4 digits")]
Share: TypeAlias = Annotated[float, Meta(ge=0, le=1, description="0…1")]
Signed: TypeAlias = Annotated[float, Meta(ge=-1, le=1, description="−1…1")]
Milliseconds: TypeAlias = Annotated[int, Meta(ge=0, description="milliseconds")]
Count: TypeAlias = Annotated[int, Meta(ge=0)]
Seconds: TypeAlias = Annotated[float, Meta(ge=0, description="seconds")]
Moment: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
        description="RFC 3339, UTC, with milliseconds; in replay 1970-01-01 is the start of the medium",
        extra_json_schema={"format": "date-time"},
    ),
]
MediaTime: TypeAlias = Annotated[float, Meta(description="seconds from the start of the medium; in replay only")]
Person: TypeAlias = Annotated[int, Meta(ge=0, description="track id; 0 where persons cannot be told apart")]
Label: TypeAlias = Literal["anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"]

DIGITS: Final = 4
"""Number of decimals of probabilities, shares and scores."""


class Payload(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all JSON payloads."""


class Probabilities(Payload, frozen=True, kw_only=True):
    """One probability for each label; they add up to 1 except for rounding."""

    anger: Probability
    disgust: Probability
    fear: Probability
    happiness: Probability
    neutral: Probability
    sadness: Probability
    surprise: Probability


class EvidenceAge(Payload, frozen=True, kw_only=True):
    """Age of the newest and of the oldest evidence in an estimate."""

    newest: Milliseconds
    """Age of the newest evidence."""
    oldest: Milliseconds
    """Age of the oldest evidence."""


class Contribution(Payload, frozen=True, kw_only=True):
    """What one sense contributed to the estimate, or in `missing` why it contributed nothing."""

    weight: Share
    """Share of the sense in all evidence of the estimate."""
    quality: Share
    """Quality of the sense's evidence, from 0 to 1."""
    age_ms: Milliseconds | None
    """Age of the evidence; None without evidence."""
    label: Label | None
    """Most probable label of the sense alone; None without evidence."""
    probabilities: Probabilities | None
    """Smoothed posterior of the sense alone; None without evidence."""
    missing: str | None
    """Why the sense contributed nothing; None if it contributed."""


class Contributions(Payload, frozen=True, kw_only=True):
    """One contribution for each sense; the weights add up to 1, or to 0 without evidence."""

    face: Contribution
    voice: Contribution
    words: Contribution


class State(Payload, frozen=True, kw_only=True):
    """The fused emotion of the person that the device attends to."""

    schema: Literal["edge-emotion/state/1"] = "edge-emotion/state/1"
    label: Label
    """Label of the estimate."""
    confidence: Probability
    """Probability of `label`."""
    probabilities: Probabilities
    """Posterior over all labels."""
    valence: Signed
    """Pleasantness of the emotion."""
    arousal: Signed
    """Activation of the emotion."""
    person: Person
    """The person whom the estimate is about."""
    captured_at: Moment
    """Time that the estimate is about."""
    valid_until: Moment
    """Time after which a reader should no longer act on the state."""
    age_ms: EvidenceAge | None
    """Age of the evidence at `captured_at`; None without evidence."""
    contributions: Contributions
    """Contribution of each sense."""
    media_time: MediaTime | UnsetType = UNSET
    """`captured_at` as media time; only in replay."""


DetailValue: TypeAlias = str | int | float | bool | tuple[float, ...] | None
"""A value in `detail`."""


class _Observation(Payload, frozen=True, kw_only=True):
    """The reading of one sense for one moment or one utterance."""

    label: Label
    """Most probable label."""
    confidence: Probability
    """Probability of `label`."""
    probabilities: Probabilities
    """Posterior over all labels."""
    valence: Signed
    """Pleasantness of the emotion."""
    arousal: Signed
    """Activation of the emotion."""
    quality: Share
    """Quality of the observation, from 0 to 1."""
    person: Person
    """The person whom the observation is about."""
    final: bool
    """False for an interim observation of an utterance that is not over yet."""
    captured_at: Moment
    """Time of the frame, or of the end of the utterance."""
    detail: dict[str, DetailValue]
    """Further measurements of the sense."""
    media_time: MediaTime | UnsetType = UNSET
    """`captured_at` as media time; only in replay."""


def _detail_schema(*details: type[Detail]) -> Meta:
    """Schema of a `detail` that has the fields of one of `details`. Other keys are allowed, for later versions."""
    properties: dict[str, Any] = {}
    for detail in details:
        _, components = msgspec.json.schema_components([detail])
        properties |= components[detail.__name__]["properties"]
    return Meta(extra_json_schema={"properties": properties})


class FaceObservation(_Observation, frozen=True, kw_only=True):
    """One face in one frame."""

    schema: Literal["edge-emotion/face/1"] = "edge-emotion/face/1"
    detail: Annotated[dict[str, DetailValue], _detail_schema(FaceDetail)]


class VoiceObservation(_Observation, frozen=True, kw_only=True):
    """One speech segment; `captured_at` is its end."""

    schema: Literal["edge-emotion/voice/1"] = "edge-emotion/voice/1"
    detail: Annotated[dict[str, DetailValue], _detail_schema(VoiceDetail)]


class WordsObservation(_Observation, frozen=True, kw_only=True):
    """One transcript or spotted keyword."""

    schema: Literal["edge-emotion/words/1"] = "edge-emotion/words/1"
    detail: Annotated[dict[str, DetailValue], _detail_schema(WordsDetail, KeywordDetail)]


class Model(Payload, frozen=True, kw_only=True):
    """One model that is in use."""

    task: str
    """What the model predicts."""
    name: str
    """Name of the model, from its card."""
    version: str
    """Version of the model, from its card."""
    file: str
    """File name of the model, without folder."""
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    """SHA-256 of the model file, in hexadecimal."""


class Sensor(Payload, frozen=True, kw_only=True):
    """One source of signals, whether it was found or not."""

    kind: Literal["camera", "microphone", "media", "transcripts"]
    """Kind of source."""
    name: str
    """Name of the source, without credentials."""
    found: bool
    """Whether the source was found."""
    why: str | None = None
    """Why the source was not found, or that it is turned off."""


class Info(Payload, frozen=True, kw_only=True):
    """Description of the device and its software; retained, and sent again at every connect."""

    schema: Literal["edge-emotion/info/1"] = "edge-emotion/info/1"
    device: str
    """Name of the device."""
    software: str
    """Version of Edge Emotion."""
    purpose: str
    """Why this device reads emotions, as declared by its owner."""
    started_at: Moment
    """Start time of the program."""
    platform: str
    """Operating system, machine architecture and Python version."""
    models: tuple[Model, ...]
    """The models in use."""
    sensors: tuple[Sensor, ...]
    """The sources of signals."""
    payloads: tuple[str, ...]
    """Names of the schemas that this device publishes."""


class Stage(Payload, frozen=True, kw_only=True):
    """Duration of one processing stage over its last runs, in milliseconds."""

    median_ms: Annotated[float, Meta(ge=0)]
    """Median duration."""
    p95_ms: Annotated[float, Meta(ge=0)]
    """95th percentile of the duration."""
    n: Count
    """Number of runs that the percentiles are computed from."""


class Memory(Payload, frozen=True, kw_only=True):
    """Resident memory of the process, in MB (10⁶ bytes)."""

    resident_mb: Annotated[float, Meta(ge=0)]
    """Resident memory now."""
    peak_mb: Annotated[float, Meta(ge=0)]
    """Largest resident memory since the start."""


class Health(Payload, frozen=True, kw_only=True):
    """Health of the process: throughput, latency, losses, temperature and memory."""

    schema: Literal["edge-emotion/health/1"] = "edge-emotion/health/1"
    measured_at: Moment
    """Time of the measurement."""
    uptime_s: Seconds
    """Time since the start of the program."""
    rates: dict[str, Annotated[float, Meta(ge=0)]]
    """Counter → events a second since the last report."""
    stages: dict[str, Stage]
    """Processing stage → its duration."""
    drops: dict[str, Count]
    """Counter → number of losses and failures since the start."""
    overruns: dict[str, Count]
    """Counter → number of times sound was lost since the start."""
    cpu_temperature_c: float | None
    """Temperature of the CPU in °C; None where it cannot be read."""
    memory: Memory | None
    """Memory of the process; None where it cannot be read."""
    missing: dict[str, str]
    """Sense → why it gives no observations."""


class Response(Payload, frozen=True, kw_only=True):
    """The result of a request to the device. For transcripts, only refusals are published."""

    schema: Literal["edge-emotion/response/1"] = "edge-emotion/response/1"
    verb: str
    """The kind of request, which is also the last level of the topic: `transcript`."""
    ok: bool
    """Whether the request was accepted."""
    error: str | None = None
    """Why the request was refused, in one line that never quotes the request."""


PAYLOADS: Final[dict[str, type[Payload]]] = {
    "info": Info,
    "state": State,
    "face": FaceObservation,
    "voice": VoiceObservation,
    "words": WordsObservation,
    "health": Health,
    "response": Response,
}
"""First topic level below the device → type of the payload published there."""

SCHEMAS: Final = tuple(f"edge-emotion/{kind}/1" for kind in PAYLOADS)
"""Names of all schemas, in the order of `PAYLOADS`."""

_OBSERVATIONS: Final[dict[Sense, type[_Observation]]] = {
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
    ages = estimate.ages
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
    )
    assert isinstance(payload, (FaceObservation, VoiceObservation, WordsObservation))
    return payload


def encode(payload: Payload) -> bytes:
    """Encodes a payload as UTF-8 JSON on one line, without a line break and with `schema` first. Equal payloads give
    equal bytes."""
    fields = {name: value for name, value in msgspec.structs.asdict(payload).items() if value is not UNSET}
    schema = fields.pop("schema", None)
    return msgspec.json.encode(fields if schema is None else {"schema": schema, **fields})


def _contribution(part: EstimateContribution) -> Contribution:
    return Contribution(
        weight=_round(part.weight),
        quality=_round(part.quality),
        age_ms=None if part.age is None else _milliseconds(part.age),
        label=None if part.posterior is None else _label(top(part.posterior)),
        probabilities=None if part.posterior is None else probabilities(part.posterior),
        missing=part.missing,
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
