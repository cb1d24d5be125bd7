from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import msgspec
import pytest
from support.payload_samples import blind_estimate, estimate, info, observations, posterior, state

from edge.clock import REPLAY, Clock
from edge.emotions import LABELS
from edge.health import catalogue
from edge.health.registry import Registry
from edge.observation import Observation
from edge.publish import schema
from edge.publish.encoding import encode, observation_payload, probabilities, state_payload
from edge.publish.health import collect
from edge.publish.payloads import PAYLOADS, SCHEMAS, Payload, Probabilities, Response, State, schema_of


def health() -> Payload:
    registry = Registry()
    registry.increment(catalogue.CAMERA_FRAMES, 30)
    registry.increment(catalogue.CAMERA_FRAMES_SKIPPED, 2)
    registry.increment(catalogue.MICROPHONE_OVERRUNS)
    registry.set(catalogue.UPTIME, 5.0)
    for duration in (1.0, 2.0, 3.0):
        registry.observe(catalogue.DETECT, duration)
    return collect(
        registry.snapshot(),
        before={},
        seconds=2.0,
        measured_at=Clock.live().rfc3339(5.0),
        missing={"words": "off"},
    )


def payloads() -> Iterator[tuple[str, Payload]]:
    clock = Clock.live()
    yield "info", info()
    yield "state", state(clock=clock)
    yield "state", state_payload(blind_estimate(), clock, valid_for=1.0)
    yield "state", state_payload(estimate(), REPLAY, valid_for=1.0, media_time=12.5)
    for observation in observations():
        yield observation.sense, observation_payload(observation, clock)
        yield observation.sense, observation_payload(observation, REPLAY, media_time=observation.captured_at)
    yield "health", health()
    yield "response", Response(verb="transcript", ok=False, error="an empty transcript")


