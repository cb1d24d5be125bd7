"""What a device says over MQTT, and when: the contract of topics, retention, quality of service and last will."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from edge.health import catalogue
from edge.health.registry import Registry
from edge.mqtt.address import Address
from edge.mqtt.connection import RETRY_MAX_S, Connection
from edge.mqtt.message import Message, Protocol, Qos, Status
from edge.mqtt.routes import Handler
from edge.observation import Sense
from edge.publish.payloads import (
    FaceObservation,
    Health,
    Info,
    Payload,
    Response,
    State,
    VoiceObservation,
    WordsObservation,
    encode,
)
from edge.publish.topics import OFFLINE, ONLINE, STOPPED, Topics

log = logging.getLogger(__name__)

FACE_VALID_S: Final = 2.0
"""An observation of the face that could not be sent for so long is dropped; the next picture says more."""

UTTERANCE_VALID_S: Final = 5.0
"""The same for voice and words, which observe once for each utterance."""


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
        retry_max: float = RETRY_MAX_S,
        ca_file: Path | None = None,
        registry: Registry | None = None,
    ) -> None:
        """Prepares the connection; `start` begins it.

        Args:
            address: the broker.
            topics: the device's topics.
            info: published, retained, at every connect.
            protocol: version of MQTT.
            keepalive: seconds; a broker notices a dead device after one and a half times this.
            retry_max: longest wait between two attempts to connect, in seconds.
            ca_file: certificate authority in PEM for TLS; None for the system's.
            registry: where to count.

        Raises:
            BrokerError: `ca_file` is of no use.
        """
        self.topics = topics
        self._info = info
        self._registry = Registry() if registry is None else registry
        self._failed_once: set[str] = set()
        self._connection = Connection(
            address,
            # The same name after a restart: the broker then ends the dead session first, will and all. With a new
            # name its `offline` would come later and stand over our `online`.
            f"edge-emotion-{topics.prefix}-{topics.device}",
            protocol=protocol,
            keepalive=keepalive,
            retry_max=retry_max,
            ca_file=ca_file,
            will=Message(topics.availability, OFFLINE.encode(), qos=1, retain=True),
            on_connected=self._greet,
            registry=self._registry,
        )

    def on(self, kind: str, handler: Handler, *, qos: Qos = 1) -> None:
        """Hands what others publish on `<prefix>/<device>/<kind>` to `handler`, on the network thread, which it must
        not hold up. Retained messages are counted and ignored. Raises `ValueError` for a kind that has a handler."""
        self._connection.on(f"{self.topics.base}/{kind}", handler, qos=qos)

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

    def publish_state(self, state: State, *, valid_for: float, deadline: float | None = None) -> bool:
        """Publishes the fused state; a newer one replaces it while it is unsent. False when dropped.

        Args:
            state: what to publish.
            valid_for: seconds after which an MQTT 5 broker forgets it.
            deadline: monotonic seconds after which it is not sent any more; default: `valid_for` from now.
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
        """Publishes one observation of one sense. A newer one of the face replaces it while it is unsent. False when
        dropped."""
        face = sense == "face"
        return self._publish(
            self.topics.sense(sense),
            observation,
            replaceable=face,
            deadline=time.monotonic() + (FACE_VALID_S if face else UTTERANCE_VALID_S),
        )

    def publish_health(self, health: Health) -> bool:
        """Publishes how the process is doing; a newer one replaces it while it is unsent. False when dropped."""
        return self._publish(self.topics.health, health, retain=True, replaceable=True)

    def publish_response(self, response: Response) -> bool:
        """Publishes what came of something that was sent to us. False when dropped."""
        return self._publish(self.topics.response(response.verb), response, qos=1)

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

    def _publish_info(self) -> bool:
        if self._info is None:
            return False
        return self._publish(self.topics.info, self._info, qos=1, retain=True)

    def _publish(self, topic: str, payload: Payload, **how: Any) -> bool:
        """A payload that cannot be encoded costs this message and is counted."""
        try:
            encoded = encode(payload)
        except Exception as error:
            self._registry.increment(catalogue.MQTT_MESSAGES_FAILED)
            if topic not in self._failed_once:
                self._failed_once.add(topic)
                log.warning("%s: a message cannot be encoded (%s); further ones are only counted", topic, error)
                log.debug("%s", topic, exc_info=True)
            return False
        return self._connection.publish(Message(topic, encoded, **how))
