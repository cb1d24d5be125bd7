"""How the build rewrites the repository's packages into the one that a wheel holds, and which code it refuses."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest
from support.built_wheel import ROOT

pytest.importorskip("hatchling")


def load_hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["hatch_build"] = module
    spec.loader.exec_module(module)
    return module


hook = load_hook()
NAMES = hook.module_names(ROOT)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from edge import clip", "from edge_emotion import clip"),
        ("from edge.face.crop import crop", "from edge_emotion.face.crop import crop"),
        ("from converters import tflite", "from edge_emotion.converters import tflite"),
        ("import edge", "import edge_emotion as edge"),
        ("import converters.tflite as t", "import edge_emotion.converters.tflite as t"),
        (
            "if True:\n    from edge.errors import ModelError",
            "if True:\n    from edge_emotion.errors import ModelError",
        ),
        ("from edge.face import (\n    crop,\n)", "from edge_emotion.face import (\n    crop,\n)"),
        ('m = f"edge.commands.{n}"', 'm = f"edge_emotion.commands.{n}"'),
        ('"""Run `python -m edge.clip.build`."""', '"""Run `python -m edge_emotion.clip.build`."""'),
        ("x = 1  # see converters.parity", "x = 1  # see edge_emotion.converters.parity"),
        ('"""é\n  edge.face and edge.voice\n"""\n', '"""é\n  edge_emotion.face and edge_emotion.voice\n"""\n'),
        ('"""As `models.face.train` does."""', '"""As `models.face.train` does."""'),
        ('x = "edge.toml"', 'x = "edge.toml"'),
        ("edge = box.edge.face", "edge = box.edge.face"),
        ("from . import edge", "from . import edge"),
    ],
)
def test_names_of_ours_are_replaced_and_nothing_else(source: str, expected: str) -> None:
    assert hook.rewritten(source, NAMES) == expected


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import edge.face.crop", "write `from edge import face.crop`"),
        ("from models.face import fetch", "'models.face' is imported"),
        ("import models", "'models' is imported"),
        ("def f():\n    from tests import support", "'tests' is imported"),
        ('x = ["-m", "models.face.fetch"]', "names 'models'"),
        ('x = f"run python -m models.face.fetch {n}"', "names 'models'"),
        ('from importlib import resources\nresources.files("models")', "'models' is imported"),
        ('importlib.import_module("edge")', "'edge' is imported"),
    ],
)
def test_code_that_would_not_run_from_a_wheel_is_refused(source: str, reason: str) -> None:
    with pytest.raises(hook.BuildError, match=reason):
        hook.rewritten(source, NAMES)


def repository(folder: Path, model: bytes | None) -> Path:
    """A source tree with a BlazeFace card, and a fetch that fails."""
    face = folder / "models" / "face"
    face.mkdir(parents=True)
    for package in (face, face.parent):
        (package / "__init__.py").write_text("")
    card = {"schema": "edge-emotion/card/1", "sha256": "0" * 64, "file": "blazeface_short.tflite"}
    (face / "blazeface_short.json").write_text(json.dumps(card))
    (face / "fetch.py").write_text("import sys\nsys.exit('BlazeFace is not there (no network)')\n")
    if model is not None:
        (face / "blazeface_short.tflite").write_bytes(model)
    return folder


@pytest.mark.parametrize("model", [None, b"another file"])
def test_no_wheel_is_built_without_the_face_detector(tmp_path: Path, model: bytes | None) -> None:
    with pytest.raises(hook.BuildError, match=r"face detector: BlazeFace is not there \(no network\)"):
        hook.fetched_blazeface(repository(tmp_path, model))


def test_a_model_that_is_not_its_cards_is_refused(tmp_path: Path) -> None:
    with pytest.raises(hook.BuildError, match=r"models/face/blazeface_short\.tflite is missing or is not the file"):
        hook.shipped_models(repository(tmp_path, b"another file"))


def test_files_of_editors_and_interpreters_are_excluded(tmp_path: Path) -> None:
    for name in ("a.py", "a.py~", ".a.py.swp", "__pycache__/a.pyc", "data/x.part", "data/x.bin"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    assert [path.relative_to(tmp_path).as_posix() for path in hook._files(tmp_path)] == ["a.py", "data/x.bin"]
