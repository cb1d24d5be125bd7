"""`edge-emotion config`: the sample matches the code, and the check reports each fault."""

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


def test_the_sample_lists_every_key_in_its_table(sample: str) -> None:
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
        # A fault that only `run` would have found.
        ("[mqtt]\nbroker = 'foo bar'\n", "broker address 'foo bar'"),
        ("[mqtt]\nbroker = 'mqtts://host'\nca_file = 'PLACE/gone.pem'\n", "mqtt.ca_file PLACE/gone.pem: No such file"),
        ("[mqtt]\nca_file = 'PLACE/text'\n", "holds no certificate in PEM"),
        ("[mqtt]\nusername = 'u'\npassword_file = 'PLACE'\n", "password file PLACE: Is a directory"),
        ("[mqtt]\nusername = 'u'\npassword_file = 'PLACE/text'\n", "written by everybody; chmod 0640"),
        ("[face]\nmodel = 'PLACE/gone.tflite'\n", "PLACE/gone.json: No such file"),
        ("[face]\nmodel = 'PLACE/broken.tflite'\n", "broken.json is not a card"),
        ("[voice]\nmodel = 'PLACE/gone.tflite'\n", "PLACE/gone.json: No such file"),
        ("[words]\nmodel = 'PLACE/gone.tflite'\n", "PLACE/gone.json: No such file"),
        ("[words]\nkeyword_file = 'PLACE/gone.toml'\n", "keyword file PLACE/gone.toml: No such file"),
        ("[transcripts]\nrecogniser = 'os:system'\n", "transcripts.recogniser 'os:system' is neither"),
        ("[transcripts]\nrecogniser = 'vosk'\n", "vosk"),
        ("[camera]\nsource = 'webcam'\n", "camera webcam is none of auto"),
        ("[camera]\nsource = 'rtsp://'\n", "is none of auto"),
    ],
)
def test_a_wrong_file_is_one_line_that_names_the_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, names: str
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    (place / "text").write_text("no certificate, but a password")
    (place / "text").chmod(0o666)
    (place / "broken.tflite").write_bytes(b"x")
    (place / "broken.json").write_bytes(b"{")
    file = tmp_path / "config.toml"
    # The senses that are not the matter here would only take time.
    off = "".join(f"[{sense}]\nenabled = false\n" for sense in ("face", "voice") if f"[{sense}]" not in text)
    file.write_text(text.replace("PLACE", str(place)) + off, encoding="utf-8")
    assert run("--check", str(file)) == 1
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith(f"{file}: ")
    assert names.replace("PLACE", str(place)) in line


def test_all_faults_are_named_at_once_and_no_credentials(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "config.toml"
    file.write_text(
        "[camera]\nsource = 'webcam?token=SECRET'\nspeed = 3\n[mqtt]\nbroker = 'foo bar'\n"
        "[face]\nmodel = 'gone.tflite'\n[words]\nmodel = 'lost.tflite'\n",
        encoding="utf-8",
    )
    assert run("--check", str(file)) == 1
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 5
    for named in ("camera.speed", "foo bar", "webcam", "gone.json", "lost.json"):
        assert named in err
    assert "SECRET" not in err


def test_disabled_parts_are_not_opened(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "config.toml"
    file.write_text(
        "[face]\nenabled = false\nmodel = 'gone.tflite'\n[camera]\nenabled = false\nsource = 'webcam'\n"
        "[words]\nenabled = false\nmodel = 'gone.tflite'\nkeyword_file = 'gone.toml'\n"
        "[mqtt]\nbroker = 'embedded'\npassword_file = 'gone'\n",
        encoding="utf-8",
    )
    assert run("--check", str(file)) == 0, capsys.readouterr().err


def test_invalid_toml_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[camera\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"config\.toml is no TOML"):
        run("--check", str(file))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="gone"):
        run("--check", str(tmp_path / "gone"))


def test_a_file_that_is_not_text_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not UTF-8"):
        run("--check", str(file))
