"""What an installed package has: built as pip builds it, and looked into."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_it_installs_three_packages_and_nothing_beside_them(members: dict[str, bytes]) -> None:
    # Above all no `systemd`, which would stand before python-systemd.
    top = {name.split("/")[0] for name in members}
    assert {name for name in top if not name.endswith(".dist-info")} == {"edge", "converters", "models"}


def test_it_has_the_service_the_clip_and_the_licence(members: dict[str, bytes]) -> None:
    wanted = {f"edge/service/data/edge-emotion.{kind}" for kind in ("service", "sysusers", "toml")}
    wanted |= {"edge/clip/clip.mp4", "edge/clip/clip.jsonl", "edge/py.typed", "models/face/blazeface_short.json"}
    assert wanted <= members.keys()
    assert members["edge/service/data/edge-emotion.service"] == (ROOT / "systemd/edge-emotion.service").read_bytes()
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in members)


def test_every_data_file_of_the_packages_is_in_it(members: dict[str, bytes]) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "edge", "converters", "models"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if tracked.returncode:
        pytest.skip("not a git checkout")
    present = [name for name in tracked.stdout.splitlines() if (ROOT / name).is_file()]
    wanted = [name for name in present if not name.startswith("models/voice/folds/")]
    assert [name for name in wanted if name not in members] == []
    assert not any("/folds/" in name for name in members)


def test_every_model_has_its_card_and_every_card_but_blazefaces_its_model(members: dict[str, bytes]) -> None:
    models = {name for name in members if name.endswith(".tflite")}
    cards = {
        name: json.loads(data)["file"]
        for name, data in members.items()
        if name.endswith(".json") and json.loads(data).get("schema", "").startswith("edge-emotion/card/")
    }
    assert cards
    described = {f"{name.rpartition('/')[0]}/{file}" for name, file in cards.items()}
    # BlazeFace is Google's file, fetched at set-up.
    assert models == described - {"models/face/blazeface_short.tflite"}


def test_it_asks_for_at_most_six_packages(members: dict[str, bytes]) -> None:
    (metadata,) = [data.decode() for name, data in members.items() if name.endswith(".dist-info/METADATA")]
    needed = [line for line in metadata.splitlines() if line.startswith("Requires-Dist:") and "extra ==" not in line]
    assert 0 < len(needed) <= 6
    assert "\nName: edge-emotion\n" in metadata
    assert "\nRequires-Python: >=3.11\n" in metadata
