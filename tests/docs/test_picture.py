"""The README's picture matches the current output of the program."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
from support.markdown import ROOT


def words(svg: str) -> list[str]:
    """The words of the drawn text in order, without figures and bars, which differ a little between processors."""
    text = " ".join(re.sub(r"<[^>]*>", " ", line) for line in re.findall(r"<text.*?</text>", svg))
    return re.findall(r"[A-Za-z]{2,}", text)


def test_the_picture_can_be_made_and_is_up_to_date(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = importlib.util.spec_from_file_location("picture", ROOT / "docs" / "picture.py")
    assert spec is not None
    assert spec.loader is not None
    picture = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(picture)
    # It writes beside itself, so it is made to believe that it lies elsewhere.
    picture.__file__ = str(tmp_path / "picture.py")
    picture.main()
    made = (tmp_path / "live.svg").read_text("utf-8")
    assert "data:image/jpeg;base64," in made
    assert "happiness" in capsys.readouterr().out
    shown = words((ROOT / "docs" / "live.svg").read_text("utf-8"))
    assert words(made) == shown
    assert {"happiness", "face", "voice", "words"} <= set(shown)
