"""The transport against a real mosquitto: inbound messages, take-overs, reconnects and messages that cannot be sent."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time

import pytest
from support.brokers import PATIENCE, Mosquitto, Reader, eventually

from edge.health import catalogue
from edge.health.registry import Registry
from edge.mqtt import backoff, failure_log
from edge.mqtt.backoff import Backoff
from edge.mqtt.connection import MOST_BYTES_IN, Connection
from edge.mqtt.message import Inbound, Message, Protocol

TOPIC = "robot/in"

both = pytest.mark.parametrize("protocol", ["3.1.1", "5"])


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first attempts follow each other quickly."""
    monkeypatch.setattr(backoff, "FIRST_S", 0.1)


@both
def test_a_retained_message_is_ignored_at_every_connect(mosquitto: Mosquitto, protocol: Protocol) -> None:
    registry, heard = Registry(), list[Inbound]()
    with Reader(mosquitto.address, "none") as writer:
        writer.publish(TOPIC, b"old", retain=True)
        connection = Connection(mosquitto.address, "device", protocol=protocol, retry_max=0.2, registry=registry)
        connection.on(TOPIC, heard.append, qos=1)
        connection.start()
        for time_round in (1, 2):
            eventually(lambda wanted=time_round: registry.count(catalogue.MQTT_RETAINED) == wanted, "it is counted")  # type: ignore[misc]
            writer.publish(TOPIC, f"new {time_round}".encode())
            eventually(lambda wanted=time_round: len(heard) == wanted, "the one said now is heard")  # type: ignore[misc]
            # The same client identifier: the broker closes the device's connection.
            takes_over(mosquitto)
        connection.close()
    assert [message.payload for message in heard] == [b"new 1", b"new 2"]
    assert not any(message.retained for message in heard)


def takes_over(mosquitto: Mosquitto) -> None:
    other = Connection(mosquitto.address, "device")
    other.start()
    other.require_first_connection(PATIENCE)
    other.close()


def test_a_topic_registered_later_is_subscribed_now_and_after_a_reconnect(mosquitto: Mosquitto) -> None:
    heard = list[Inbound]()
    connection = Connection(mosquitto.address, "device", retry_max=0.2)
    connection.start()
    connection.require_first_connection(PATIENCE)
    connection.on("some/+/thing", heard.append)
    for count in (1, 2):
        with Reader(mosquitto.address, "none") as writer:

            def said(writer: Reader = writer, count: int = count) -> bool:
                writer.publish("some/odd/thing", str(count))
                return any(message.payload == str(count).encode() for message in heard)

            eventually(said, "it is heard")
        mosquitto.stop()
        mosquitto.start()
    with pytest.raises(ValueError, match="a handler already"):
        connection.on("some/+/thing", heard.append)
    connection.close()


@both
def test_a_handler_that_raises_costs_its_message_only(mosquitto: Mosquitto, protocol: Protocol) -> None:
    registry, heard = Registry(), list[bytes]()

    def handler(message: Inbound) -> None:
        heard.append(message.payload)
        if message.payload == b"bad":
            raise OverflowError("date value out of range")

    connection = Connection(mosquitto.address, "device", protocol=protocol, registry=registry)
    connection.on(TOPIC, handler, qos=1)
    connection.start()
    connection.require_first_connection(PATIENCE)
    with Reader(mosquitto.address, "none") as writer:
        for payload in (b"bad", b"good", b"bad", b"good"):
            writer.publish(TOPIC, payload)
        eventually(lambda: len(heard) == 4, "all come in")
    assert registry.count(catalogue.MQTT_HANDLERS_FAILED) == 2
    assert connection.status().alive
    assert connection.status().connects == 1
    connection.close()


DEVICE = """
import sys, time, json
from edge.health import host
from edge.health import catalogue
from edge.health.registry import Registry
from edge.mqtt.address import parse
from edge.mqtt.connection import Connection
registry, heard = Registry(), []
connection = Connection(parse(sys.argv[1]), "device", protocol=sys.argv[2], registry=registry)
connection.on("robot/in", lambda message: heard.append(message.payload), qos=1)
connection.start()
connection.require_first_connection(30)
before = host.memory()[1]
print("ready", flush=True)
while not heard:
    time.sleep(0.05)
print(json.dumps({"grown_mb": host.memory()[1] - before, "heard": [m.decode() for m in heard],
    "oversized": registry.count(catalogue.MQTT_OVERSIZED), "connects": connection.status().connects}), flush=True)
connection.close()
"""


@both
def test_large_messages_do_not_fill_the_memory(mosquitto: Mosquitto, protocol: Protocol) -> None:
    device = subprocess.Popen(
        [sys.executable, "-c", DEVICE, mosquitto.url, protocol], stdout=subprocess.PIPE, text=True
    )
    assert device.stdout is not None
    assert device.stdout.readline() == "ready\n"
    with Reader(mosquitto.address, "none") as writer:
        writer.publish(TOPIC, b"x" * 50_000_000)
        # More than mosquitto sends without a receipt: each has to be acknowledged.
        for _ in range(30):
            writer.publish(TOPIC, b"x" * (MOST_BYTES_IN + 1))
        writer.publish(TOPIC, b"the end")
        said = json.loads(device.stdout.readline())
    device.wait(PATIENCE)
    device.stdout.close()
    assert said["heard"] == ["the end"]
    assert said["grown_mb"] < 20
    assert said["connects"] == 1
    # MQTT 5 announces the limit, so that the broker keeps them back.
    assert said["oversized"] == (31 if protocol == "3.1.1" else 0)


