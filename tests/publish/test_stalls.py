"""A broker that freezes and a link that hardly carries anything: what arrives is new, and what is old is not sent."""

from __future__ import annotations

import json
import time

from support.brokers import PATIENCE, Mosquitto, Reader, Received, eventually
from support.payload_samples import estimate
from support.slow_link import SlowLink

from edge.clock import Clock, parse_rfc3339
from edge.health import catalogue
from edge.health.registry import Registry
from edge.publish.client import Publisher
from edge.publish.encoding import state_payload
from edge.publish.output import MqttOutput
from edge.publish.payloads import State
from edge.publish.topics import Topics

TOPICS = Topics("emotion", "robot")
STATE = TOPICS.state
VALID_S = 1.0

TOLERANCE_S = 0.5
"""For the way from the broker to the reader on a busy machine."""


def estimating(output: MqttOutput, seconds: float) -> None:
    """Ten estimates a second, as the live loop makes them."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        output.estimated(estimate(at=time.monotonic()))
        output.tick(time.monotonic(), {})
        time.sleep(0.1)


def late_by(message: Received) -> float:
    """Seconds after its `valid_until` at which a state arrived."""
    return message.at - parse_rfc3339(json.loads(message.payload)["valid_until"])


def states(reader: Reader) -> list[Received]:
    return [message for message in reader.messages if message.topic == STATE]


def test_a_frozen_broker_gets_no_old_state_when_it_wakes(mosquitto: Mosquitto) -> None:
    registry = Registry()
    with (
        Publisher(mosquitto.address, TOPICS, registry=registry) as publisher,
        Reader(mosquitto.address) as reader,
    ):
        publisher.require_first_connection(PATIENCE)
        output = MqttOutput(publisher, registry, valid_for=VALID_S, health_interval=1.0)
        for freeze in (1, 2):
            estimating(output, 0.5)
            before = len(states(reader))
            replaced = registry.count(catalogue.MQTT_REPLACED)
            mosquitto.freeze()
            estimating(output, 2.5)
            mosquitto.thaw()
            thawed_at = time.time()
            estimating(output, 0.5)
            after = states(reader)[before:]
            # One state may have been in transit when the broker froze and cannot be recalled.
            assert sum(late_by(message) > TOLERANCE_S for message in after) <= 1
            fresh = [message for message in after if late_by(message) <= 0]
            assert fresh, f"after freeze {freeze} a fresh state arrives"
            assert fresh[0].at - thawed_at < 5.0
            assert registry.count(catalogue.MQTT_REPLACED) >= replaced + 10
        assert publisher.status().connects == 1


def test_estimates_that_stopped_are_not_sent_when_the_broker_wakes(mosquitto: Mosquitto) -> None:
    registry = Registry()
    with (
        Publisher(mosquitto.address, TOPICS, registry=registry) as publisher,
        Reader(mosquitto.address) as reader,
    ):
        publisher.require_first_connection(PATIENCE)
        output = MqttOutput(publisher, registry, valid_for=VALID_S, health_interval=1e9)
        mosquitto.freeze()
        estimating(output, 0.5)
        time.sleep(VALID_S + 0.5)
        mosquitto.thaw()
        eventually(lambda: registry.count(catalogue.MQTT_EXPIRED) == 1, "the waiting state is dropped")
        # A state that was past its deadline before it came is not even taken.
        assert not publisher.publish_state(state_now(), valid_for=1.0, deadline=time.monotonic() - 0.01)
        assert registry.count(catalogue.MQTT_EXPIRED) == 2
        assert publisher.publish_state(state_now(), valid_for=60.0)
        eventually(lambda: len(states(reader)) >= 2, "the next one arrives")
        assert sum(late_by(message) > TOLERANCE_S for message in states(reader)[:-1]) <= 1


def state_now() -> State:
    return state_payload(estimate(at=time.monotonic()), Clock.live(), valid_for=VALID_S)


def test_a_broker_that_stays_silent_is_left_and_found_again(mosquitto: Mosquitto) -> None:
    with Publisher(mosquitto.address, TOPICS, keepalive=1, retry_max=0.5) as publisher:
        publisher.require_first_connection(PATIENCE)
        for connects in (2, 3):
            mosquitto.freeze()
            publisher.publish_state(state_now(), valid_for=60.0)
            eventually(lambda: not publisher.status().connected, "the silence is noticed")
            mosquitto.thaw()
            eventually(lambda wanted=connects: publisher.status().connects >= wanted, "the connection is made again")  # type: ignore[misc]
            eventually(lambda: publisher.status().connected, "it stands")


def test_a_slow_link_gets_the_newest(mosquitto: Mosquitto) -> None:
    registry = Registry()
    valid_for = 2.0
    with (
        SlowLink(mosquitto.address, 2000) as link,
        Reader(mosquitto.address) as reader,
        Publisher(link.address, TOPICS, registry=registry) as publisher,
    ):
        publisher.require_first_connection(PATIENCE)
        output = MqttOutput(publisher, registry, valid_for=valid_for, health_interval=2.0)
        estimating(output, 6.0)
        arrived = states(reader)
        assert len(arrived) >= 3
        # A batch of 2 kB needs a second on this link, and one may be under way when a state is handed over.
        assert max(late_by(message) for message in arrived) < 1.5
        assert registry.count(catalogue.MQTT_REPLACED) > 20
        assert publisher.status().connects == 1
        assert reader.payloads(TOPICS.health), "health gets its turn, too"
