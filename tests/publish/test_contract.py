"""How each topic goes out: its quality of service, and whether the broker keeps it."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import pytest
from support.brokers import PATIENCE, Mosquitto, Reader, eventually
from support.payload_samples import estimate, info, observations, state

from edge.health import catalogue
from edge.health.registry import Registry
from edge.mqtt.address import Address
from edge.mqtt.message import Message, Protocol
from edge.publish.client import FACE_VALID_S, UTTERANCE_VALID_S, Publisher
from edge.publish.output import MqttOutput
from edge.publish.payloads import Response
from edge.publish.topics import Topics

TOPICS = Topics("emotion", "robot")

TABLE = {
    "availability": (1, True),
    "info": (1, True),
    "state": (0, True),
    "face": (0, False),
    "voice": (0, False),
    "words": (0, False),
    "health": (0, True),
    "response/transcript": (1, False),
}
"""Topic below the device → (QoS, retained)."""


@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
def test_each_topic_has_its_quality_of_service_and_is_kept_or_not(mosquitto: Mosquitto, protocol: Protocol) -> None:
    registry = Registry()
    with (
        Reader(mosquitto.address) as reader,
        Publisher(mosquitto.address, TOPICS, info=info(), protocol=protocol, registry=registry) as publisher,
    ):
        publisher.require_first_connection(PATIENCE)
        output = MqttOutput(publisher, registry, valid_for=60.0, health_interval=1.0)
        output.estimated(estimate(at=time.monotonic()))
        for observation in observations():
            output.observed(observation)
        output.tick(time.monotonic() + 2.0, {})
        publisher.publish_response(Response(verb="transcript", ok=False, error="no"))
        eventually(lambda: len({m.topic for m in reader.messages}) == len(TABLE), "each topic is seen")
        seen = {message.topic.removeprefix("emotion/robot/"): message.qos for message in reader.messages}
        with Reader(mosquitto.address) as late:
            late.publish("marker", b"after all that was kept")
            late.expect("marker")
            kept = {m.topic.removeprefix("emotion/robot/") for m in late.messages if m.retain}
    assert {name: (qos, name in kept) for name, qos in seen.items()} == TABLE


def test_queued_messages_are_replaced_or_dropped_by_topic(monkeypatch: pytest.MonkeyPatch) -> None:
    publisher = Publisher(Address("127.0.0.1", 1883), TOPICS)
    sent: list[Message] = []
    monkeypatch.setattr(publisher._connection, "publish", sent.append)
    output = MqttOutput(publisher, Registry(), valid_for=3.0, health_interval=1.0)
    now = time.monotonic()
    output.estimated(estimate(at=now - 1.0))
    for observation in observations():
        output.observed(observation)
    output.tick(now + 2.0, {})
    publisher.publish_response(Response(verb="transcript", ok=False, error="no"))
    seen = {
        message.topic.removeprefix("emotion/robot/"): (
            message.replaceable,
            None if message.deadline is None else round(message.deadline - now),
        )
        for message in sent
    }
    assert seen == {
        # Counted from the moment that the state is about.
        "state": (True, 2),
        "face": (True, round(FACE_VALID_S)),
        "voice": (False, round(UTTERANCE_VALID_S)),
        "words": (False, round(UTTERANCE_VALID_S)),
        "health": (True, None),
        "response/transcript": (False, None),
    }


def test_rates_in_health_are_those_since_the_last_report(mosquitto: Mosquitto) -> None:
    registry = Registry()
    with Reader(mosquitto.address) as reader, Publisher(mosquitto.address, TOPICS, registry=registry) as publisher:
        publisher.require_first_connection(PATIENCE)
        registry.increment(catalogue.CAMERA_FRAMES, 1000)
        output = MqttOutput(publisher, registry, valid_for=1.0, health_interval=10.0)
        start = time.monotonic()
        reports: list[dict[str, Any]] = []
        for count, (frames, seconds) in enumerate([(100, 10), (50, 20), (0, 30)], start=1):
            registry.increment(catalogue.CAMERA_FRAMES, frames)
            output.tick(start + seconds - 5.0, {})
            output.tick(start + seconds + 1.0, {})
            eventually(lambda wanted=count: len(reader.payloads(TOPICS.health)) == wanted, "one report each")  # type: ignore[misc]
            reports.append(json.loads(reader.payloads(TOPICS.health)[-1]))
    rates = [report["rates"]["camera.frames"] for report in reports]
    assert rates == [pytest.approx(100 / 11, abs=0.1), pytest.approx(5.0, abs=0.1), 0.0]
    assert [report["uptime_s"] for report in reports] == [pytest.approx(x, abs=0.5) for x in (11, 21, 31)]


def test_health_shows_the_events_of_the_connection(mosquitto: Mosquitto) -> None:
    registry = Registry()
    with Reader(mosquitto.address) as reader, Publisher(mosquitto.address, TOPICS, registry=registry) as publisher:
        publisher.require_first_connection(PATIENCE)
        output = MqttOutput(publisher, registry, valid_for=1.0, health_interval=1.0)
        output.tick(time.monotonic() + 2.0, {})
        drops = json.loads(reader.expect(TOPICS.health))["drops"]
    assert {name: count for name, count in drops.items() if name.startswith("mqtt.")} == {
        "mqtt.dropped": 0,
        "mqtt.expired_dropped": 0,
        "mqtt.handlers_failed": 0,
        "mqtt.messages_failed": 0,
        "mqtt.oversized_dropped": 0,
        "mqtt.replaced_dropped": 0,
        "mqtt.retained_dropped": 0,
        "mqtt.takeover_interruptions": 0,
    }


def test_a_payload_that_cannot_be_encoded_costs_one_message(
    mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    registry = Registry()
    with Reader(mosquitto.address) as reader, Publisher(mosquitto.address, TOPICS, registry=registry) as publisher:
        publisher.require_first_connection(PATIENCE)
        output = MqttOutput(publisher, registry, valid_for=60.0, health_interval=1.0)
        for _ in range(2):
            # No moment that a calendar holds.
            output.estimated(estimate(at=1e18))
            output.observed(replace(observations()[0], captured_at=1e18))
        assert registry.count(catalogue.MQTT_MESSAGES_FAILED) == 4
        assert not publisher.publish_response(Response(verb="transcript", ok=False, error="\ud800"))
        assert registry.count(catalogue.MQTT_MESSAGES_FAILED) == 5
        monkeypatch.setattr("edge.publish.output.metrics.collect", lambda **_: 1 / 0)
        for seconds in (2.0, 4.0):
            output.tick(time.monotonic() + seconds, {})
        assert registry.count(catalogue.MQTT_MESSAGES_FAILED) == 7
        assert publisher.publish_state(state(), valid_for=60.0)
        reader.expect(TOPICS.state)
    assert len([record for record in caplog.records if "only counted" in record.getMessage()]) == 4
