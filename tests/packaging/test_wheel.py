"""The contents of a wheel that was built as pip builds it."""

from __future__ import annotations

import json
import subprocess
import zipfile
from pathlib import Path

import pytest
from support.built_wheel import ROOT, build

LARGEST = 6_000_000
"""Bytes: a little more than the largest model."""


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    with zipfile.ZipFile(build(tmp_path_factory.mktemp("wheel"))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def tracked(*patterns: str) -> list[str]:
    listed = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def test_it_installs_one_package_and_nothing_beside_it(members: dict[str, bytes]) -> None:
    (record,) = [data.decode() for name, data in members.items() if name.endswith(".dist-info/RECORD")]
    recorded = [line.split(",")[0] for line in record.splitlines()]
    assert sorted(recorded) == sorted(members)
    assert {name.split("/")[0] for name in recorded if ".dist-info/" not in name} == {"edge_emotion"}


def test_the_command_is_the_packages(members: dict[str, bytes]) -> None:
    (points,) = [data.decode() for name, data in members.items() if name.endswith("/entry_points.txt")]
    assert points.split() == ["[console_scripts]", "edge-emotion", "=", "edge_emotion.cli:main"]


def test_it_has_the_service_the_clip_and_the_licences(members: dict[str, bytes]) -> None:
    service = {f"edge_emotion/service/data/edge-emotion.{kind}" for kind in ("service", "sysusers", "toml")}
    assert service | {"edge_emotion/clip/clip.mp4", "edge_emotion/clip/clip.jsonl", "edge_emotion/py.typed"} <= set(
        members
    )
    unit = members["edge_emotion/service/data/edge-emotion.service"]
    assert unit == (ROOT / "systemd/edge-emotion.service").read_bytes()
    licences = {name.rpartition("/")[2]: data for name, data in members.items() if ".dist-info/licenses/" in name}
    assert set(licences) == {"LICENSE", "NOTICE"}
    assert b"BlazeFace" in licences["NOTICE"]


def test_every_file_of_the_device_is_in_it(members: dict[str, bytes]) -> None:
    wanted = [f"edge_emotion/{name.removeprefix('edge/')}" for name in tracked("edge", "converters")]
    assert [name for name in wanted if name not in members] == []


def test_it_holds_no_training_code(members: dict[str, bytes]) -> None:
    device = {Path(name).relative_to(folder).as_posix() for folder in ("edge",) for name in tracked(folder)}
    device |= set(tracked("converters"))
    code = {name.removeprefix("edge_emotion/") for name in members if name.endswith(".py")}
    assert code <= device
    assert not any(name.startswith("edge_emotion/weights/") and name.endswith(".py") for name in members)


NUMBERS = {f"edge_emotion/weights/{room}/{room}.json" for room in ("fusion", "speaker")}
"""Shipped files of numbers that are no `.tflite` model."""


def test_every_shipped_model_and_its_card_are_in_it(members: dict[str, bytes]) -> None:
    rooms = [name.removeprefix("models/") for name in tracked("models/*.json") if name.count("/") == 2]
    cards = {
        f"edge_emotion/weights/{name}"
        for name in rooms
        if json.loads((ROOT / "models" / name).read_text("utf-8")).get("schema", "").startswith("edge-emotion/card/")
    }
    assert "edge_emotion/weights/face/blazeface_short.json" in cards
    weights = {name for name in members if name.startswith("edge_emotion/weights/")}
    assert weights == cards | {name.removesuffix(".json") + ".tflite" for name in cards} | NUMBERS


def test_every_card_names_the_model_beside_it(members: dict[str, bytes]) -> None:
    cards = {name: data for name, data in members.items() if "/weights/" in name and name.endswith(".json")}
    for name, data in cards.items():
        if name not in NUMBERS:
            assert f"{name.rpartition('/')[0]}/{json.loads(data)['file']}" in members


def test_no_file_is_large(members: dict[str, bytes]) -> None:
    assert {name: len(data) for name, data in members.items() if len(data) > LARGEST} == {}


def test_it_asks_for_at_most_six_packages(members: dict[str, bytes]) -> None:
    (metadata,) = [data.decode() for name, data in members.items() if name.endswith(".dist-info/METADATA")]
    needed = [line for line in metadata.splitlines() if line.startswith("Requires-Dist:") and "extra ==" not in line]
    assert 0 < len(needed) <= 6
    assert "\nName: edge-emotion\n" in metadata
    assert "\nRequires-Python: >=3.11\n" in metadata
