"""Messages of the outbox on disk reach a real broker: none is lost over its restarts and over kills of the sender."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from support.brokers import PATIENCE, Mosquitto, Reader, eventually

from edge.health import catalogue
from edge.health.registry import Registry
from edge.mqtt import backoff, durable
from edge.mqtt.connection import Connection
from edge.mqtt.durable import DurableOutbox
from edge.mqtt.message import Message, Protocol

TOPIC = "robot/event"


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "FIRST_S", 0.1)


@pytest.fixture
def keeping(tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker that keeps the sessions of its readers over a restart."""
    broker = Mosquitto(tmp_path, settings=("persistence true", f"persistence_location {tmp_path}/"))
    yield broker.start()
    broker.stop()


class LastingReader:
    """A subscriber whose session the broker keeps while it is away."""

    def __init__(self, broker: Mosquitto) -> None:
        self.payloads: list[str] = []
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="lasting", clean_session=False)
        self._client.reconnect_delay_set(1, 1)
        subscribed: list[bool] = []
        self._client.on_connect = lambda client, *_: client.subscribe(TOPIC, 1)
        self._client.on_subscribe = lambda *_: subscribed.append(True)
        self._client.on_message = lambda _c, _d, message: self.payloads.append(message.payload.decode())
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()
        eventually(lambda: subscribed, "the reader has subscribed")

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def connect(broker: Mosquitto, outbox: DurableOutbox, registry: Registry, protocol: Protocol = "3.1.1") -> Connection:
    connection = Connection(
        broker.address,
        "device",
        protocol=protocol,
        retry_max=0.2,
        durable=outbox,
        as_historical=lambda payload: b"historical " + payload,
        registry=registry,
    )
    connection.start()
    return connection


@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
def test_acknowledged_messages_leave_the_outbox_and_arrive_once(
    mosquitto: Mosquitto, tmp_path: Path, protocol: Protocol
) -> None:
    registry = Registry()
    outbox = DurableOutbox(tmp_path / "outbox.db", registry)
    with Reader(mosquitto.address) as reader:
        connection = connect(mosquitto, outbox, registry, protocol)
        connection.require_first_connection(PATIENCE)
        for i in range(35):
            assert connection.publish_durably(TOPIC, str(i).encode())
        eventually(lambda: len(outbox) == 0, "all are acknowledged")
        connection.close(Message("robot/end", b"end", qos=1))
        reader.expect("robot/end")
    assert [int(payload) for payload in reader.payloads(TOPIC)] == list(range(35))
    assert all(message.qos == 1 and not message.retain for message in reader.messages if message.topic == TOPIC)


def test_what_was_put_before_the_broker_came_arrives_as_historical(
    mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable, "FRESH_S", 0.3)
    registry = Registry()
    outbox = DurableOutbox(tmp_path / "outbox.db", registry)
    mosquitto.stop()
    connection = connect(mosquitto, outbox, registry)
    assert connection.publish_durably(TOPIC, b"early")
    time.sleep(0.35)
    mosquitto.start()
    # The reader may come after the message, so the outbox says that the broker has received it.
    eventually(lambda: len(outbox) == 0, "it is acknowledged")
    with Reader(mosquitto.address) as reader:
        connection.publish_durably(TOPIC, b"now")
        assert reader.expect(TOPIC) == b"now"
    connection.close()


def test_none_is_lost_and_none_changes_its_order_over_restarts_of_the_broker(
    keeping: Mosquitto, tmp_path: Path
) -> None:
    rng = random.Random(5)
    registry = Registry()
    outbox = DurableOutbox(tmp_path / "outbox.db", registry)
    reader = LastingReader(keeping)
    connection = connect(keeping, outbox, registry)
    connection.require_first_connection(PATIENCE)
    sent = 0
    for _ in range(3):
        for _ in range(rng.randint(15, 30)):
            connection.publish_durably(TOPIC, str(sent).encode())
            sent += 1
        keeping.stop()
        for _ in range(3):
            connection.publish_durably(TOPIC, str(sent).encode())
            sent += 1
        keeping.start()
    numbers: Callable[[], list[int]] = lambda: [int(text.split()[-1]) for text in reader.payloads]  # noqa: E731
    eventually(lambda: set(numbers()) == set(range(sent)), "all have arrived")
    eventually(lambda: len(outbox) == 0, "all are acknowledged")
    first_seen = list(dict.fromkeys(numbers()))
    assert first_seen == list(range(sent))
    assert registry.count(catalogue.MQTT_OUTBOX_LOST) == 0
    connection.close()
    reader.close()


SENDER = """
import sys
from pathlib import Path
from edge.health.registry import Registry
from edge.mqtt.address import Address
from edge.mqtt.connection import Connection
from edge.mqtt.durable import DurableOutbox

outbox = DurableOutbox(Path(sys.argv[1]), Registry())
connection = Connection(Address("127.0.0.1", int(sys.argv[2])), "device", durable=outbox,
                        as_historical=lambda payload: payload + b" historical")
connection.start()
for i in range(int(sys.argv[3]), 1_000_000):
    connection.publish_durably("robot/event", str(i).encode())
    print(i, flush=True)
"""


def test_none_is_lost_when_the_sender_is_killed_at_any_moment(mosquitto: Mosquitto, tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    counts = [25, 3, 60]
    with Reader(mosquitto.address) as reader:
        begin = 0
        for count in counts:
            sender = subprocess.Popen(
                [sys.executable, "-c", SENDER, str(path), str(mosquitto.port), str(begin)],
                stdout=subprocess.PIPE,
                text=True,
            )
            assert sender.stdout is not None
            for _ in range(count):
                sender.stdout.readline()
            sender.send_signal(signal.SIGKILL)
            begin += count + len(sender.stdout.read().splitlines())
            sender.wait()
        registry = Registry()
        outbox = DurableOutbox(path, registry)
        connection = connect(mosquitto, outbox, registry)
        eventually(lambda: len(outbox) == 0, "what was left is sent")
        connection.close(Message("robot/end", b"end", qos=1))
        reader.expect("robot/end")
        arrived = {int(text.decode().removeprefix("historical ").split()[0]) for text in reader.payloads(TOPIC)}
    assert arrived >= set(range(begin))


def test_a_refused_message_stays_and_is_sent_after_the_next_connect(tmp_path: Path) -> None:
    """MQTT 5 tells that an access list refuses a message; the list may be corrected later."""
    rules = tmp_path / "rules"
    rules.write_text("topic write robot/availability\n")
    broker = Mosquitto(tmp_path, settings=(f"acl_file {rules}",))
    rules.chmod(0o644)
    broker.start()
    registry = Registry()
    outbox = DurableOutbox(tmp_path / "outbox.db", registry)
    connection = connect(broker, outbox, registry, "5")
    connection.require_first_connection(PATIENCE)
    connection.publish_durably(TOPIC, b"a")
    eventually(lambda: registry.count(catalogue.MQTT_MESSAGES_FAILED) == 1, "the refusal is counted")
    error = connection.status().last_error
    assert error is not None
    assert "access rules" in error
    assert len(outbox) == 1
    broker.stop()
    rules.write_text("topic readwrite #\n")
    broker.start()
    eventually(lambda: len(outbox) == 0, "it is accepted in the end")
    connection.close()
    broker.stop()


def test_a_connection_without_an_outbox_refuses_durable_messages(mosquitto: Mosquitto) -> None:
    connection = Connection(mosquitto.address, "device")
    with pytest.raises(ValueError, match="no durable outbox"):
        connection.publish_durably(TOPIC, b"a")
