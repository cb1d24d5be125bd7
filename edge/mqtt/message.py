"""What goes through a connection: messages out, messages in, and how the connection is doing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Protocol: TypeAlias = Literal["5", "3.1.1"]
Qos: TypeAlias = Literal[0, 1]


@dataclass(frozen=True, slots=True)
class Message:
    """One message to publish."""

    topic: str
    payload: bytes
    qos: Qos = 0
    retain: bool = False
    replaceable: bool = False
    """A newer message on the same topic makes this one worthless: it replaces this one while it is unsent. QoS 0 only:
    a QoS 1 message is never replaced."""
    deadline: float | None = None
    """Monotonic seconds after which the message is dropped instead of sent."""
    expiry: float | None = None
    """Seconds after which an MQTT 5 broker should forget the message; MQTT 3.1.1 cannot say this."""


@dataclass(frozen=True, slots=True)
class Inbound:
    """One message that the broker delivered."""

    topic: str
    payload: bytes
    retained: bool
    """The broker had kept it from earlier; nobody sent it just now."""
    received_at: float
    """Monotonic seconds."""


@dataclass(frozen=True, slots=True)
class Status:
    """How the connection is doing."""

    connected: bool
    last_error: str | None
    """What went wrong last; None at the start and after each successful connect."""
    connects: int
    failures: int
    """Attempts that failed and connections that broke."""
    published: int
    """Messages handed to the network."""
    dropped: int
    """Messages not sent: the broker was away or slow, a newer one took their place, or they had become too old."""
    alive: bool
    """The network thread runs."""
