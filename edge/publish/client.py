"""The MQTT client of a device: which topic is published with which retention, quality of service and last will."""

from __future__ import annotations

import logging
import time
from types import TracebackType
from typing import Any, Final, Self

from edge.health import catalogue
from edge.health.registry import Registry
from edge.mqtt.address import Address
from edge.mqtt.connection import RETRY_MAX_S, Connection
from edge.mqtt.message import Message, Protocol, Qos, Status
from edge.mqtt.routes import Handler
from edge.mqtt.tls import TlsFiles
from edge.observation import Sense
from edge.publish.encoding import encode
from edge.publish.payloads import (
    FaceObservation,
    Health,
    Info,
    Payload,
    Response,
    State,
    VoiceObservation,
    WordsObservation,
)
from edge.publish.topics import OFFLINE, ONLINE, STOPPED, Topics

log = logging.getLogger(__name__)

FACE_VALID_S: Final = 2.0
"""Seconds after which an unsent observation of the face is dropped, since a newer picture is available by then."""

UTTERANCE_VALID_S: Final = 5.0
"""Seconds after which an unsent observation of voice or words is dropped. There is one for each utterance."""


class Publisher:
    """One device on one broker. Any thread may publish, and none is blocked while the broker is unreachable.

    `online` and `info` are published at every connect and `stopped` at `close`. The broker publishes the last will,
    `offline`, when this process disappears without disconnecting.
    """

    def __init__(
        self,
        address: Address,
        topics: Topics,
        *,
        info: Info | None = None,
        protocol: Protocol = "3.1.1",
        keepalive: int = 15,
        retry_max: float = RETRY_MAX_S,
        tls: TlsFiles | None = None,
        registry: Registry | None = None,
    ) -> None:
        """Prepares the connection; `start` begins to connect.

        Args:
            address: the broker.
            topics: the device's topics.
            info: description of the device, published and retained at every connect; None for no description.
            protocol: version of MQTT.
            keepalive: keep-alive interval in seconds. A broker detects a dead device after one and a half times this.
            retry_max: longest wait between two attempts to connect, in seconds.
            tls: PEM files for TLS; None for the authorities of the system and no certificate of its own.
            registry: holds the counters.

        Raises:
            BrokerError: a file of `tls` cannot be used.
        """
        self.topics = topics
        self._info = info
        self._registry = Registry() if registry is None else registry
        self._failed_topics: set[str] = set()
        self._connection = Connection(
            address,
            # The client identifier is the same after a restart, so that the broker ends the dead session first and
            # publishes its last will. With a new identifier that `offline` would come later and replace our `online`.
            f"edge-emotion-{topics.prefix}-{topics.device}",
            protocol=protocol,
            keepalive=keepalive,
            retry_max=retry_max,
            tls=tls,
            will=Message(topics.availability, OFFLINE.encode(), qos=1, retain=True),
            on_connected=self._publish_online,
            registry=self._registry,
        )

    def on(self, kind: str, handler: Handler, *, qos: Qos = 1) -> None:
        """Subscribes to `<prefix>/<device>/<kind>`. Retained messages are counted and ignored.

        Args:
            kind: topic levels below the device, such as `words/transcript`.
            handler: receives each message on the network thread, and must not block it.
            qos: highest quality of service for delivery under MQTT 3.1.1. Under MQTT 5 it is always 0.

        Raises:
            ValueError: the kind already has a handler.
        """
        self._connection.on(f"{self.topics.base}/{kind}", handler, qos=qos)

    def start(self) -> Self:
        """Begins to connect in the background, and keeps trying until `close`."""
        self._connection.start()
        return self

    def require_first_connection(self, timeout: float) -> None:
        """Waits until connected. Raises `BrokerError` after `timeout` seconds, or at once where waiting cannot help."""
        self._connection.require_first_connection(timeout)

    def publish_info(self, info: Info) -> bool:
        """Publishes `info` now and at every later connect. False if it could not be published now."""
        self._info = info
        return self._publish_info()

    def publish_state(self, state: State, *, valid_for: float, deadline: float | None = None) -> bool:
        """Publishes the fused state. A newer state replaces it while it is unsent.

        Args:
            state: the payload.
            valid_for: message expiry interval in seconds, after which an MQTT 5 broker discards the state.
            deadline: monotonic time in seconds after which the state is not sent any more; None for `valid_for` from
                now.

        Returns:
            False if the state was dropped.
        """
        return self._publish(
            self.topics.state,
            state,
            retain=True,
            replaceable=True,
            deadline=time.monotonic() + valid_for if deadline is None else deadline,
            expiry=valid_for,
        )

    def publish_observation(
        self, sense: Sense, observation: FaceObservation | VoiceObservation | WordsObservation
    ) -> bool:
        """Publishes one observation of one sense. A newer observation of the face replaces an unsent one. False
        if it was dropped."""
        face = sense == "face"
        return self._publish(
            self.topics.sense(sense),
            observation,
            replaceable=face,
            deadline=time.monotonic() + (FACE_VALID_S if face else UTTERANCE_VALID_S),
        )

    def publish_health(self, health: Health) -> bool:
        """Publishes the health of the process. A newer payload replaces an unsent one. False if it was dropped."""
        return self._publish(self.topics.health, health, retain=True, replaceable=True)

    def publish_response(self, response: Response) -> bool:
        """Publishes the result of a request to this device. False if it was dropped."""
        return self._publish(self.topics.response(response.verb), response, qos=1)

    def status(self) -> Status:
        """The state of the connection now."""
        return self._connection.status()

    def close(self, timeout: float = 3.0) -> bool:
        """Publishes `stopped`, waits at most `timeout` seconds for the receipt, and disconnects. True if it came."""
        return self._connection.close(
            Message(self.topics.availability, STOPPED.encode(), qos=1, retain=True), timeout=timeout
        )

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _publish_online(self) -> None:
        self._connection.publish(Message(self.topics.availability, ONLINE.encode(), qos=1, retain=True))
        self._publish_info()

    def _publish_info(self) -> bool:
        if self._info is None:
            return False
        return self._publish(self.topics.info, self._info, qos=1, retain=True)

    def _publish(self, topic: str, payload: Payload, **how: Any) -> bool:
        """Encodes and publishes a payload. One that cannot be encoded is dropped and counted.

        `how`: further fields of `Message`.
        """
        try:
            encoded = encode(payload)
        except Exception as error:
            self._registry.increment(catalogue.MQTT_MESSAGES_FAILED)
            if topic not in self._failed_topics:
                self._failed_topics.add(topic)
                log.warning("%s: a message cannot be encoded (%s); further ones are only counted", topic, error)
                log.debug("%s", topic, exc_info=True)
            return False
        return self._connection.publish(Message(topic, encoded, **how))
