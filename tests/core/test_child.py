"""A child process runs our module and never imports modules from the user's folder."""

from __future__ import annotations

import json
import os
import shutil
import site
import subprocess
import sys
from pathlib import Path

import pytest

import edge
from edge import child

HOSTILE = ("nt", "json", "sitecustomize", "usercustomize", "numpy", "msgspec", "models", "converters", "edge")


@pytest.fixture
def user_folder(tmp_path: Path) -> Path:
    """A working directory whose modules have the names of ours and of others, and each leaves a trace when run."""
    folder = tmp_path / "user"
    for name in HOSTILE:
        (folder / name).mkdir(parents=True)
        trace = f"import pathlib; pathlib.Path({str(folder / (name + '.ran'))!r}).touch()\n"
        (folder / name / "__init__.py").write_text(trace)
    return folder


def run(command: list[str], folder: Path, **environment: str) -> str:
    done = subprocess.run(
        command, cwd=folder, env=os.environ | environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nothing_of_the_working_directory_or_of_pythonpath_is_imported(user_folder: Path) -> None:
    printed = run(child.command("edge.cli", "--version"), user_folder, PYTHONPATH=str(user_folder))
    assert printed.strip() == f"edge-emotion {edge.__version__}"
    assert not list(user_folder.glob("*.ran"))


PROGRAM = """
import json, os, sys
print(json.dumps([sys.argv[1:], __name__, sys.path, os.path.dirname(os.path.dirname(__file__))]))
"""


def test_a_package_that_is_only_on_the_parents_path_is_found_under_any_name(user_folder: Path, tmp_path: Path) -> None:
    """As in a checkout without an install, and in a wheel, where the package has another name."""
    elsewhere = tmp_path / "else where"
    (elsewhere / "renamed").mkdir(parents=True)
    shutil.copy(child.__file__, elsewhere / "renamed" / "child.py")
    (elsewhere / "renamed" / "__init__.py").touch()
    (elsewhere / "renamed" / "program.py").write_text(PROGRAM)
    parent = f"""
import subprocess, sys
sys.path.insert(0, {str(elsewhere)!r})
from renamed import child
sys.exit(subprocess.run(child.command("renamed.program", "a b", "--flag")).returncode)
"""
    # The parent is isolated too: here it is the child alone that is looked at.
    arguments, name, path, root = json.loads(run([sys.executable, "-I", "-c", parent], user_folder))
    assert (arguments, name, root) == (["a b", "--flag"], "__main__", str(elsewhere))
    assert str(user_folder) not in path
    assert "" not in path
    assert not list(user_folder.glob("*.ran"))


def test_the_package_stands_behind_the_standard_library_and_before_site_packages() -> None:
    entries = run([*child.command("edge.cli")[:5], "site"], Path.cwd())
    lines = [line.strip(" ',") for line in entries.splitlines()]
    ours = lines.index(str(Path(edge.__file__).parents[1]))
    assert lines.index(str(Path(os.__file__).parent)) < ours
    assert ours < min(index for index, line in enumerate(lines) if line.endswith("site-packages"))


def test_the_users_site_packages_are_kept_where_the_parent_uses_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`-I` leaves them out, and with `pip install --user` every dependency lies there."""
    (tmp_path / "only_for_this_user.py").touch()
    monkeypatch.setattr(site, "ENABLE_USER_SITE", True)
    monkeypatch.setattr(site, "getusersitepackages", lambda: str(tmp_path))
    assert str(tmp_path) not in child.command("edge.cli")
    monkeypatch.syspath_prepend(tmp_path)
    run([*child.command("edge.cli")[:5], "only_for_this_user"], tmp_path)


def test_a_missing_package_is_named() -> None:
    with pytest.raises(ModuleNotFoundError, match="no package 'no_such_package'"):
        child.command("no_such_package.module")
