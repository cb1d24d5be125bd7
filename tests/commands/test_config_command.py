"""`edge-emotion config`: the sample says what the code does, and the check finds what is wrong."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import msgspec
import pytest

from edge import config
from edge.commands import config as command
from edge.config import Config
from edge.errors import ConfigError


def run(*argv: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    arguments = parser.parse_args(["config", *argv])
    return arguments.main(arguments)


@pytest.fixture
def sample(capsys: pytest.CaptureFixture[str]) -> str:
    assert run() == 0
    return capsys.readouterr().out


def test_the_sample_is_exactly_the_defaults(sample: str) -> None:
    assert config.parse(sample) == Config()


def test_the_sample_says_every_key_in_its_table(sample: str) -> None:
    said: dict[str, set[str]] = {}
    table = ""
    for line in sample.splitlines():
        if heading := re.match(r"\[(\w+)\]$", line):
            table = heading.group(1)
        elif key := re.match(r"(?:# )?(\w+) = ", line):
            said.setdefault(table, set()).add(key.group(1))
    wanted: dict[str, set[str]] = {"": set()}
    for field in msgspec.structs.fields(Config):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            wanted[field.name] = {inner.name for inner in msgspec.structs.fields(field.type)}
        else:
            wanted[""].add(field.name)
    assert said == wanted


def test_a_key_that_is_commented_out_may_be_taken_in(sample: str) -> None:
    taken_in = re.sub(r"^# (\w+ = )", r"\1", sample, flags=re.MULTILINE)
    parsed = config.parse(taken_in)
    assert parsed.mqtt.username == "robot"
    assert parsed.words.keyword_file is not None


def test_a_good_file_is_ok(tmp_path: Path, sample: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "config.toml"
    file.write_text(sample, encoding="utf-8")
    assert run("--check", str(file)) == 0
    assert capsys.readouterr().out == f"{file}: ok\n"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("[camera]\nspeed = 3\n", "camera.speed"),
        ("[camera]\nfps = 'fast'\n", "camera.fps"),
        ("[fusion]\nface_trust = 2.0\n", "fusion.face_trust"),
        ("[mqtt]\nprefix = 'a/b'\n", "mqtt.prefix"),
        ("camera = 1\n", "camera"),
        ("[mqtt]\npassword_file = 3\n", "mqtt.password_file"),
        ("[camera\n", "no TOML"),
    ],
)
def test_a_wrong_file_is_one_line_that_names_the_key(tmp_path: Path, text: str, names: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=re.escape(names)) as raised:
        run("--check", str(file))
    assert len(str(raised.value).splitlines()) == 1
    assert str(file) in str(raised.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="gone"):
        run("--check", str(tmp_path / "gone"))


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not UTF-8"):
        run("--check", str(file))
