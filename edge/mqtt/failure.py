"""Why there is no connection, in one line that says what to do."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from typing import Final

from paho.mqtt.reasoncodes import ReasonCode

from edge.mqtt.address import Address


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed attempt to reach the broker, or a connection that broke."""

    kind: str
    """Failures of one kind are told once, not at every attempt."""
    message: str
    permanent: bool = False
    """Trying again without changing anything cannot help (a wrong password), so a command need not wait."""


_CREDENTIALS: Final = {"Bad user name or password", "Not authorized", "Bad authentication method", "Banned"}


def connecting(address: Address, error: BaseException) -> Failure:
    """Why the network connection could not be made."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return Failure(
            "certificate",
            f"broker {address}: its certificate is not trusted ({error.verify_message}); "
            "set mqtt.ca_file to the authority that signed it",
            permanent=True,
        )
    if isinstance(error, ssl.SSLError):
        return Failure(
            "tls", f"broker {address}: no TLS there ({error.reason or error}); write mqtt:// if it has none", True
        )
    if isinstance(error, socket.gaierror):
        # Without a network, a name server's silence looks different and may pass.
        unknown = error.errno == socket.EAI_NONAME
        return Failure("name", f"broker {address}: no host of that name is found ({error.strerror})", unknown)
    if isinstance(error, ConnectionRefusedError):
        return Failure("refused", f"broker {address}: nothing listens there; is the broker running, is the port right?")
    if isinstance(error, TimeoutError):
        return Failure("timeout", f"broker {address}: no answer; is the host on, does a firewall stand between?")
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return Failure(f"os {type(error).__name__}", f"broker {address}: {reason}")


def refused(address: Address, reason: ReasonCode) -> Failure:
    """Why the broker answered our greeting with no."""
    name = reason.getName()
    if name in _CREDENTIALS:
        who = "an anonymous client" if address.username is None else f"user {address.username!r}"
        return Failure(
            "credentials",
            f"broker {address} refuses {who} ({name.lower()}); check mqtt.username and mqtt.password_file",
            permanent=True,
        )
    if name == "Unsupported protocol version":
        return Failure(
            "protocol", f"broker {address} does not speak this MQTT version; set mqtt.protocol to the other", True
        )
    return Failure(f"refused {name}", f"broker {address} refuses the connection: {name.lower()}")


def unanswered(address: Address) -> Failure:
    """The broker closed the connection before it answered our greeting."""
    return Failure(
        "unanswered",
        f"broker {address} closes the connection without an answer; is it an MQTT broker, does it want TLS (mqtts://), "
        "does it speak the version in mqtt.protocol?",
    )


def taken_over(address: Address, client_id: str) -> Failure:
    """Another client with the same identifier connected, so that the broker closed this connection."""
    return Failure(
        "taken over",
        f"broker {address} closes our connection whenever another client connects as {client_id!r}; does a second "
        "device run under the same name? Give each its own device.name. Waiting longer before each new attempt",
    )


def lost(address: Address, said: str | None) -> Failure:
    """A connection broke. `said`: the reason that an MQTT 5 broker gave."""
    why = "" if said is None else f" ({said.lower()})"
    return Failure("lost", f"broker {address}: connection lost{why}; trying again")


def no_subscription(address: Address, topic: str) -> Failure:
    """The broker refused a subscription."""
    return Failure(
        f"subscription {topic}", f"broker {address} refuses the subscription to {topic}; check its access rules"
    )