@both
def test_two_clients_of_one_name_wait_longer_and_longer(
    mosquitto: Mosquitto, protocol: Protocol, caplog: pytest.LogCaptureFixture
) -> None:
    counted = (Registry(), Registry())
    one, two = (Connection(mosquitto.address, "robot", protocol=protocol, registry=registry) for registry in counted)

    def takeovers() -> int:
        return sum(registry.count(catalogue.MQTT_TAKEOVERS) for registry in counted)

    one.start()
    one.require_first_connection(PATIENCE)
    two.start()
    eventually(lambda: takeovers() >= 6, "they throw each other out")
    connects = one.status().connects + two.status().connects
    started = time.monotonic()
    time.sleep(2.5)
    # At the pace of the beginning, some five a second each, it would be 25.
    assert one.status().connects + two.status().connects - connects < 12, time.monotonic() - started
    told = [record for record in caplog.records if "second device" in record.getMessage()]
    assert 1 <= len(told) <= 2
    assert all("'robot'" in record.getMessage() and "device.name" in record.getMessage() for record in told)
    two.close()
    eventually(lambda: one.status().connected, "alone, it comes back")
    one.close()


def test_the_backoff_resets_after_each_of_two_reconnects(
    mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(backoff, "HEALTHY_S", 0.3)
    monkeypatch.setattr(backoff, "SUSPICIOUS_S", 0.0)
    caplog.set_level(logging.INFO)
    connection = Connection(mosquitto.address, "device", retry_max=0.4)
    waits: list[float] = []

    class Recorded(Backoff):
        def wait(self) -> float:
            waits.append(super().wait())
            return waits[-1]

    connection._session._retry = Recorded(0.1, 0.4, jitter=0.0)
    connection.start()
    connection.require_first_connection(PATIENCE)
    for connects in (2, 3):
        time.sleep(0.4)
        waits.clear()
        mosquitto.kill()
        eventually(lambda: len(waits) >= 4, "it tries again and again")
        mosquitto.start()
        eventually(lambda wanted=connects: connection.status().connects == wanted, "it is back")  # type: ignore[misc]
        assert waits[:4] == [0.1, 0.2, 0.4, 0.4]
    connection.close()
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.INFO]
    # Each kind of failure is logged once, and that it ended.
    assert sum("connection lost" in text for text in said) == 1
    assert sum("connected to broker" in text for text in said) == 2


def test_after_a_stable_connection_a_failure_is_news_again(
    mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(backoff, "STABLE_S", 0.3)
    monkeypatch.setattr(failure_log, "STABLE_S", 0.3)
    connection = Connection(mosquitto.address, "device", retry_max=0.2)
    for _ in range(4):
        connection._session._takeover_wait.wait()
    connection.start()
    connection.require_first_connection(PATIENCE)
    for count in (1, 2):
        time.sleep(0.4)
        mosquitto.kill()
        eventually(lambda wanted=count: caplog.text.count("connection lost") == wanted, "the loss is logged")  # type: ignore[misc]
        assert connection._session._takeover_wait.wait() <= backoff.FIRST_S
        mosquitto.start()
        eventually(lambda: connection.status().connected, "it is back")
    connection.close()


def test_an_mqtt_5_broker_keeps_a_message_no_longer_than_its_deadline(mosquitto: Mosquitto) -> None:
    connection = Connection(mosquitto.address, "device", protocol="5")
    connection.start()
    connection.require_first_connection(PATIENCE)
    with Reader(mosquitto.address, v5=True) as reader:
        connection.publish(Message("a", b"", expiry=60.0, deadline=time.monotonic() + 10.0))
        connection.publish(Message("b", b"", expiry=60.0))
        connection.publish(Message("c", b"", deadline=time.monotonic() + 10.0))
        eventually(lambda: len(reader.messages) == 3, "all arrive")
        expiry = {message.topic: message.expiry for message in reader.messages}
    connection.close()
    assert expiry["a"] in (9, 10)
    assert expiry["b"] in (59, 60)
    assert expiry["c"] is None


@both
def test_a_message_that_cannot_be_sent_costs_itself_only(
    mosquitto: Mosquitto, protocol: Protocol, caplog: pytest.LogCaptureFixture
) -> None:
    registry = Registry()
    connection = Connection(mosquitto.address, "device", protocol=protocol, registry=registry)
    connection.start()
    connection.require_first_connection(PATIENCE)
    with Reader(mosquitto.address) as reader:
        for topic in ("a/#", "a/#", "a/b"):
            for qos in (0, 1):
                connection.publish(Message(topic, f"{qos}".encode(), qos=1 if qos else 0))
        reader.expect("a/b", b"0")
        reader.expect("a/b", b"1")
    assert registry.count(catalogue.MQTT_MESSAGES_FAILED) == 4
    assert len([record for record in caplog.records if "cannot be sent" in record.getMessage()]) == 1
    assert connection.status().connects == 1
    connection.close()


def test_the_transport_does_not_interpret_payloads() -> None:
    code = "import sys, edge.mqtt.connection, edge.mqtt.embedded; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {name for name in loaded if name.startswith("edge.")} <= {
        *("edge.child", "edge.errors", "edge.health", "edge.health.catalogue", "edge.health.registry", "edge.mqtt"),
        *(name for name in loaded if name.startswith("edge.mqtt.")),
    }


def test_messages_flushed_before_the_end_are_sent(mosquitto: Mosquitto) -> None:
    connection = Connection(mosquitto.address, "device")
    connection.start()
    connection.require_first_connection(PATIENCE)
    with Reader(mosquitto.address) as reader:
        for i in range(20):
            connection.publish(Message("a/b", str(i).encode() * 500))
        assert connection.close(Message("bye", b"", qos=1))
        reader.expect("bye")
        assert len(reader.payloads("a/b")) == 20
    assert not connection.close(Message("bye", b"", qos=1))
