"""Causes of a failed or lost connection, each described in one line that says what to do."""

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
    """Failures of the same kind are logged once, not at every attempt."""
    message: str
    """One line for the user: the cause and what to do."""
    permanent: bool = False
    """Another attempt with the same settings cannot succeed, such as with a wrong password. A command need not wait."""


_CREDENTIALS: Final = {"Bad user name or password", "Not authorized", "Bad authentication method", "Banned"}
"""CONNACK reasons, as paho names them, that concern user name and password."""


def connecting(address: Address, error: BaseException) -> Failure:
    """The failure behind an error while the network connection was made."""
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
        # EAI_NONAME means that the name does not exist. Other errors, such as those without a network, may pass.
        unknown = error.errno == socket.EAI_NONAME
        return Failure("name", f"broker {address}: no host of that name is found ({error.strerror})", unknown)
    if isinstance(error, ConnectionRefusedError):
        return Failure("refused", f"broker {address}: nothing listens there; is the broker running, is the port right?")
    if isinstance(error, TimeoutError):
        return Failure("timeout", f"broker {address}: no answer; is the host on, does a firewall stand between?")
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return Failure(f"os {type(error).__name__}", f"broker {address}: {reason}")


def refused(address: Address, reason: ReasonCode) -> Failure:
    """The failure behind a CONNACK that refuses the connection."""
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
    """The broker closed the connection before it sent CONNACK."""
    return Failure(
        "unanswered",
        f"broker {address} closes the connection without an answer; is it an MQTT broker, does it want TLS (mqtts://), "
        "does it speak the version in mqtt.protocol?",
    )


def taken_over(address: Address, client_id: str) -> Failure:
    """The broker closed the connection because another client connected with the same client identifier."""
    return Failure(
        "taken over",
        f"broker {address} closes our connection whenever another client connects as {client_id!r}; does a second "
        "device run under the same name? Give each its own device.name. Waiting longer before each new attempt",
    )


def lost(address: Address, reason: str | None) -> Failure:
    """The connection broke. `reason`: the reason that an MQTT 5 broker sent; None without one."""
    why = "" if reason is None else f" ({reason.lower()})"
    return Failure("lost", f"broker {address}: connection lost{why}; trying again")


def no_subscription(address: Address, topic: str) -> Failure:
    """The broker refused a subscription."""
    return Failure(
        f"subscription {topic}", f"broker {address} refuses the subscription to {topic}; check its access rules"
    )


def not_accepted(address: Address, reason: ReasonCode) -> Failure:
    """The broker received a message and refused it, which only MQTT 5 tells."""
    name = reason.getName()
    return Failure(
        f"not accepted {name}",
        f"broker {address} refuses a message ({name.lower()}); check its access rules and quotas. It is kept and sent "
        "again after the next connect",
    )
