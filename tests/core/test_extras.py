"""The printed command installs the missing packages, however this package was installed."""

from __future__ import annotations

import shlex
import sys
from importlib import metadata
from pathlib import Path

import pytest

from edge import extras
from edge.errors import MissingExtraError

DECLARED = [
    "msgspec>=0.19",
    "ai-edge-litert>=2.0; platform_machine == 'x86_64' or platform_machine == 'aarch64'",
    "keras<4,>=3.6; extra == 'convert'",
    "tensorflow-cpu>=2.18; (platform_machine == 'no such machine') and extra == 'convert'",
    "tensorflow>=2.18; (platform_machine != 'no such machine') and extra == 'convert'",
    'iotcore>=0.4; extra == "broker"',
    "tflite-runtime>=2.14; (python_version < '3') and extra == 'tflite-runtime'",
]


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "requires", lambda name: DECLARED)


def words(command: str) -> list[str]:
    """The arguments after `python -m pip install` as a shell splits them."""
    python, *rest = shlex.split(command)
    assert python == sys.executable
    assert rest[:3] == ["-m", "pip", "install"]
    return rest[3:]


@pytest.mark.usefixtures("declared")
def test_the_packages_themselves_are_named_and_only_those_for_this_machine() -> None:
    assert words(extras.install_command("convert")) == ["keras<4,>=3.6", "tensorflow>=2.18"]
    assert words(extras.install_command("broker")) == ["iotcore>=0.4"]
    assert words(extras.install_command("", "AI_Edge.LiteRT")) == ["ai-edge-litert>=2.0"]


@pytest.mark.usefixtures("declared")
def test_without_a_parser_pip_gets_the_markers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "_PARSERS", ("no_such_module",))
    found = words(extras.install_command("convert"))
    assert found[0] == "keras<4,>=3.6"
    assert found[2] == "tensorflow>=2.18; (platform_machine != 'no such machine')"


@pytest.mark.usefixtures("declared")
def test_an_extra_without_a_package_for_this_python_says_so() -> None:
    assert "has no package for Python 3." in extras.install_command("tflite-runtime")


def test_a_checkout_without_metadata_is_installed_from_its_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def missing(name: str) -> list[str]:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", missing)
    root = Path(extras.__file__).parents[1]
    assert words(extras.install_command("convert")) == ["-e", f"{root}[convert]"]
    monkeypatch.setattr(extras, "__file__", str(tmp_path / "edge" / "extras.py"))
    assert "the extra 'convert'" in extras.install_command("convert")


@pytest.mark.parametrize("extra", ["convert", "media", "keywords", "broker", "microphone", "mfcc", "vosk"])
def test_every_extra_that_an_error_names_has_packages_and_no_index_is_asked_for_this_package(extra: str) -> None:
    message = str(MissingExtraError("that", extra))
    assert message.startswith("that needs an optional package: ")
    assert "\n" not in message
    found = words(message.partition(": ")[2])
    assert found
    assert not any(word.startswith("edge-emotion") for word in found)
