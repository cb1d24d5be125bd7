from __future__ import annotations

from pathlib import Path

import pytest

from edge.errors import BrokerError
from edge.mqtt.address import EMBEDDED, Address, parse


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("mqtt://localhost", Address("localhost", 1883)),
        ("mqtt://localhost/", Address("localhost", 1883)),
        ("MQTT://10.0.0.7:1884", Address("10.0.0.7", 1884)),
        ("mqtts://broker.example", Address("broker.example", 8883, tls=True)),
        ("mqtt://[fe80::1%25eth0]:1884", Address("fe80::1%25eth0", 1884)),
        ("mqtt://[::1]", Address("::1", 1883)),
        ("mqtt://robot@host", Address("host", 1883, username="robot")),
        ("mqtt://r%40b:p%3A%2F%25@host", Address("host", 1883, username="r@b", password="p:/%")),
        ("embedded", EMBEDDED),
    ],
)
def test_parse(text: str, address: Address) -> None:
    assert parse(text) == address


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "starts with neither"),
        ("localhost", "write mqtt://localhost"),
        ("localhost:1883", "write mqtt://localhost:1883"),
        ("http://host", "starts with neither mqtt:// nor mqtts://"),
        ("mqtt://", "names no host"),
        ("mqtt://:1883", "names no host"),
        ("mqtt://ho st", "names no host"),
        ("mqtt://a..b", "names no host"),
        ("mqtt://host:port", "the port is no number"),
        ("mqtt://host:70000", "the port is no number"),
        ("mqtt://host:0", "port 0"),
        ("mqtt://[::1", "malformed"),
        ("mqtt://host/topic", "after the host"),
        ("mqtt://host?x=1", "after the host"),
        ("mqtt://:secret@host", "a password without a user name"),
    ],
)
def test_malformed(text: str, why: str) -> None:
    with pytest.raises(BrokerError) as error:
        parse(text)
    assert why in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "text", ["mqtt://u:secret@host:x", "http://u:secret@host", "mqtt://u:sec/ret@host", "mqtt://u:secret@"]
)
def test_a_password_is_never_shown(text: str) -> None:
    with pytest.raises(BrokerError) as error:
        parse(text)
    assert "ret" not in str(error.value)
    address = parse("mqtt://u:secret@host")
    assert "secret" not in f"{address} {address!r}"


def test_password_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("pässword: 1 \n", "utf-8")
    assert parse("mqtt://host", username="u", password_file=file) == Address("host", 1883, False, "u", "pässword: 1 ")
    # Values in the address take precedence.
    assert parse("mqtt://v:w@host", username="u", password_file=file).password == "w"
    assert parse("mqtt://v@host", username="u", password_file=file).username == "v"
    with pytest.raises(BrokerError, match="without a user name"):
        parse("mqtt://host", password_file=file)


@pytest.mark.parametrize(("content", "why"), [(None, "No such file"), (b"\n", "is empty"), (b"\xff\xfe", "not UTF-8")])
def test_useless_password_file(tmp_path: Path, content: bytes | None, why: str) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(BrokerError, match=rf"password file .*{why}"):
        parse("mqtt://host", username="u", password_file=file)
