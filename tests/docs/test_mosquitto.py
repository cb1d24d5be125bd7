"""The mosquitto configuration and access rules that ship: a real broker runs with them."""

from __future__ import annotations

import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from support.brokers import MOSQUITTO, PATIENCE, eventually, free_port
from support.running_command import CLIP, end, running

from edge.publish.topics import Topics

SHIPPED = Path(__file__).parents[2] / "systemd" / "mosquitto"
DEVICE = Topics("emotion", "robot")
OTHER = Topics("emotion", "other")

needs_mosquitto = pytest.mark.skipif(
    MOSQUITTO is None or shutil.which("mosquitto_passwd") is None, reason="mosquitto is not installed"
)
pytestmark = needs_mosquitto

USERS = ("robot", "recogniser", "dashboard", "auditor")
"""Each user's password is its name. The auditor is the test's own and sees everything."""


class Broker:
    """mosquitto with the shipped files; only paths and ports are replaced by free ones."""

    def __init__(self, folder: Path, *enabled: str) -> None:
        """`enabled`: settings whose comment sign is removed."""
        self._enabled = enabled
        self.port, self.tls_port = free_port(), free_port()
        self.folder = folder
        self.certificate = folder / "certificate.pem"
        self.log = folder / "mosquitto.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        assert MOSQUITTO is not None
        access, passwords, key = (self.folder / name for name in ("rules.acl", "passwords", "key.pem"))
        rules = (SHIPPED / "edge-emotion.acl").read_text("utf-8")
        access.write_text(f"{rules}\nuser auditor\ntopic readwrite #\n", "utf-8")
        passwords.touch()
        for user in USERS:
            subprocess.run(["mosquitto_passwd", "-b", str(passwords), user, user], check=True)
        subprocess.run(
            f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost "
            f"-addext subjectAltName=DNS:localhost -keyout {key} -out {self.certificate}".split(),
            check=True,
            capture_output=True,
        )
        text = (SHIPPED / "edge-emotion.conf").read_text("utf-8")
        for old, new in (
            ("/etc/mosquitto/edge-emotion.acl", str(access)),
            ("/etc/mosquitto/edge-emotion.passwords", str(passwords)),
            ("listener 1883 127.0.0.1", f"listener {self.port} 127.0.0.1"),
            ("#listener 8883", f"listener {self.tls_port} 127.0.0.1"),
            ("#certfile /etc/mosquitto/certs/server.crt", f"certfile {self.certificate}"),
            ("#keyfile /etc/mosquitto/certs/server.key", f"keyfile {key}"),
            ("#tls_version", "tls_version"),
            ("#max_connections", "max_connections"),
            *((f"#{setting}", setting) for setting in self._enabled),
        ):
            assert old in text, f"edge-emotion.conf no longer has the line {old!r}"
            text = text.replace(old, new)
        configuration = self.folder / "mosquitto.conf"
        configuration.write_text(f"{text}\nuser root\nlog_dest stderr\n", "utf-8")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen([MOSQUITTO, "-c", str(configuration)], stderr=log)
        eventually(lambda: "running" in self.log.read_text() or self._ended(), "mosquitto runs")
        return self

    def _ended(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"mosquitto refuses the shipped files: {self.log.read_text()[-500:]}"
        return False

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE)


