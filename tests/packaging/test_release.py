"""`make release` changes the version and the changelog together, or nothing."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from tools.release import ReleaseError, dated, release

DAY = datetime.date(2027, 1, 31)
CHANGELOG = """# Changelog

## [Unreleased]

### Added

- A thing.

## [0.1.0] - 2026-11-24

- The first.

[0.1.0]: https://example.org
"""


def test_the_unreleased_entries_get_a_dated_heading() -> None:
    text = dated(CHANGELOG, "0.2.0", DAY)
    heading = "## [Unreleased]\n\n## [0.2.0] - 2027-01-31\n\n### Added\n\n- A thing.\n\n## [0.1.0] - 2026-11-24"
    assert heading in text
    assert text.count("- A thing.") == 1
    assert text.endswith("[0.1.0]: https://example.org\n")


@pytest.mark.parametrize(
    ("changelog", "version", "reason"),
    [
        (CHANGELOG, "0.1.0", "already"),
        (CHANGELOG.replace("### Added\n\n- A thing.\n", ""), "0.2.0", "no entries"),
        ("# Changelog\n", "0.2.0", "no entries"),
    ],
)
def test_a_release_without_news_is_refused(changelog: str, version: str, reason: str) -> None:
    with pytest.raises(ReleaseError, match=reason):
        dated(changelog, version, DAY)


def repository(folder: Path) -> Path:
    (folder / "edge").mkdir()
    (folder / "edge" / "__init__.py").write_text('"""Text."""\n\n__version__ = "0.1.0"\n')
    (folder / "CHANGELOG.md").write_text(CHANGELOG)
    return folder


def test_the_version_is_written_in_its_one_place(tmp_path: Path) -> None:
    release(repository(tmp_path), "0.2.0rc1", DAY)
    assert (tmp_path / "edge" / "__init__.py").read_text() == '"""Text."""\n\n__version__ = "0.2.0rc1"\n'
    assert "## [0.2.0rc1] - 2027-01-31" in (tmp_path / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("version", ["", "1", "v1.2.3", "1.2.3-beta", "0.1.0"])
def test_a_wrong_version_changes_nothing(tmp_path: Path, version: str) -> None:
    folder = repository(tmp_path)
    with pytest.raises(ReleaseError):
        release(folder, version, DAY)
    assert (folder / "CHANGELOG.md").read_text() == CHANGELOG
    assert '"0.1.0"' in (folder / "edge" / "__init__.py").read_text()
