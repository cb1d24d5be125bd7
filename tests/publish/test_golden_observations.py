"""The bytes of observations on the wire, against lines that were written before and checked by eye."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from edge.clock import REPLAY
from edge.detail import FaceDetail, KeywordDetail, VoiceDetail, WordsDetail
from edge.observation import Attribution, Observation
from edge.publish.encoding import encode, observation_payload

GOLDEN = Path(__file__).with_name("golden") / "observations.jsonl"
LINES = GOLDEN.read_text("utf-8").splitlines()

POSTERIOR = (0.05, 0.05, 0.1, 0.4, 0.2, 0.1, 0.1)

FACE = FaceDetail(
    box=(10.0, 20.5, 40.123456, 40.0),
    attended=True,
    detector="blazeface",
    size=0.912,
    sharpness=1.0,
    light=0.5,
    detection=0.987,
    frontal=0.25,
)
LANDMARKS = {
    "yaw": -12.3,
    "pitch": 4.0,
    "roll": -0.0,
    "eyes_open": 0.312,
    "mouth_open": 0.0,
    "blinks": 3,
    "blinks_per_minute": 14.5,
}
UNVOICED = VoiceDetail(
    duration_s=0.64,
    level_dbfs=float("-inf"),
    snr_db=-1.5,
    speech=0.75,
    pitch_hz=None,
    pitch_range_semitones=None,
    syllables_per_second=None,
)
VOICED = VoiceDetail(
    duration_s=1.92,
    level_dbfs=-23.4,
    snr_db=31.0,
    speech=0.991,
    pitch_hz=187.6,
    pitch_range_semitones=4.1,
    syllables_per_second=5.2,
)
WORDS = WordsDetail(tokens=3, length=0.6, coverage=0.667, confidence=1.0)


def face(**changes: object) -> FaceDetail:
    return msgspec.structs.replace(FACE, **changes)


OBSERVATIONS = [
    Observation("face", 1.0, POSTERIOR, 0.81234567, person=3, detail=FACE),
    Observation("face", 1.25, POSTERIOR, 0.8, person=3, detail=face(attended=False, **LANDMARKS)),
    Observation(
        "face",
        1.5,
        POSTERIOR,
        0.8,
        person=4,
        detail=face(box=(-3, 0, 12, 12), **{**LANDMARKS, "blinks_per_minute": None}),
    ),
    Observation("voice", 2.5, POSTERIOR, 0.3, final=False, detail=UNVOICED),
    Observation("voice", 3.5, POSTERIOR, 0.3, person=3, detail=VOICED, attribution=Attribution("person", 3, 0.98765)),
    Observation("words", 4.0, POSTERIOR, 0.7, detail=WORDS),
    Observation("words", 5.0, POSTERIOR, 0.4, detail=KeywordDetail(keyword="help me", intent="help")),
    Observation("words", 6.0, POSTERIOR, 0.4, detail=KeywordDetail(keyword="wonderful")),
    Observation("words", 7.0, POSTERIOR, 0.0),
]


@pytest.mark.parametrize(("observation", "line"), list(zip(OBSERVATIONS, LINES, strict=True)))
def test_an_observation_is_the_same_bytes_as_ever(observation: Observation, line: str) -> None:
    payload = observation_payload(observation, REPLAY, media_time=observation.captured_at)
    assert encode(payload).decode() == line


@pytest.mark.parametrize("detail", [FACE, VOICED, WORDS, KeywordDetail(keyword="help me")])
def test_a_detail_cannot_be_changed(detail: msgspec.Struct) -> None:
    with pytest.raises(AttributeError):
        setattr(detail, detail.__struct_fields__[0], None)
