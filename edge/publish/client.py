"""What a device says over MQTT, and when: the contract of topics, retention, quality of service and last will."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from edge.health.registry import Registry
from edge.mqtt.address import Address
from edge.mqtt.connection import Connection, Message, Protocol, Status
from edge.observation import Sense
from edge.publish.payloads import (
    FaceObservation,
    Health,
    Info,
    Response,
    State,
    VoiceObservation,
    WordsObservation,
    encode,
)
from edge.publish.topics import OFFLINE, ONLINE, STOPPED, Topics


class Publisher:
    """One device on one broker; any thread may publish, and none is held up while the broker is away.

    `online` and `info` go out at every connect, `stopped` at `close`, and the broker itself says `offline` when this
    process ends without a word.
    """

    def __init__(
        self,
        address: Address,
        topics: Topics,
        *,
        info: Info | None = None,
        protocol: Protocol = "3.1.1",
        keepalive: int = 15,
        ca_file: Path | None = None,
        on_transcript: Callable[[bytes], None] | None = None,
        registry: Registry | None = None,
    ) -> None:
        """`keepalive`: seconds; a broker notices a dead device after one and a half times this. `on_transcript` gets
        what others publish on `words/transcript`, on the network thread. Raises `BrokerError` for a useless CA file."""
        self.topics = topics
        self._info = info
        self._on_transcript = on_transcript
        self._connection = Connection(
            address,
            # The same name after a restart: the broker then ends the dead session first, will and all. With a new
            # name its `offline` would come later and stand over our `online`.
            f"edge-emotion-{topics.prefix}-{topics.device}",
            protocol=protocol,
            keepalive=keepalive,
            ca_file=ca_file,
            will=Message(topics.availability, OFFLINE.encode(), qos=1, retain=True),
            on_connected=self._greet,
            on_message=self._received,
            registry=registry,
        )

    def start(self) -> Self:
        """Begins to connect in the background, and goes on trying until `close`."""
        self._connection.start()
        return self

    def require_first_connection(self, timeout: float) -> None:
        """Waits until connected. Raises `BrokerError` after `timeout` seconds, or at once where waiting is no use."""
        self._connection.require_first_connection(timeout)

    def publish_info(self, info: Info) -> bool:
        """Publishes `info` now, if connected, and at every later connect."""
        self._info = info
        return self._publish_info()

    def publish_state(self, state: State, *, valid_for: float) -> bool:
        """Publishes the fused state; `valid_for` seconds from now an MQTT 5 broker forgets it. False when dropped."""
        return self._connection.publish(Message(self.topics.state, encode(state), retain=True, expiry=valid_for))

    def publish_observation(
        self, sense: Sense, observation: FaceObservation | VoiceObservation | WordsObservation
    ) -> bool:
        """Publishes one observation of one sense. False when dropped."""
        return self._connection.publish(Message(self.topics.sense(sense), encode(observation)))

    def publish_health(self, health: Health) -> bool:
        """Publishes how the process is doing. False when dropped."""
        return self._connection.publish(Message(self.topics.health, encode(health), retain=True))

    def publish_response(self, response: Response) -> bool:
        """Publishes what came of something that was sent to us. False when dropped."""
        return self._connection.publish(Message(self.topics.response(response.verb), encode(response), qos=1))

    def status(self) -> Status:
        """How the connection is doing now."""
        return self._connection.status()

    def close(self, timeout: float = 3.0) -> bool:
        """Says `stopped`, waits at most `timeout` seconds for its receipt, and disconnects. True when it came."""
        return self._connection.close(
            Message(self.topics.availability, STOPPED.encode(), qos=1, retain=True), timeout=timeout
        )

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _greet(self) -> None:
        self._connection.publish(Message(self.topics.availability, ONLINE.encode(), qos=1, retain=True))
        self._publish_info()
        if self._on_transcript is not None:
            self._connection.subscribe(self.topics.transcript, qos=1)

    def _publish_info(self) -> bool:
        if self._info is None:
            return False
        return self._connection.publish(Message(self.topics.info, encode(self._info), qos=1, retain=True))

    def _received(self, topic: str, payload: bytes) -> None:
        if self._on_transcript is not None and topic == self.topics.transcript:
            self._on_transcript(payload)
