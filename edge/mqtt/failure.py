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
    if isinstance(error, ssl.SSLError) or (address.tls and isinstance(error, ConnectionResetError)):
        return _no_tls(address, error)
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


def _no_tls(address: Address, error: ssl.SSLError | ConnectionResetError) -> Failure:
    """The failure behind an error of the TLS handshake."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _untrusted(address, error)
    if isinstance(error, ssl.SSLError):
        return _no_handshake(address, error.reason)
    # A broker that is just ending does the same, so that another attempt may succeed.
    return Failure("tls reset", f"broker {address} breaks off the TLS handshake; write mqtt:// if it has no TLS there")


_EXPIRED: Final = 10
_NOT_YET_VALID: Final = 9
_WRONG_NAME: Final = (62, 64)
"""OpenSSL's codes of failed verification (`X509_V_ERR_*` in x509_vfy.h) with a remedy of their own."""


def _untrusted(address: Address, error: ssl.SSLCertVerificationError) -> Failure:
    """The broker's certificate failed verification."""
    if error.verify_code == _EXPIRED:
        # A device without a battery for its clock may start in the past, never in the future.
        remedy = "its certificate has expired; renew it at the broker"
    elif error.verify_code == _NOT_YET_VALID:
        remedy = "its certificate is not valid yet; is the clock of this device set? (timedatectl)"
        return Failure("certificate not yet valid", f"broker {address}: {remedy}")
    elif error.verify_code in _WRONG_NAME:
        remedy = (
            f"its certificate is for another host ({error.verify_message}); write the host as the certificate names it"
        )
    else:
        remedy = (
            f"its certificate is not trusted ({error.verify_message}); set mqtt.ca_file to the authority that signed it"
        )
    return Failure(f"certificate {error.verify_code}", f"broker {address}: {remedy}", permanent=True)


_OWN_CERTIFICATE: Final = {
    "CERTIFICATE_REQUIRED": "asks for a certificate of this device; set mqtt.certificate_file and mqtt.key_file",
    "UNKNOWN_CA": "does not trust this device's certificate: it does not know the authority that signed it; sign "
    "mqtt.certificate_file with an authority in the broker's cafile",
    "CERTIFICATE_EXPIRED": "refuses this device's certificate, which has expired; renew mqtt.certificate_file",
    "CERTIFICATE_REVOKED": "refuses this device's certificate, which was revoked; replace mqtt.certificate_file",
    "BAD_CERTIFICATE": "refuses this device's certificate as invalid; check mqtt.certificate_file",
    "HANDSHAKE_FAILURE": "refuses the handshake; does it ask for a certificate (mqtt.certificate_file) or for a TLS "
    "version that this device does not have?",
}
"""End of OpenSSL's name of an alert from the broker → what the broker does and the remedy."""


def _no_handshake(address: Address, reason: str | None) -> Failure:
    """The TLS handshake failed, or was refused after it. `reason`: OpenSSL's name of the failure."""
    name = reason or ""
    for alert, what in _OWN_CERTIFICATE.items():
        if name.endswith(alert):
            return Failure(f"tls {alert}", f"broker {address} {what}", permanent=True)
    return Failure("tls", f"broker {address}: no TLS there ({name or 'closed'}); write mqtt:// if it has none", True)


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


def unanswered(address: Address, alert: str | None = None) -> Failure:
    """The broker closed the connection before it sent CONNACK. `alert`: OpenSSL's name of a TLS failure, if any."""
    if alert is not None:
        return _no_handshake(address, alert)
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
