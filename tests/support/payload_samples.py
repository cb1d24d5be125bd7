"""Estimates and payloads as the device makes them, for tests of the published messages."""

from __future__ import annotations

from edge.clock import Clock
from edge.detail import FaceDetail, KeywordDetail, VoiceDetail
from edge.emotions import LABELS, UNIFORM, top, valence_arousal
from edge.observation import Attribution, Contribution, Estimate, Observation, OtherPerson
from edge.publish.encoding import state_payload
from edge.publish.payloads import PAYLOADS, SCHEMAS, Info, Model, Sensor, State

assert set(PAYLOADS) == {"info", "state", "face", "voice", "words", "health", "response"}


def posterior(label: str, confidence: float) -> tuple[float, ...]:
    rest = (1.0 - confidence) / (len(LABELS) - 1)
    return tuple(confidence if name == label else rest for name in LABELS)


def estimate(label: str = "happiness", confidence: float = 0.7, at: float = 12.5) -> Estimate:
    """Of face and voice; the words are missing."""
    of_all = posterior(label, confidence)
    valence, arousal = valence_arousal(of_all)
    return Estimate(
        captured_at=at,
        label=top(of_all),
        posterior=of_all,
        valence=valence,
        arousal=arousal,
        contributions=(
            Contribution("face", 0.75, 0.9, 0.05, posterior(label, confidence), baseline=0.25),
            Contribution(
                "voice", 0.25, 0.6, 1.25, posterior("neutral", 0.5), attribution=Attribution("person", 3, 0.875)
            ),
            Contribution("words", 0.0, 0.0, None, None, "no words"),
        ),
        person=3,
        second="surprise",
        conflict=0.51234,
        conflict_between=("face", "voice"),
        without_baseline=posterior("sadness", 0.4),
        since=max(0.0, at - 2.0),
        others=(OtherPerson(1, "anger", 0.61), OtherPerson(8, "neutral", 0.33333)),
    )


def blind_estimate(at: float = 12.5) -> Estimate:
    """Without any evidence."""
    return Estimate(
        captured_at=at,
        label="neutral",
        posterior=UNIFORM,
        valence=0.0,
        arousal=0.0,
        contributions=(
            Contribution("face", 0.0, 0.0, None, None, "no face"),
            Contribution("voice", 0.0, 0.0, None, None, "silence"),
            Contribution("words", 0.0, 0.0, None, None, "no words"),
        ),
    )


def observations() -> list[Observation]:
    """One of each sense: a face without landmarks, a voice whose pitch is infinite, a keyword without an intent."""
    face = FaceDetail(
        box=(10.0, 20.5, 40.123456, 40.0),
        attended=True,
        detector="haar",
        size=0.9,
        sharpness=0.12345,
        light=1.0,
        detection=0.5,
        frontal=0.75,
    )
    voice = VoiceDetail(
        duration_s=0.64,
        level_dbfs=-20.0,
        snr_db=-0.0,
        speech=0.75,
        pitch_hz=float("inf"),
        pitch_range_semitones=None,
        syllables_per_second=None,
    )
    return [
        Observation("face", 1.0, posterior("anger", 0.4), 0.8, person=3, detail=face),
        Observation(
            "voice", 2.5, posterior("fear", 0.5), 0.3, final=False, detail=voice, attribution=Attribution("off_screen")
        ),
        Observation("words", 3.0, posterior("sadness", 0.9), 1.0, detail=KeywordDetail(keyword="help me")),
    ]


def state(label: str = "happiness", confidence: float = 0.7, clock: Clock | None = None, at: float = 12.5) -> State:
    return state_payload(estimate(label, confidence, at), clock or Clock(), valid_for=1.0)


def info(purpose: str = "a test") -> Info:
    return Info(
        device="robot",
        software="0.1.0",
        purpose=purpose,
        started_at="2026-01-31T12:00:00.000Z",
        platform="Linux aarch64",
        models=(Model(task="face", name="small", version="1", file="small.tflite", sha256="0" * 64),),
        sensors=(Sensor(kind="camera", name="camera /dev/video0", found=False, why="no such device"),),
        payloads=SCHEMAS,
    )
