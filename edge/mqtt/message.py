"""Outgoing messages, incoming messages and the status of a connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Protocol: TypeAlias = Literal["5", "3.1.1"]
"""Version of MQTT."""

Qos: TypeAlias = Literal[0, 1]
"""Quality of service: 0 for at most once, 1 for at least once."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message to publish."""

    topic: str
    """Topic without wildcards."""
    payload: bytes
    """Content of the message."""
    qos: Qos = 0
    """Quality of service of the delivery to the broker."""
    retain: bool = False
    """The broker keeps the message for later subscribers."""
    replaceable: bool = False
    """A newer message on the same topic replaces this one while it is unsent. Only for QoS 0; a QoS 1 message is never
    replaced."""
    deadline: float | None = None
    """Monotonic time in seconds after which the message is dropped instead of sent; None for no limit."""
    expiry: float | None = None
    """Message expiry interval in seconds, after which an MQTT 5 broker discards the message. Without effect under MQTT
    3.1.1."""


@dataclass(frozen=True, slots=True)
class Inbound:
    """One message that the broker delivered."""

    topic: str
    """Topic that the message was published on."""
    payload: bytes
    """Content of the message."""
    retained: bool
    """The broker had stored the message, so it was not published just now."""
    received_at: float
    """Monotonic time of arrival, in seconds."""


@dataclass(frozen=True, slots=True)
class Status:
    """The status of a connection at one moment."""

    connected: bool
    """The broker has accepted the connection, and it has not broken since."""
    last_error: str | None
    """The last failure in one line; None at the start and after each successful connect."""
    connects: int
    """Number of successful connects."""
    failures: int
    """Number of failed attempts and broken connections."""
    published: int
    """Number of messages handed to the network."""
    dropped: int
    """Number of unsent messages: the connection was down or slow, a newer message replaced them, or they expired."""
    alive: bool
    """The network thread is running."""
