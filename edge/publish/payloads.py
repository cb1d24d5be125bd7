"""The JSON payloads of the MQTT contract, as types. Each names its schema, whose number grows when fields change."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from edge.detail import Detail, FaceDetail, KeywordDetail, VoiceDetail, WordsDetail

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
SenseName: TypeAlias = Literal["face", "voice", "words"]
Label: TypeAlias = Literal["anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"]


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


class Attribution(Payload, frozen=True, kw_only=True):
    """Whose voice or words an observation is."""

    kind: Literal["person", "off_screen", "unknown", "unavailable"]
    """`person`: the person whom `person` names. `off_screen`: somebody out of sight. `unknown`: not decided yet.
    `unavailable`: cannot be found out, such as without a camera."""
    confidence: Probability
    """Probability that this answer is right."""


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
    baseline: Share
    """Strength with which the person's own neutral state corrects the sense; 0 while little is known of it, and where
    baselines are off."""
    attribution: Attribution | None
    """Whose voice or words the newest evidence is; None for the face, and where nobody tried to find out."""


class Contributions(Payload, frozen=True, kw_only=True):
    """One contribution for each sense; the weights add up to 1, or to 0 without evidence."""

    face: Contribution
    voice: Contribution
    words: Contribution


class Conflict(Payload, frozen=True, kw_only=True):
    """The two senses that contradict each other most, as a smile with an angry voice does."""

    amount: Share
    """0 if they say the same, towards 1 if what they say excludes each other."""
    between: tuple[SenseName, SenseName]
    """The two senses."""


class OtherPerson(Payload, frozen=True, kw_only=True):
    """A person whom the device remembers and does not attend to."""

    person: Annotated[int, Meta(ge=1, description="track id")]
    """Track id of the person."""
    label: Label
    """Label of that person's estimate."""
    confidence: Probability
    """Probability of `label`."""


class State(Payload, frozen=True, kw_only=True):
    """The fused emotion of the person that the device attends to, or of the scene."""

    schema: Literal["edge-emotion/state/2"] = "edge-emotion/state/2"
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
    second: Label | None
    """A second emotion that is likely beside `label`; None where one dominates."""
    conflict: Conflict | None
    """How far the senses contradict each other; None with evidence of fewer than two."""
    since: Moment | None
    """Time at which `label` became the label of this person; None if it is unknown."""
    without_baseline: Probabilities | None
    """Posterior as it would be without the person's baselines; None where no baseline corrects a sense."""
    others: tuple[OtherPerson, ...]
    """The other persons whom the device remembers, in the order of their ids."""
    media_time: MediaTime | UnsetType = UNSET
    """`captured_at` as media time; only in replay."""


DetailValue: TypeAlias = str | int | float | bool | tuple[float, ...] | None
"""A value in `detail`."""


class SenseObservation(Payload, frozen=True, kw_only=True):
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


class FaceObservation(SenseObservation, frozen=True, kw_only=True):
    """One face in one frame."""

    schema: Literal["edge-emotion/face/1"] = "edge-emotion/face/1"
    detail: Annotated[dict[str, DetailValue], _detail_schema(FaceDetail)]


class VoiceObservation(SenseObservation, frozen=True, kw_only=True):
    """One speech segment; `captured_at` is its end."""

    schema: Literal["edge-emotion/voice/2"] = "edge-emotion/voice/2"
    detail: Annotated[dict[str, DetailValue], _detail_schema(VoiceDetail)]
    attribution: Attribution | None
    """Whose voice it is; None where nobody tried to find out."""


class WordsObservation(SenseObservation, frozen=True, kw_only=True):
    """One transcript or spotted keyword."""

    schema: Literal["edge-emotion/words/2"] = "edge-emotion/words/2"
    detail: Annotated[dict[str, DetailValue], _detail_schema(WordsDetail, KeywordDetail)]
    attribution: Attribution | None
    """Whose words they are; None where nobody tried to find out."""


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
    """The kind of request, which is also the last level of the topic: `transcript` or `speaker`."""
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


def schema_of(payload: type[Payload]) -> str:
    """Name of the schema of a payload type, such as `edge-emotion/state/2`."""
    return str(next(field.default for field in msgspec.structs.fields(payload) if field.name == "schema"))


SCHEMAS: Final = tuple(map(schema_of, PAYLOADS.values()))
"""Names of all schemas, in the order of `PAYLOADS`."""
