"""The order in which this process looks for modules."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from edge.search_path import put_installation_first


def test_folders_of_pythonpath_come_last_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = str(tmp_path / "first"), str(tmp_path / "second")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([first, second, ""]))
    monkeypatch.setattr(sys, "path", ["/program", first, second, "/library", "/installed"])
    put_installation_first()
    assert sys.path == ["/program", "/library", "/installed", first, second]


def test_nothing_moves_without_pythonpath(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.setattr(sys, "path", ["", "/library"])
    put_installation_first()
    assert sys.path == ["", "/library"]
