"""Real brokers for tests, and a plain reader of their messages."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from edge.mqtt.address import Address

# Debian puts the daemon where only root looks.
MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/sbin")

PATIENCE = 30.0
"""Seconds after which a test gives up; nothing is ever measured against it."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(condition: Callable[[], object], what: str) -> None:
    """Waits until `condition()` holds; fails the test with `what` when it never does."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.02)


class Mosquitto:
    """Debian's mosquitto on a free port; `stop`, `kill` and `start` keep the port."""

    def __init__(
        self, folder: Path, *, passwords: Mapping[str, str] | None = None, settings: tuple[str, ...] = ()
    ) -> None:
        """`passwords`: user → password, none else may connect; `settings`: more lines for the configuration."""
        self.port = free_port()
        self._log = folder / "mosquitto.log"
        self._configuration = folder / "mosquitto.conf"
        self._process: subprocess.Popen[bytes] | None = None
        lines = [f"listener {self.port} 127.0.0.1", f"allow_anonymous {'false' if passwords else 'true'}", *settings]
        if passwords:
            file = folder / "passwords"
            file.touch()
            for user, word in passwords.items():
                subprocess.run(["mosquitto_passwd", "-b", str(file), user, word], check=True)
            # mosquitto started by root drops its rights before it reads this.
            file.chmod(0o644)
            folder.chmod(0o755)
            lines.append(f"password_file {file}")
        self._configuration.write_text("\n".join([*lines, "user root", "log_dest stderr", "log_type all", ""]))

    @property
    def address(self) -> Address:
        return Address("127.0.0.1", self.port)

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return self._log.read_text()

    def start(self) -> Self:
        assert MOSQUITTO is not None
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([MOSQUITTO, "-c", str(self._configuration)], stderr=log)
        eventually(self._accepts, f"mosquitto accepts connections; it says: {self.log[-500:]}")
        return self

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it without a word to its clients."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Makes it neither read nor answer, as a stalled network does; `thaw` ends that."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(how)
            process.send_signal(signal.SIGCONT)
            process.wait(PATIENCE)

    def _accepts(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"mosquitto ended: {self.log[-500:]}"
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except OSError:
            return False


@dataclass(frozen=True)
class Received:
    topic: str
    payload: bytes
    retain: bool
    qos: int
    expiry: int | None
    """Seconds left, from an MQTT 5 broker that was told."""
    at: float = 0.0
    """Seconds since 1970: when it arrived."""


class Reader:
    """Collects everything under `filter`, in order; independent of the project's own client."""

    def __init__(self, address: Address, filter: str = "#", *, v5: bool = False) -> None:
        self.messages: list[Received] = []
        subscribed = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5 if v5 else paho.MQTTv311)
        if address.username is not None:
            self._client.username_pw_set(address.username, address.password)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe(filter, 1)
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.on_message = self._collect
        self._client.connect(address.host, address.port)
        self._client.loop_start()
        assert subscribed.wait(PATIENCE), f"no subscription at {address}"

    def _collect(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        expiry = getattr(message.properties, "MessageExpiryInterval", None)
        self.messages.append(
            Received(message.topic, bytes(message.payload), message.retain, message.qos, expiry, time.time())
        )

    def payloads(self, topic: str) -> list[bytes]:
        return [message.payload for message in self.messages if message.topic == topic]

    def publish(self, topic: str, payload: bytes | str, *, retain: bool = False) -> None:
        self._client.publish(topic, payload, 1, retain).wait_for_publish(PATIENCE)

    def expect(self, topic: str, payload: bytes | None = None) -> bytes:
        """The first payload under `topic` (that equals `payload`), waited for."""
        eventually(
            lambda: any(payload in (None, seen) for seen in self.payloads(topic)),
            f"{payload!r} on {topic}; seen: {[(m.topic, m.payload[:40]) for m in self.messages[-8:]]}",
        )
        return next(seen for seen in self.payloads(topic) if payload in (None, seen))

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
