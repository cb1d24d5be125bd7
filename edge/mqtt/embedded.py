"""A broker inside this package, for a machine that has none: rumqttd, by way of the wheel `iotcore`.

It listens on this machine only, keeps nothing over a restart and asks for no password. It speaks one protocol at a
time: with listeners for both, one MQTT 5 message with properties makes rumqttd 0.20's 3.1.1 listener fail for good.
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

START_TIMEOUT_S: Final = 20.0

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


class EmbeddedBroker:
    """`with EmbeddedBroker() as broker:` runs a broker at `broker.address` until the block ends.

    It runs as a child process, which ends with this one however this one ends.
    """

    def __init__(self, port: int = 0, *, protocol: Literal["5", "3.1.1"] = "3.1.1") -> None:
        """`port` 0 takes a free one. Raises `MissingExtraError`."""
        self._port = port
        self._protocol = protocol
        self._broker: Broker | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        try:
            import iotcore  # noqa: F401  so that what is missing is said before anything else starts
        except ImportError as error:
            raise MissingExtraError("the embedded broker", "broker") from error

    @property
    def address(self) -> Address:
        """Where clients on this machine find it; known from `start` on."""
        return Address(HOST, self._port)

    @property
    def running(self) -> bool:
        return self._broker is not None and self._broker.is_running

    def start(self) -> Self:
        """Starts it and waits until it accepts connections. Raises `BrokerError`."""
        if self._broker is not None:
            return self
        from iotcore import Broker

        self._port = self._port or _free_port()
        self._folder = tempfile.TemporaryDirectory(prefix="edge-emotion-broker-")
        path = Path(self._folder.name) / "rumqttd.toml"
        version = "v5" if self._protocol == "5" else "v4"
        path.write_text(_CONFIGURATION.format(version=version, host=HOST, port=self._port), "utf-8")
        try:
            with _interrupts_left_to_us(), child.isolated_environment():
                self._broker = Broker(config_path=str(path)).start(timeout=START_TIMEOUT_S)
        except (OSError, RuntimeError) as error:
            self.stop()
            raise BrokerError(f"the embedded broker does not start on {HOST}:{self._port}: {error}") from error
        return self

    def stop(self) -> None:
        """Stops it; harmless when called twice or before `start`."""
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
def _interrupts_left_to_us() -> Iterator[None]:
    """A child started in here does not get Ctrl-C: the terminal sends it to the whole group, and the broker must
    outlive us by the moment in which we say `stopped`."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
