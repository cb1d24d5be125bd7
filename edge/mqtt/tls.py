"""TLS settings of a connection: the trusted authority, and a certificate of the device's own."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from edge.errors import BrokerError
from edge.mqtt.secret_file import resolve


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """The PEM files of a TLS connection. Each may be written as `credential:NAME` (`edge.mqtt.secret_file`)."""

    ca_file: Path | None = None
    """Certificate authority that signed the broker's certificate; None for the authorities of the system."""
    certificate_file: Path | None = None
    """The device's own certificate, for a broker that asks for one (mutual TLS); None for no certificate."""
    key_file: Path | None = None
    """Private key of `certificate_file`, without a pass phrase; None if it stands in the same file."""

    def context(self) -> ssl.SSLContext:
        """Reads the files.

        Raises:
            BrokerError: A file cannot be read, holds no certificate or key in PEM, or key and certificate do not belong
                together.
        """
        context = self._trusting()
        if self.certificate_file is not None:
            self._present(context, resolve(self.certificate_file))
        elif self.key_file is not None:
            raise BrokerError("mqtt.key_file is set without mqtt.certificate_file; set both")
        return context

    def _trusting(self) -> ssl.SSLContext:
        file = None if self.ca_file is None else resolve(self.ca_file)
        try:
            return ssl.create_default_context(cafile=None if file is None else str(file))
        except ssl.SSLError as error:
            raise BrokerError(f"mqtt.ca_file {file} holds no certificate in PEM") from error
        except OSError as error:
            raise BrokerError(f"mqtt.ca_file {file}: {error.strerror}") from error

    def _present(self, context: ssl.SSLContext, certificate: Path) -> None:
        key = None if self.key_file is None else resolve(self.key_file)
        for name, file in (("certificate_file", certificate), ("key_file", key)):
            try:
                if file is not None:
                    file.read_bytes()
            except OSError as error:
                raise BrokerError(f"mqtt.{name} {file}: {error.strerror}") from error
        try:
            # Without this function OpenSSL would ask for a pass phrase on the terminal and wait.
            context.load_cert_chain(certificate, key, password=_no_pass_phrase)
        except _PassPhraseNeededError as error:
            raise BrokerError(
                f"mqtt.key_file {key or certificate} has a pass phrase; store the key without one, readable by the "
                "service alone"
            ) from error
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                raise BrokerError(
                    f"mqtt.key_file {key or certificate} does not belong to mqtt.certificate_file {certificate}"
                ) from error
            raise BrokerError(
                f"mqtt.certificate_file {certificate} and its key hold no certificate and private key in PEM"
            ) from error


class _PassPhraseNeededError(Exception):
    """OpenSSL asked for a pass phrase."""


def _no_pass_phrase() -> str:
    raise _PassPhraseNeededError
