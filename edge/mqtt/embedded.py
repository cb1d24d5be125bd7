"""An embedded broker for a machine without one: rumqttd, from the wheel `iotcore`.

It listens on this machine only, keeps nothing over a restart and needs no password. It supports one protocol version at
a time: with listeners for both, one MQTT 5 message with properties breaks the 3.1.1 listener of rumqttd 0.20 for good.
"""

from __future__ import annotations

import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Literal, Self

from edge import child
from edge.errors import BrokerError, MissingExtraError
from edge.mqtt.address import Address

if TYPE_CHECKING:
    from iotcore import Broker

HOST: Final = "127.0.0.1"
"""The only address that the broker listens on."""

START_TIMEOUT_S: Final = 20.0
"""Time limit for the start of the broker, in seconds."""

_CONFIGURATION: Final = """\
id = 0

[router]
id = 0
max_connections = 100
max_outgoing_packet_count = 200
max_segment_size = 1048576
max_segment_count = 10

[{version}.1]
name = "{version}"
listen = "{host}:{port}"
next_connection_delay_ms = 1

[{version}.1.connections]
connection_timeout_ms = 60000
max_payload_size = 1048576
max_inflight_count = 100
dynamic_filters = true
"""
"""Template of rumqttd's configuration file."""


class EmbeddedBroker:
    """`with EmbeddedBroker() as broker:` runs a broker at `broker.address` until the block ends.

    It runs as a child process, which ends with this process even if this one is killed.
    """

    def __init__(self, port: int = 0, *, protocol: Literal["5", "3.1.1"] = "3.1.1") -> None:
        """Prepares a broker on `port`, or for 0 on a free one. Raises `MissingExtraError` without extra `broker`."""
        self._port = port
        self._protocol = protocol
        self._broker: Broker | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        try:
            import iotcore  # noqa: F401  a missing package is reported before anything else starts
        except ImportError as error:
            raise MissingExtraError("the embedded broker", "broker") from error

    @property
    def address(self) -> Address:
        """The address for clients on this machine. With `port` 0, the port is known after `start`."""
        return Address(HOST, self._port)

    @property
    def running(self) -> bool:
        """Whether the broker process runs."""
        return self._broker is not None and self._broker.is_running

    def start(self) -> Self:
        """Starts the broker and waits until it accepts connections. Raises `BrokerError`."""
        if self._broker is not None:
            return self
        from iotcore import Broker

        self._port = self._port or _free_port()
        self._folder = tempfile.TemporaryDirectory(prefix="edge-emotion-broker-")
        path = Path(self._folder.name) / "rumqttd.toml"
        version = "v5" if self._protocol == "5" else "v4"
        path.write_text(_CONFIGURATION.format(version=version, host=HOST, port=self._port), "utf-8")
        try:
            with _child_ignores_interrupts(), child.isolated_environment():
                self._broker = Broker(config_path=str(path)).start(timeout=START_TIMEOUT_S)
        except (OSError, RuntimeError) as error:
            self.stop()
            raise BrokerError(f"the embedded broker does not start on {HOST}:{self._port}: {error}") from error
        return self

    def stop(self) -> None:
        """Stops the broker. May be called twice, and before `start`."""
        broker, self._broker = self._broker, None
        if broker is not None:
            broker.stop()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


@contextmanager
def _child_ignores_interrupts() -> Iterator[None]:
    """Keeps Ctrl-C from a child process that is started inside the block.

    The terminal sends SIGINT to the whole process group, and the broker must run until this process has published
    `stopped`.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