class Client:
    """One client. It uses MQTT 5, in which the broker reports whether it accepted a message, unless `v5` is False."""

    def __init__(self, broker: Broker, user: str | None, *, tls: bool = False, v5: bool = True, name: str = "") -> None:
        self.received: list[tuple[str, bytes]] = []
        self._answers: dict[int, ReasonCode] = {}
        self._changed = threading.Condition()
        self._connected: ReasonCode | None = None
        self._client = paho.Client(CallbackAPIVersion.VERSION2, name, protocol=paho.MQTTv5 if v5 else paho.MQTTv311)
        if user is not None:
            self._client.username_pw_set(user, user)
        if tls:
            self._client.tls_set(str(broker.certificate))
        self._client.on_connect = self._on_connect
        self._client.on_publish = self._on_publish
        self._client.on_disconnect = self._on_disconnect
        self.disconnected = False
        self._client.on_message = lambda _client, _data, message: self.received.append(
            (message.topic, bytes(message.payload))
        )
        self._client.connect("localhost" if tls else "127.0.0.1", broker.tls_port if tls else broker.port)
        self._client.loop_start()
        with self._changed:
            assert self._changed.wait_for(lambda: self._connected is not None, PATIENCE)

    @property
    def accepted(self) -> bool:
        """Whether the broker let this client in."""
        return self._connected is not None and not self._connected.is_failure

    def publish(self, topic: str, payload: bytes = b"{}", *, retain: bool = False) -> bool:
        """Publishes with QoS 1. True where the broker took the message, False where it may not be published."""
        with self._changed:
            number = self._client.publish(topic, payload, 1, retain).mid
            assert self._changed.wait_for(lambda: number in self._answers, PATIENCE)
            return not self._answers[number].is_failure

    def send(self, topic: str, payload: bytes) -> None:
        """Publishes without waiting for an answer."""
        self._client.publish(topic, payload)

    def subscribe(self, filter: str) -> None:
        """Returns when the broker has answered. Mosquitto accepts every subscription and filters its messages."""
        done = threading.Event()
        self._client.on_subscribe = lambda *_: done.set()
        self._client.subscribe(filter, 1)
        assert done.wait(PATIENCE)

    def topics(self) -> set[str]:
        return {topic for topic, _ in self.received}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(
        self, _client: paho.Client, _data: object, _flags: object, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        with self._changed:
            self._connected = reason
            self._changed.notify_all()

    def _on_disconnect(self, *_: object) -> None:
        self.disconnected = True

    def _on_publish(
        self, _client: paho.Client, _data: object, number: int, reason: ReasonCode, _properties: Properties
    ) -> None:
        with self._changed:
            self._answers[number] = reason
            self._changed.notify_all()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    started = Broker(tmp_path_factory.mktemp("mosquitto")).start()
    yield started
    started.stop()


def published(topics: Topics) -> tuple[str, ...]:
    """Every topic that a device publishes."""
    senses = (topics.face, topics.voice, topics.words)
    return (
        topics.availability,
        topics.info,
        topics.state,
        *senses,
        topics.health,
        topics.response("transcript"),
        topics.response("speaker"),
    )


def test_the_real_device_publishes_everything_and_takes_a_transcript(broker: Broker, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("robot")
    (tmp_path / "password").chmod(0o600)
    configuration = tmp_path / "config.toml"
    configuration.write_text(
        '[device]\nname = "robot"\n'
        f'[mqtt]\nbroker = "mqtt://127.0.0.1:{broker.port}"\nusername = "robot"\n'
        f'password_file = "{tmp_path / "password"}"\n[health]\ninterval_s = 0.5\n'
    )
    with Client(broker, "auditor") as auditor, Client(broker, "recogniser") as recogniser:
        auditor.subscribe("emotion/#")
        recogniser.subscribe("emotion/#")
        with running("--config", configuration, *CLIP, "--quiet") as process:

            def heard(topics: set[str]) -> bool:
                assert process.poll() is None, process.communicate()[1].decode()
                return topics <= auditor.topics()

            eventually(lambda: heard({DEVICE.state}), "a state")
            # A number is refused as a text, and the refusal is published on response/transcript.
            assert recogniser.publish(DEVICE.transcript, b'{"text": 3}')
            assert recogniser.publish(DEVICE.speaker_request, b"{}")
            eventually(lambda: heard(set(published(DEVICE))), "every topic of the device")
            end(process, signal.SIGTERM)
        eventually(lambda: (DEVICE.availability, b"stopped") in auditor.received, "the device says that it stopped")
        assert recogniser.topics() == {DEVICE.response("transcript"), DEVICE.response("speaker")}


@pytest.mark.parametrize("topic", published(DEVICE))
def test_the_device_may_publish_each_of_its_topics(broker: Broker, topic: str) -> None:
    with Client(broker, "robot") as robot:
        assert robot.publish(topic)


def test_the_device_may_publish_nothing_else(broker: Broker) -> None:
    elsewhere = (
        *published(OTHER),
        DEVICE.transcript,
        "emotion/robot",
        "emotion/robot/request/pause",
        "homeassistant/x",
    )
    with Client(broker, "robot") as robot:
        assert [topic for topic in elsewhere if robot.publish(topic)] == []


def test_the_device_reads_only_its_transcripts_and_speakers(broker: Broker) -> None:
    with Client(broker, "robot") as robot, Client(broker, "auditor") as auditor:
        robot.subscribe("#")
        foreign = (OTHER.state, OTHER.transcript, OTHER.speaker_request, "emotion/robot/request/pause")
        for topic in (*foreign, DEVICE.speaker_request, DEVICE.transcript):
            assert auditor.publish(topic)
        eventually(lambda: DEVICE.transcript in robot.topics(), "the transcript reaches the device")
        assert robot.topics() == {DEVICE.transcript, DEVICE.speaker_request}


@pytest.mark.parametrize("user", ["dashboard", "recogniser"])
def test_no_other_client_may_publish_on_a_devices_topics(broker: Broker, user: str) -> None:
    with Client(broker, user) as client, Client(broker, "auditor") as auditor:
        auditor.subscribe("emotion/#")
        forged = [client.publish(topic, b"forged", retain=True) for topic in (*published(DEVICE), *published(OTHER))]
        assert not any(forged)
        # The broker handles one client's messages in order, so a forged one would have come before this.
        assert auditor.publish("emotion/end")
        eventually(lambda: "emotion/end" in auditor.topics(), "the auditor's own message")
        assert b"forged" not in {payload for _, payload in auditor.received}


def test_a_reader_may_not_send_transcripts_and_the_recogniser_may(broker: Broker) -> None:
    with Client(broker, "dashboard") as dashboard, Client(broker, "recogniser") as recogniser:
        assert not dashboard.publish(DEVICE.transcript, b"I am happy")
        assert recogniser.publish(DEVICE.transcript, b"I am happy")
        assert not recogniser.publish(OTHER.transcript, b"I am happy")
        assert not dashboard.publish(DEVICE.speaker_request, b"{}")
        assert recogniser.publish(DEVICE.speaker_request, b"{}")
        assert not recogniser.publish(OTHER.speaker_request, b"{}")
        assert not recogniser.publish("emotion/robot/request/pause", b"{}")


def test_a_reader_sees_emotions_but_no_transcripts(broker: Broker) -> None:
    with Client(broker, "dashboard") as dashboard, Client(broker, "auditor") as auditor:
        dashboard.subscribe("#")
        for topic in ("elsewhere/x", DEVICE.transcript, DEVICE.speaker_request, *published(DEVICE), *published(OTHER)):
            assert auditor.publish(topic)
        allowed = {*published(DEVICE), *published(OTHER)}
        eventually(lambda: dashboard.topics() >= allowed, "every message that a reader may see reaches the dashboard")
        assert not dashboard.topics() & {DEVICE.transcript, DEVICE.speaker_request, "elsewhere/x"}


@pytest.mark.parametrize(("enabled", "thrown_off"), [((), True), (("use_username_as_clientid",), False)])
def test_one_setting_keeps_other_users_from_taking_the_devices_session(
    tmp_path: Path, enabled: tuple[str, ...], thrown_off: bool
) -> None:
    broker = Broker(tmp_path, *enabled).start()
    try:
        with Client(broker, "robot", name="x") as robot, Client(broker, "dashboard", name="x") as other:
            assert other.accepted
            if thrown_off:
                eventually(lambda: robot.disconnected, "the broker throws the first client off")
            else:
                assert robot.publish(DEVICE.state)
                assert not robot.disconnected
    finally:
        broker.stop()


@pytest.mark.parametrize("user", [None, "stranger"])
def test_connecting_without_a_known_password_is_refused(broker: Broker, user: str | None) -> None:
    with Client(broker, user) as client:
        assert not client.accepted


def test_the_tls_listener_works_once_its_lines_are_enabled(broker: Broker) -> None:
    with Client(broker, "robot", tls=True) as robot:
        assert robot.accepted
        assert robot.publish(DEVICE.state)


def test_a_payload_above_the_limit_is_not_handed_on(broker: Broker) -> None:
    # MQTT 3.1.1: the broker confirms the message that it drops. paho 2.1 cannot read MQTT 5's refusal of its size.
    with Client(broker, "recogniser", v5=False) as recogniser, Client(broker, "auditor") as auditor:
        auditor.subscribe(DEVICE.transcript)
        recogniser.publish(DEVICE.transcript, b"x" * 65_537)
        recogniser.publish(DEVICE.transcript, b"y" * 65_536)
        eventually(lambda: auditor.received, "the payload at the limit")
        assert {len(payload) for _, payload in auditor.received} == {65_536}


def test_a_client_that_sends_far_too_much_is_cut_off(broker: Broker) -> None:
    with Client(broker, "recogniser") as recogniser, Client(broker, "auditor") as auditor:
        auditor.subscribe(DEVICE.transcript)
        recogniser.send(DEVICE.transcript, b"x" * 1_000_000)
        eventually(lambda: recogniser.disconnected, "the broker closes the connection")
        assert auditor.publish(DEVICE.transcript, b"end")
        eventually(lambda: auditor.received, "the auditor's own message")
        assert {payload for _, payload in auditor.received} == {b"end"}