@pytest.mark.parametrize(("kind", "payload"), list(payloads()))
def test_payloads_keep_their_schema(kind: str, payload: Payload) -> None:
    message = json.loads(encode(payload))
    published = json.loads((schema.FOLDER / f"{kind}.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(published)
    validator = jsonschema.Draft202012Validator(published)
    validator.validate(message)
    assert next(iter(message)) == "schema"
    assert message["schema"] == published["properties"]["schema"]["const"] == schema_of(PAYLOADS[kind])
    assert msgspec.json.decode(encode(payload), type=PAYLOADS[kind]) == payload
    # A schema that takes anything would be none.
    for broken in ({**message, "schema": "edge-emotion/other/1"}, {k: v for k, v in message.items() if k != "schema"}):
        assert not validator.is_valid(broken)


def test_the_schemas_in_the_package_are_current() -> None:
    assert schema.stale() == []
    assert {path.stem for path in schema.FOLDER.glob("*.json")} == set(PAYLOADS)


def test_the_schema_command_finds_and_mends_a_stale_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = subprocess.run([sys.executable, "-m", "edge.publish.schema"], capture_output=True, text=True, check=True)
    assert done.stdout + done.stderr == ""
    monkeypatch.setattr(schema, "FOLDER", tmp_path / "schemas")
    assert schema.main([]) == 1
    assert schema.main(["--write"]) == 0
    assert schema.main([]) == 0


def test_state() -> None:
    message = json.loads(encode(state_payload(estimate(), REPLAY, valid_for=1.5, media_time=12.5)))
    assert message["label"] == "happiness"
    assert message["confidence"] == message["probabilities"]["happiness"] == 0.7
    assert message["captured_at"] == "1970-01-01T00:00:12.500Z"
    assert message["valid_until"] == "1970-01-01T00:00:14.000Z"
    assert message["age_ms"] == {"newest": 50, "oldest": 1250}
    assert message["media_time"] == 12.5
    assert message["person"] == 3
    assert message["contributions"]["voice"]["label"] == "neutral"
    assert message["contributions"]["voice"]["weight"] == 0.25
    assert message["contributions"]["voice"]["attribution"] == {"kind": "person", "confidence": 0.875}
    assert message["contributions"]["face"]["baseline"] == 0.25
    assert message["second"] == "surprise"
    assert message["conflict"] == {"amount": 0.5123, "between": ["face", "voice"]}
    assert message["since"] == "1970-01-01T00:00:10.500Z"
    assert message["without_baseline"]["sadness"] == 0.4
    assert message["others"] == [
        {"person": 1, "label": "anger", "confidence": 0.61},
        {"person": 8, "label": "neutral", "confidence": 0.3333},
    ]
    assert message["contributions"]["words"] == {
        "weight": 0.0,
        "quality": 0.0,
        "age_ms": None,
        "label": None,
        "probabilities": None,
        "missing": "no words",
        "baseline": 0.0,
        "attribution": None,
    }


def test_a_state_without_evidence_is_marked() -> None:
    message = json.loads(encode(state_payload(blind_estimate(), Clock.live(), valid_for=1.0)))
    assert message["age_ms"] is None
    assert "media_time" not in message
    assert {part["missing"] for part in message["contributions"].values()} == {"no face", "silence", "no words"}
    assert [message[name] for name in ("second", "conflict", "since", "without_baseline")] == [None] * 4
    assert message["others"] == []


def test_probabilities_are_the_labels_in_their_order() -> None:
    assert Probabilities.__struct_fields__ == LABELS
    assert msgspec.structs.astuple(probabilities([0.12346, 0.1, 0.1, 0.1, 0.1, 0.1, 0.37654])) == (
        0.1235, 0.1, 0.1, 0.1, 0.1, 0.1, 0.3765,
    )  # fmt: skip


def test_details_are_rounded_and_finite() -> None:
    face, voice, words = (json.loads(encode(observation_payload(each, REPLAY))) for each in observations())
    assert face["detail"]["box"] == [10.0, 20.5, 40.1235, 40.0]
    assert face["detail"]["sharpness"] == 0.1235
    assert "yaw" not in face["detail"]
    assert voice["detail"]["pitch_hz"] is None
    assert str(voice["detail"]["snr_db"]) == "0.0"
    assert voice["final"] is False
    assert words["detail"] == {"keyword": "help me"}
    assert (voice["attribution"], words["attribution"]) == ({"kind": "off_screen", "confidence": 0.0}, None)
    assert "attribution" not in face
    with pytest.raises(ValueError, match="finite"):
        Observation("face", 0.0, (math.nan,) * 7, 0.5)


def test_the_same_estimate_is_the_same_bytes() -> None:
    one, two = (encode(state_payload(estimate(), REPLAY, valid_for=1.0, media_time=12.5)) for _ in range(2))
    assert one == two
    assert b"\n" not in one


def test_an_unknown_label_never_goes_out() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(encode(state()).replace(b'"label":"happiness"', b'"label":"joy"', 1), type=State)


def test_payload_names_are_those_of_the_topics() -> None:
    versions = {"info": 1, "state": 2, "face": 1, "voice": 2, "words": 2, "health": 1, "response": 1}
    assert tuple(f"edge-emotion/{kind}/{version}" for kind, version in versions.items()) == SCHEMAS
    assert sum(posterior("anger", 0.4)) == pytest.approx(1.0)


def every_payload_type(base: type[Payload] = Payload) -> Iterator[type[Payload]]:
    for kind in base.__subclasses__():
        yield kind
        yield from every_payload_type(kind)


def test_every_payload_is_frozen_and_takes_keywords_only() -> None:
    found = list(every_payload_type())
    assert set(PAYLOADS.values()) < set(found)
    assert {kind.__name__ for kind in found if not kind.__struct_config__.frozen} == set()
    with pytest.raises(TypeError, match="positional"):
        Response("transcript", False)  # type: ignore[call-arg, arg-type, misc]


def test_health_is_rounded_to_what_can_be_read() -> None:
    registry = Registry()
    registry.set(catalogue.UPTIME, 12.3456)
    registry.increment(catalogue.CAMERA_FRAMES, 10)
    for milliseconds in (1.23456, 2.34567):
        registry.observe(catalogue.DETECT, milliseconds)
    report = collect(registry.snapshot(), before={}, seconds=3.0, measured_at="2026-01-31T12:00:00.000Z", missing={})
    assert report.uptime_s == 12.3
    assert report.rates == {"camera.frames": 3.33}
    spent = report.stages[catalogue.DETECT.name]
    assert (spent.median_ms, spent.p95_ms, spent.n) == (1.79, 2.29, 2)
    assert (report.memory, report.cpu_temperature_c) == (None, None)


def test_media_time_is_rounded_to_a_millisecond() -> None:
    seen = observation_payload(observations()[0], REPLAY, media_time=1.23456)
    assert seen.media_time == 1.235
    assert state_payload(estimate(), REPLAY, valid_for=2.0, media_time=1.23456).media_time == 1.235


@pytest.mark.parametrize("argv", [[], ["--write"]])
def test_the_schema_command_in_this_process(
    argv: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without --write every missing file is named and the exit code is 1; with it they are made, each once."""
    folder = tmp_path / "schemas"
    monkeypatch.setattr(schema, "FOLDER", folder)
    assert schema.main(argv) == (0 if argv else 1)
    said = capsys.readouterr()
    lines = (said.out if argv else said.err).splitlines()
    assert len(lines) == len(PAYLOADS)
    assert all(f"{kind}.json" in line for kind, line in zip(PAYLOADS, lines, strict=True))
    assert sorted(path.stem for path in folder.glob("*.json")) == (sorted(PAYLOADS) if argv else [])
    assert schema.main(argv) == (0 if argv else 1)
    assert capsys.readouterr().out == ""
    if argv:
        (folder / "state.json").write_text("{}", "utf-8")
        assert schema.stale() == ["state"]
        assert schema.main(argv) == 0
        assert schema.stale() == []
