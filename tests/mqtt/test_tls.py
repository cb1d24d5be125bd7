"""TLS against a real mosquitto: each refusal names its true cause and the remedy that fits."""

from __future__ import annotations

import datetime
import ssl
import subprocess
from pathlib import Path

import pytest
import trustme
from support.brokers import PATIENCE, Mosquitto, eventually

from edge.errors import BrokerError
from edge.mqtt.address import Address
from edge.mqtt.connection import Connection
from edge.mqtt.message import Protocol
from edge.mqtt.secret_file import resolve
from edge.mqtt.tls import TlsFiles

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)

both = pytest.mark.parametrize("protocol", ["3.1.1", "5"])


class Authority:
    """A certificate authority of the test, with its files in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._authority = trustme.CA()
        self.file = folder / "ca.pem"
        self._authority.cert_pem.write_to_path(self.file)

    def issue(
        self, name: str, *, not_before: datetime.datetime = NOW - DAY, not_after: datetime.datetime = NOW + DAY
    ) -> tuple[Path, Path]:
        """Certificate and key for a host or a device."""
        issued = self._authority.issue_cert(name, common_name=name, not_before=not_before, not_after=not_after)
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(key)
        return certificate, key


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


class TlsBroker:
    """A mosquitto with TLS."""

    def __init__(self, folder: Path, files: tuple[Path, Path], *settings: str) -> None:
        certificate, key = files
        self._broker = Mosquitto(folder, settings=(f"certfile {certificate}", f"keyfile {key}", *settings))

    def __enter__(self) -> Address:
        self._broker.start()
        return Address("localhost", self._broker.port, tls=True)

    def __exit__(self, *_: object) -> None:
        self._broker.stop()


def refusal(address: Address, tls: TlsFiles, protocol: Protocol = "3.1.1") -> str:
    """The error of the first connection, which must come at once where it is permanent."""
    connection = Connection(address, "device", tls=tls, protocol=protocol, retry_max=0.5)
    connection.start()
    try:
        with pytest.raises(BrokerError) as caught:
            connection.require_first_connection(PATIENCE)
    finally:
        connection.close()
    text = str(caught.value)
    assert "\n" not in text
    assert str(address) in text
    return text


def connects(address: Address, tls: TlsFiles, protocol: Protocol = "3.1.1") -> None:
    connection = Connection(address, "device", tls=tls, protocol=protocol)
    connection.start()
    connection.require_first_connection(PATIENCE)
    connection.close()


def test_the_right_authority_is_trusted_and_another_is_named(tmp_path: Path, authority: Authority) -> None:
    with TlsBroker(tmp_path, authority.issue("localhost")) as address:
        connects(address, TlsFiles(authority.file))
        stranger = Authority(tmp_path / "stranger")
        for tls in (TlsFiles(stranger.file), TlsFiles()):
            assert "not trusted" in (told := refusal(address, tls))
            assert "mqtt.ca_file" in told


def test_an_expired_certificate(tmp_path: Path, authority: Authority) -> None:
    files = authority.issue("localhost", not_before=NOW - 3 * DAY, not_after=NOW - DAY)
    with TlsBroker(tmp_path, files) as address:
        assert "has expired; renew it" in refusal(address, TlsFiles(authority.file))


def test_a_certificate_from_the_future_points_at_the_clock_and_is_tried_again(
    tmp_path: Path, authority: Authority
) -> None:
    files = authority.issue("localhost", not_before=NOW + DAY, not_after=NOW + 2 * DAY)
    with TlsBroker(tmp_path, files) as address:
        connection = Connection(address, "device", tls=TlsFiles(authority.file), retry_max=0.5)
        connection.start()
        # The clock of a device may be set later, so this failure is not permanent.
        eventually(lambda: connection.status().failures >= 2, "a second attempt")
        told = connection.status().last_error
        connection.close()
    assert told is not None
    assert "not valid yet; is the clock" in told


def test_a_certificate_for_another_host(tmp_path: Path, authority: Authority) -> None:
    with TlsBroker(tmp_path, authority.issue("broker.example")) as address:
        told = refusal(address, TlsFiles(authority.file))
    assert "for another host" in told
    assert "ca_file" not in told


def test_tls_to_a_plain_port_and_plain_to_a_tls_port(
    tmp_path: Path, authority: Authority, mosquitto: Mosquitto
) -> None:
    plain = Connection(Address("localhost", mosquitto.port, tls=True), "device", tls=TlsFiles(authority.file))
    plain.start()
    eventually(lambda: plain.status().last_error, "a failure")
    assert "write mqtt:// if it has no" in str(plain.status().last_error)
    plain.close()
    with TlsBroker(tmp_path, authority.issue("localhost")) as address:
        connection = Connection(Address("localhost", address.port), "device")
        connection.start()
        with pytest.raises(BrokerError, match="does it want TLS"):
            connection.require_first_connection(2.0)
        connection.close()


@both
def test_mutual_tls(tmp_path: Path, authority: Authority, protocol: Protocol) -> None:
    settings = (f"cafile {authority.file}", "require_certificate true", "use_identity_as_username true")
    with TlsBroker(tmp_path, authority.issue("localhost"), *settings) as address:
        certificate, key = authority.issue("robot")
        connects(address, TlsFiles(authority.file, certificate, key), protocol)
        assert "asks for a certificate of this device; set mqtt.certificate_file" in refusal(
            address, TlsFiles(authority.file), protocol
        )
        stranger, its_key = Authority(tmp_path / "stranger").issue("robot")
        assert "does not know the authority" in refusal(address, TlsFiles(authority.file, stranger, its_key), protocol)
        old, old_key = authority.issue("old", not_before=NOW - 3 * DAY, not_after=NOW - DAY)
        assert "which has expired; renew mqtt.certificate_file" in refusal(
            address, TlsFiles(authority.file, old, old_key), protocol
        )


def test_files_that_cannot_be_used(tmp_path: Path, authority: Authority) -> None:
    certificate, key = authority.issue("robot")
    other_key = authority.issue("other")[1]
    locked = tmp_path / "locked.key"
    subprocess.run(
        ["openssl", "pkcs8", "-topk8", "-in", str(key), "-out", str(locked), "-passout", "pass:secret"],
        check=True,
        capture_output=True,
    )
    text = tmp_path / "text"
    text.write_text("neither certificate nor key")
    gone = tmp_path / "gone"
    cases = [
        (TlsFiles(gone), r"mqtt\.ca_file .*gone: No such file"),
        (TlsFiles(text), r"mqtt\.ca_file .*text holds no certificate"),
        (TlsFiles(None, gone), r"mqtt\.certificate_file .*gone: No such file"),
        (TlsFiles(None, certificate, gone), r"mqtt\.key_file .*gone: No such file"),
        (TlsFiles(None, certificate, other_key), "does not belong to"),
        (TlsFiles(None, certificate, locked), r"mqtt\.key_file .*locked.key has a pass phrase"),
        (TlsFiles(None, certificate, text), "hold no certificate and private key in PEM"),
        (TlsFiles(None, certificate), "hold no certificate and private key in PEM"),
        (TlsFiles(None, None, key), r"mqtt\.key_file is set without mqtt\.certificate_file"),
    ]
    for files, expected in cases:
        with pytest.raises(BrokerError, match=expected) as caught:
            files.context()
        assert "\n" not in str(caught.value)
        assert "secret" not in str(caught.value)
    both_in_one = tmp_path / "both.pem"
    both_in_one.write_bytes(certificate.read_bytes() + key.read_bytes())
    assert TlsFiles(None, both_in_one).context().verify_mode is ssl.CERT_REQUIRED


@pytest.fixture
def credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "credentials"
    folder.mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    return folder


def test_files_from_systemd(credentials: Path, authority: Authority) -> None:
    (credentials / "authority").write_bytes(authority.file.read_bytes())
    assert resolve(Path("credential:authority")) == credentials / "authority"
    assert TlsFiles(Path("credential:authority")).context().get_ca_certs()
    assert resolve(Path("/etc/password")) == Path("/etc/password")


@pytest.mark.parametrize("name", ["", ".", "..", "../etc", "a/b", "a b", "x" * 256, "über"])
def test_an_invalid_credential_name_leaves_the_folder_alone(credentials: Path, name: str) -> None:
    (credentials.parent / "etc").write_text("outside")
    with pytest.raises(BrokerError, match="the name of a credential"):
        resolve(Path(f"credential:{name}"))


def test_a_credential_that_systemd_does_not_pass(credentials: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BrokerError, match="LoadCredential=password:"):
        resolve(Path("credential:password"))
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    with pytest.raises(BrokerError, match="LoadCredential=password:"):
        resolve(Path("credential:password"))
