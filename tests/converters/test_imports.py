"""Modules with custom layers: named explicitly, or refused with the way to name them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from converters.imports import loaded, parse, perform
from converters.job import Import
from edge.errors import ConversionError


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The test's changes of `sys.path` and `sys.modules` are undone."""
    before = set(sys.modules)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(path: Path, text: str = "VALUE = __name__") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_file_is_imported_under_its_own_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "own_layers.py")
    monkeypatch.chdir(tmp_path)
    one = parse("own_layers.py")
    assert one == Import(module="own_layers", file=str(tmp_path / "own_layers.py"))
    perform([one], [])
    assert sys.modules["own_layers"].VALUE == "own_layers"


def test_a_name_is_not_searched_for_in_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "own_layers.py")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConversionError, match=r"cannot import 'own_layers'.*--import \./layers\.py.*--import-path DIR"):
        perform([parse("own_layers")], [])
    perform([parse("own_layers")], [str(tmp_path)])
    assert sys.path[-1] == str(tmp_path)


def test_a_module_that_is_loaded_already_brings_its_package(tmp_path: Path) -> None:
    write(tmp_path / "own_package" / "__init__.py")
    write(tmp_path / "own_package" / "deep" / "__init__.py")
    write(tmp_path / "own_package" / "deep" / "layers.py", "from own_package.deep import VALUE")
    perform([Import(module="own_package.deep.layers")], [str(tmp_path)])
    (one,) = loaded(["own_package.deep.layers"])
    assert one == Import(module="own_package.deep.layers", file=str(tmp_path / "own_package" / "__init__.py"))
    sys.path.remove(str(tmp_path))
    for name in [name for name in sys.modules if name.startswith("own_package")]:
        del sys.modules[name]
    perform([one], [])
    assert sys.modules["own_package.deep.layers"].VALUE == "own_package.deep"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("absent.py", r"absent\.py: no such file"),
        ("two words.py", "a module cannot have this name"),
        ("two words", "neither a .py file nor the name of a module"),
        ("../up", "neither a .py file nor the name of a module"),
        ("", "neither a .py file nor the name of a module"),
    ],
)
def test_invalid_module_names_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    write(tmp_path / "two words.py")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConversionError, match=message):
        parse(text)


def test_a_file_must_not_stand_for_an_installed_module(tmp_path: Path) -> None:
    path = write(tmp_path / "json.py")
    with pytest.raises(ConversionError, match=r"json\.py has the name of an installed module: rename it"):
        perform([parse(str(path))], [])


def test_a_module_that_fails_is_named_in_one_line_and_not_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "failing_layers.py", "raise ValueError('first\\nsecond')")
    with pytest.raises(ConversionError, match=r"cannot import 'failing_layers', .*: first second$"):
        perform([parse(str(path))], [])
    assert "failing_layers" not in sys.modules
