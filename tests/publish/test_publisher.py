"""The publisher against real brokers: mosquitto and the embedded one."""

from __future__ import annotations

import json
import logging
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.brokers import MOSQUITTO, PATIENCE, Mosquitto, Reader, eventually, free_port
from support.payload_samples import info, observations, state

from edge.clock import Clock
from edge.errors import BrokerError
from edge.health import catalogue
from edge.health.registry import Registry
from edge.mqtt import backoff
from edge.mqtt.address import Address, parse
from edge.mqtt.embedded import EmbeddedBroker
from edge.mqtt.message import Inbound, Protocol
from edge.mqtt.tls import TlsFiles
from edge.publish.client import Publisher
from edge.publish.encoding import encode, observation_payload
from edge.publish.topics import TRANSCRIPT, Topics

TOPICS = Topics("emotion", "robot")

needs_mosquitto = pytest.mark.skipif(MOSQUITTO is None, reason="no mosquitto here (apt-get install mosquitto)")


@pytest.fixture(params=["mosquitto 3.1.1", "mosquitto 5", "embedded 3.1.1", "embedded 5"])
def broker(request: pytest.FixtureRequest) -> Iterator[tuple[Address, Protocol]]:
    """Each broker with each version of the protocol."""
    name, protocol = request.param.split()
    if name == "mosquitto":
        yield request.getfixturevalue("mosquitto").address, protocol
    else:
        pytest.importorskip("iotcore", reason="the extra `broker` is not installed")
        with EmbeddedBroker(protocol=protocol) as embedded:
            yield embedded.address, protocol


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first attempts follow each other quickly."""
    monkeypatch.setattr(backoff, "FIRST_S", 0.2)


def test_all_topics_are_published(broker: tuple[Address, Protocol]) -> None:
    address, protocol = broker
    with (
        Reader(address, v5=protocol == "5") as reader,
        Publisher(address, TOPICS, info=info(), protocol=protocol) as publisher,
    ):
        publisher.require_first_connection(PATIENCE)
        assert reader.expect("emotion/robot/availability") == b"online"
        assert json.loads(reader.expect("emotion/robot/info"))["device"] == "robot"
        assert publisher.publish_state(state(), valid_for=2.0)
        assert reader.expect("emotion/robot/state") == encode(state())
        for observation in observations():
            payload = observation_payload(observation, Clock())
            assert publisher.publish_observation(observation.sense, payload)
            assert reader.expect(f"emotion/robot/{observation.sense}") == encode(payload)
        assert publisher.close()
        reader.expect("emotion/robot/availability", b"stopped")
        # Clean: the last will stays unspoken.
        assert b"offline" not in reader.payloads("emotion/robot/availability")


def test_retained_messages_reach_a_late_reader(broker: tuple[Address, Protocol]) -> None:
    address, protocol = broker
    with Publisher(address, TOPICS, info=info(), protocol=protocol) as publisher:
        publisher.require_first_connection(PATIENCE)
        publisher.publish_state(state(), valid_for=60.0)
        publisher.publish_observation("face", observation_payload(observations()[0], Clock()))
        publisher.close()
    with Reader(address, v5=protocol == "5") as late:
        late.expect("emotion/robot/info")
        late.expect("emotion/robot/state")
        late.expect("emotion/robot/availability", b"stopped")
        assert late.payloads("emotion/robot/face") == []
        assert all(message.retain for message in late.messages)


def test_transcripts_come_in(broker: tuple[Address, Protocol]) -> None:
    address, protocol = broker
    heard: list[Inbound] = []
    publisher = Publisher(address, TOPICS, protocol=protocol)
    publisher.on(TRANSCRIPT, heard.append)
    with Reader(address, v5=protocol == "5") as writer, publisher:
        # Whoever sees `online` is heard.
        writer.expect("emotion/robot/availability", b"online")
        before = time.monotonic()
        writer.publish("emotion/robot/words/transcript", "ich freue mich")
        eventually(lambda: heard, "the transcript")
    assert [(message.topic, message.payload) for message in heard] == [
        ("emotion/robot/words/transcript", b"ich freue mich")
    ]
    assert not heard[0].retained
    assert before <= heard[0].received_at <= time.monotonic()


DEVICE = """
import sys, time
from edge.mqtt.address import parse
from edge.publish.client import Publisher
from edge.publish.topics import Topics
publisher = Publisher(parse(sys.argv[1]), Topics("emotion", "robot"), protocol=sys.argv[2]).start()
publisher.require_first_connection(30)
print("ready", flush=True)
time.sleep(600)
"""


def test_last_will_of_a_killed_process(broker: tuple[Address, Protocol]) -> None:
    address, protocol = broker
    with Reader(address, v5=protocol == "5") as reader:
        device = subprocess.Popen(
            [sys.executable, "-c", DEVICE, str(address), protocol], stdout=subprocess.PIPE, text=True
        )
        assert device.stdout is not None
        assert device.stdout.readline() == "ready\n"
        reader.expect("emotion/robot/availability", b"online")
        device.kill()
        device.wait()
        device.stdout.close()
        reader.expect("emotion/robot/availability", b"offline")
    with Reader(address, v5=protocol == "5") as late:
        assert late.expect("emotion/robot/availability") == b"offline"


def test_a_restarted_device_is_online_in_the_end(broker: tuple[Address, Protocol]) -> None:
    # The dead session still stands when the new one comes: its will must not overwrite the new `online`.
    address, protocol = broker
    device = subprocess.Popen([sys.executable, "-c", DEVICE, str(address), protocol], stdout=subprocess.PIPE, text=True)
    assert device.stdout is not None
    assert device.stdout.readline() == "ready\n"
    device.send_signal(signal.SIGSTOP)
    try:
        with (
            Reader(address, v5=protocol == "5") as reader,
            Publisher(address, TOPICS, protocol=protocol) as publisher,
        ):
            publisher.require_first_connection(PATIENCE)
            eventually(
                lambda: [m.payload for m in reader.messages if not m.retain][-2:] == [b"offline", b"online"],
                "the old session's will, then the new one's online",
            )
    finally:
        device.kill()
        device.wait()
        device.stdout.close()


@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
def test_retained_topics_are_published_again_after_a_reconnect(mosquitto: Mosquitto, protocol: Protocol) -> None:
    with Publisher(mosquitto.address, TOPICS, info=info(), protocol=protocol) as publisher:
        publisher.require_first_connection(PATIENCE)
        mosquitto.kill()
        eventually(lambda: not publisher.status().connected, "noticing that the broker has gone")
        # It forgot everything it had retained.
        mosquitto.start()
        with Reader(mosquitto.address) as reader:
            reader.expect("emotion/robot/availability", b"online")
            reader.expect("emotion/robot/info")
        assert publisher.status().connects == 2


def test_after_a_reconnect_only_new_states_are_published(mosquitto: Mosquitto) -> None:
    registry = Registry()
    with Publisher(mosquitto.address, TOPICS, registry=registry) as publisher:
        publisher.require_first_connection(PATIENCE)
        mosquitto.kill()
        eventually(lambda: not publisher.status().connected, "noticing that the broker has gone")
        for _ in range(500):
            assert not publisher.publish_state(state("anger"), valid_for=1.0)
        assert publisher.status().dropped == 500
        assert registry.count(catalogue.MQTT_DROPPED) == 500
        mosquitto.start()
        eventually(lambda: publisher.status().connected, "the reconnect")
        with Reader(mosquitto.address) as reader:
            assert publisher.publish_state(state("happiness"), valid_for=1.0)
            assert reader.expect("emotion/robot/state") == encode(state("happiness"))
            assert len(reader.payloads("emotion/robot/state")) == 1


def test_a_stalled_network_holds_nobody_up_and_piles_nothing_up(mosquitto: Mosquitto) -> None:
    with Publisher(mosquitto.address, TOPICS, keepalive=3600) as publisher:
        publisher.require_first_connection(PATIENCE)
        mosquitto.freeze()
        try:
            # More than all socket buffers take, at about 1 kB each.
            for _ in range(20_000):
                publisher.publish_state(state(), valid_for=60.0)
            assert publisher.status().dropped > 19_990
            assert len(publisher._connection._state._outbox) == 1
        finally:
            mosquitto.thaw()
        eventually(lambda: publisher.publish_state(state(), valid_for=1.0), "publishing again")


def test_mqtt_5_lets_a_state_expire(mosquitto: Mosquitto) -> None:
    with Publisher(mosquitto.address, TOPICS, protocol="5") as publisher:
        publisher.require_first_connection(PATIENCE)
        with Reader(mosquitto.address, "emotion/+/state", v5=True) as reader:
            publisher.publish_state(state(), valid_for=1.5)
            reader.expect("emotion/robot/state")
            assert reader.messages[0].expiry in (1, 2)

        def forgotten() -> bool:
            with Reader(mosquitto.address, "emotion/robot/#", v5=True) as late:
                late.expect("emotion/robot/availability")
                return not late.payloads("emotion/robot/state")

        eventually(forgotten, "the broker forgetting the state")


def test_an_unreachable_broker_is_reported_once_and_used_when_it_appears(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    address = Address("127.0.0.1", free_port())
    caplog.set_level(logging.INFO)
    with Publisher(address, TOPICS) as publisher:
        with pytest.raises(BrokerError, match=rf"broker mqtt://127.0.0.1:{address.port}: nothing listens there"):
            publisher.require_first_connection(0.5)
        eventually(lambda: publisher.status().failures >= 2, "a second attempt")
        assert not publisher.status().connected
        assert "nothing listens" in (publisher.status().last_error or "")
        assert len(caplog.records) == 1
        if MOSQUITTO is None:
            return
        mosquitto = Mosquitto(tmp_path)
        mosquitto.port = address.port
        text = (tmp_path / "mosquitto.conf").read_text().split("\n", 1)[1]
        (tmp_path / "mosquitto.conf").write_text(f"listener {address.port} 127.0.0.1\n{text}")
        mosquitto.start()
        try:
            eventually(lambda: publisher.status().connected, "connecting at last")
            assert publisher.status().last_error is None
            assert [record.getMessage() for record in caplog.records][1:] == [f"connected to broker {address}"]
        finally:
            mosquitto.stop()


@needs_mosquitto
@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
def test_wrong_password(tmp_path: Path, protocol: Protocol, caplog: pytest.LogCaptureFixture) -> None:
    mosquitto = Mosquitto(tmp_path, passwords={"robot": "right:/@%"}).start()
    try:
        wrong = parse(f"mqtt://robot:wrong@127.0.0.1:{mosquitto.port}")
        with (
            Publisher(wrong, TOPICS, protocol=protocol) as publisher,
            pytest.raises(
                BrokerError, match=r"refuses user 'robot'.*check mqtt.username and mqtt.password_file"
            ) as error,
        ):
            # Far longer than the test may take, because a hopeless wait must end at once.
            publisher.require_first_connection(3600)
        assert "wrong" not in str(error.value)
        nobody = parse(f"mqtt://127.0.0.1:{mosquitto.port}")
        with Publisher(nobody, TOPICS, protocol=protocol) as publisher:
            with pytest.raises(BrokerError, match="refuses an anonymous client"):
                publisher.require_first_connection(3600)
            eventually(lambda: publisher.status().failures >= 3, "more attempts")
        assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 2
        (tmp_path / "password").write_text("right:/@%\n")
        for right in (
            parse(f"mqtt://robot:right%3A%2F%40%25@127.0.0.1:{mosquitto.port}"),
            parse(mosquitto.url, username="robot", password_file=tmp_path / "password"),
        ):
            with Publisher(right, TOPICS, protocol=protocol) as publisher:
                publisher.require_first_connection(PATIENCE)
    finally:
        mosquitto.stop()


@needs_mosquitto
def test_tls(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here to make a certificate")
    make = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost "
        f"-addext subjectAltName=DNS:localhost -keyout {tmp_path}/key.pem -out {tmp_path}/ca.pem"
    )
    subprocess.run(make.split(), check=True, capture_output=True)
    settings = (f"certfile {tmp_path}/ca.pem", f"keyfile {tmp_path}/key.pem")
    mosquitto = Mosquitto(tmp_path, settings=settings).start()
    try:
        secure = parse(f"mqtts://localhost:{mosquitto.port}")
        with Publisher(secure, TOPICS, tls=TlsFiles(tmp_path / "ca.pem")) as publisher:
            publisher.require_first_connection(PATIENCE)
        with (
            Publisher(secure, TOPICS) as publisher,
            pytest.raises(BrokerError, match=r"certificate is not trusted .*set mqtt.ca_file"),
        ):
            publisher.require_first_connection(3600)
        plain = parse(f"mqtt://localhost:{mosquitto.port}")
        with Publisher(plain, TOPICS) as publisher, pytest.raises(BrokerError, match="does it want TLS"):
            publisher.require_first_connection(3.0)
    finally:
        mosquitto.stop()


def test_tls_to_a_broker_without(mosquitto: Mosquitto) -> None:
    address = parse(f"mqtts://127.0.0.1:{mosquitto.port}")
    with Publisher(address, TOPICS) as publisher, pytest.raises(BrokerError, match=r"mqtts://127\.0\.0\.1"):
        publisher.require_first_connection(3.0)


@pytest.mark.parametrize(("name", "content", "what"), [("gone", None, "No such file"), ("odd", "x", "no certificate")])
def test_useless_ca_file(tmp_path: Path, name: str, content: str | None, what: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    with pytest.raises(BrokerError, match=rf"mqtt\.ca_file .*{name}.*{what}"):
        Publisher(parse("mqtts://localhost"), TOPICS, tls=TlsFiles(path))


def test_a_port_that_speaks_something_else() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:
                    return
                peer.recv(1024)
                peer.close()

        threading.Thread(target=answer, daemon=True).start()
        address = Address("127.0.0.1", server.getsockname()[1])
        with Publisher(address, TOPICS) as publisher, pytest.raises(BrokerError, match="is it an MQTT broker"):
            publisher.require_first_connection(3.0)


def test_unknown_host() -> None:
    with (
        Publisher(parse("mqtt://no-such-host.invalid"), TOPICS) as publisher,
        pytest.raises(BrokerError, match=r"broker mqtt://no-such-host.invalid:1883: (no host of that name|no answer)"),
    ):
        publisher.require_first_connection(5.0)


def test_close_is_harmless_anywhere(mosquitto: Mosquitto) -> None:
    publisher = Publisher(mosquitto.address, TOPICS)
    assert not publisher.close()
    publisher = Publisher(mosquitto.address, TOPICS).start()
    publisher.require_first_connection(PATIENCE)
    assert publisher.close()
    assert not publisher.close()
    assert not publisher.status().alive
    assert not publisher.publish_state(state(), valid_for=1.0)


def test_a_reconnect_publishes_the_changed_info(mosquitto: Mosquitto) -> None:
    with Publisher(mosquitto.address, TOPICS, info=info("old")) as publisher:
        publisher.require_first_connection(PATIENCE)
        assert publisher.publish_info(info("new"))
        mosquitto.stop()
        mosquitto.start()
        with Reader(mosquitto.address) as reader:
            # The broker may have kept the old one over its restart.
            eventually(
                lambda: any(json.loads(seen)["purpose"] == "new" for seen in reader.payloads("emotion/robot/info")),
                "the new one is published at the reconnect",
            )


def test_what_belongs_at_the_beginning_is_sent_even_if_close_comes_meanwhile(mosquitto: Mosquitto) -> None:
    """`close` is called by another thread just while `online` and `info` are being published."""
    publisher = Publisher(mosquitto.address, TOPICS, info=info())
    greet = publisher._connection._session._on_connected
    assert greet is not None
    closer = threading.Thread(target=publisher.close)

    def slow_greeting() -> None:
        closer.start()
        eventually(lambda: publisher._connection._state.closing, "close was called")
        greet()

    publisher._connection._session._on_connected = slow_greeting
    publisher.start()
    eventually(lambda: closer.ident is not None, "close was called")
    closer.join(PATIENCE)
    with Reader(mosquitto.address) as late:
        late.expect("emotion/robot/info")
        late.expect("emotion/robot/availability", b"stopped")
