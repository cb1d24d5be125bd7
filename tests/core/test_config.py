"""The configuration: defaults, and one clear line for each fault."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from edge.config import MAX_BYTES, Config, check, host_level, load, parse
from edge.errors import ConfigError


def test_an_empty_file_is_the_default() -> None:
    assert parse("") == Config()


def test_a_table_keeps_the_defaults_of_what_it_does_not_name() -> None:
    config = parse('[camera]\nsource = "rtsp://cam.local/1"\n[fusion]\nrate_hz = 10')
    assert config.camera.source == "rtsp://cam.local/1"
    assert config.camera.fps == Config().camera.fps
    assert config.fusion.rate_hz == 10.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[camera]\nfsp = 3", "unknown key 'camera.fsp'"),
        ("[kamera]", "unknown key 'kamera'"),
        ('[camera]\nfps = "fast"', "camera.fps: expected `float`, got `str`"),
        ("[camera]\nfps = 0", "camera.fps: expected `float` >= 0.1"),
        ("[face]\nmin_score = 2", "face.min_score"),
        ("[face]\ndetect_every_s = 0.5", "face.detect_every_s: expected `float` <= 0.3"),
        ('[device]\nname = "my/robot"', "device.name"),
        ('[device]\nname = "#"', "device.name"),
        ('[device]\nname = "abc\\n"', "device.name"),
        ('[mqtt]\nprefix = "abc\\n"', "mqtt.prefix"),
        ("[mqtt]\nstate_valid_s = inf", "mqtt.state_valid_s"),
        ("[mqtt]\nstate_valid_s = nan", "mqtt.state_valid_s"),
        ("[mqtt]\nstate_valid_s = 1e12", "mqtt.state_valid_s"),
        ("[mqtt]\nretry_max_s = 0", "mqtt.retry_max_s"),
        ("[mqtt]\nretry_max_s = nan", "mqtt.retry_max_s"),
        ('log_level = "loud"', "log_level: invalid enum value 'loud'"),
        ("[fusion]\nrate_hz = 1000", "fusion.rate_hz"),
        ("[fusion]\nrate_hz = 1e-300", "fusion.rate_hz: expected `float` >= 0.1"),
        ("[mqtt]\nstate_valid_s = inf", "mqtt.state_valid_s: expected `float` <= 3600"),
        ("[camera]\nrotate = 45", "camera.rotate: invalid enum value 45"),
        ('[camera]\nflip = "both"', "camera.flip: invalid enum value 'both'"),
        ("[health]\nretry_max_s = 0", "health.retry_max_s"),
        ("a = " + 100_000 * "[" + 100_000 * "]", "nested too deep"),
        ("a = 0x" + 10_000 * "F", "unknown key 'a'"),
        ("a = " + 5_000 * "9", "is no TOML"),
        ("camera = 3", "camera: expected `object`, got `int`"),
        ("[camera", "is no TOML"),
    ],
)
def test_each_fault_is_reported_in_one_line(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse(text, "edge.toml")
    message = str(error.value)
    assert message.startswith("edge.toml")
    assert said in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("robot-7", "robot-7"),
        ("pi.lab.example", "pi.lab.example"),
        ("Rob_2 (küche)/#", "Rob_2-k-che"),
        ("x" * 100, "x" * 64),
        ("", "robot"),
        ("äöü", "robot"),
        ("localhost.localdomain", "robot"),
    ],
)
def test_the_default_name_is_the_host_name_as_a_topic_level(host: str, name: str) -> None:
    assert host_level(host) == name
    assert parse(f'[device]\nname = "{name}"').device.name == name


def test_a_device_without_a_name_has_that_of_its_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "kitchen")
    assert parse("").device.name == "kitchen"
    assert parse('[device]\npurpose = "greets"').device.name == "kitchen"
    monkeypatch.setattr("socket.gethostname", lambda: "hall")
    assert Config().device.name == "hall"


def numbers() -> list[tuple[str, str, bool]]:
    """Section, key and whether it is a float, of every number that the file can hold."""
    found = []
    for section in msgspec.structs.fields(Config):
        if not (isinstance(section.type, type) and issubclass(section.type, msgspec.Struct)):
            continue
        for field in msgspec.structs.fields(section.type):
            kind = msgspec.inspect.type_info(field.type)
            if isinstance(kind, msgspec.inspect.FloatType | msgspec.inspect.IntType):
                found.append((section.name, field.name, isinstance(kind, msgspec.inspect.FloatType)))
    return found


@pytest.mark.parametrize(("section", "key", "is_float"), numbers())
def test_every_number_has_finite_bounds(section: str, key: str, is_float: bool) -> None:
    wrong = ["inf", "-inf", "nan", "1e300", "-1e300", "-1e-300"] if is_float else ["-1", "9223372036854775807"]
    for value in wrong:
        with pytest.raises(ConfigError, match=rf"{section}\.{key}"):
            parse(f"[{section}]\n{key} = {value}")


def test_a_check_gives_every_wrong_key_and_keeps_the_right_ones() -> None:
    text = """
        log_level = "loud"
        [camera]
        fps = "fast"
        width = 320
        rotate = 45
        [kamera]
        source = 1
        [mqtt]
        keepalive_s = 60
    """
    config, faults = check(text)
    assert faults == (
        "log_level: invalid enum value 'loud'",
        "camera.fps: expected `float`, got `str`",
        "camera.rotate: invalid enum value 45",
        "unknown key 'kamera'; `edge-emotion config` prints every key there is",
    )
    assert (config.camera.width, config.camera.fps, config.mqtt.keepalive_s) == (320, Config().camera.fps, 60)
    assert check(text.replace("[kamera]", ""))[1] != faults
    assert check("") == (Config(), ())


def test_a_missing_or_oversized_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.toml"
    path.write_bytes(b"#" * MAX_BYTES)
    assert load(path) == Config()
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(ConfigError, match="is larger than 1000000 bytes"):
        load(path)
    fifo = tmp_path / "fifo.toml"
    os.mkfifo(fifo)
    with pytest.raises(ConfigError, match="not a regular file"):
        load(fifo)


def test_a_missing_or_binary_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.toml: No such file"):
        load(tmp_path / "gone.toml")
    with pytest.raises(ConfigError, match="Is a directory"):
        load(tmp_path)
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load(tmp_path / "binary.toml")
