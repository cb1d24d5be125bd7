"""`edge-emotion service`: installed for real into a folder, and read by systemd's own tools."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from edge import config
from edge.commands import service as command
from edge.config import Config
from edge.errors import ConfigError, ServiceError
from edge.service import files, unit
from edge.service.install import CONFIGURATION, ENABLED, SYSUSERS, UNIT

needs_systemd_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="no systemd-analyze (Debian: systemd)"
)
no_systemd = pytest.mark.skipif(Path("/run/systemd/system").exists(), reason="systemd runs here")


def run(*argv: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    arguments = parser.parse_args(["service", *argv])
    return int(arguments.main(arguments))


def below(root: Path, path: Path) -> Path:
    return root / path.relative_to("/")


def tree(root: Path) -> dict[str, bytes | str]:
    return {
        str(path.relative_to(root)): str(path.readlink()) if path.is_symlink() else path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


@pytest.fixture
def installed(root: Path) -> Path:
    assert run("install", "--root", str(root)) == 0
    return root


def test_install_writes_four_files_that_others_may_read(installed: Path) -> None:
    assert set(tree(installed)) == {str(path.relative_to("/")) for path in (UNIT, ENABLED, SYSUSERS, CONFIGURATION)}
    assert below(installed, ENABLED).readlink() == UNIT
    assert stat.S_IMODE(below(installed, UNIT).stat().st_mode) == 0o644
    assert config.load(below(installed, CONFIGURATION)) == Config()


def test_the_unit_starts_this_installation(installed: Path) -> None:
    text = below(installed, UNIT).read_text()
    (start,) = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    assert start.endswith(f" run --quiet --config {CONFIGURATION}")
    assert start.startswith(sys.prefix)
    assert Path(start.split()[0]).is_file()


def test_neither_unit_shows_emotions_in_the_journal(installed: Path) -> None:
    for text in (files.read(files.UNIT), below(installed, UNIT).read_text()):
        (start,) = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
        assert "--quiet" in start.split()


def test_install_twice_changes_nothing(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = tree(installed)
    capsys.readouterr()
    run("install", "--root", str(installed))
    assert tree(installed) == before
    said = capsys.readouterr().out
    assert "written" not in said
    assert "kept" in said


def test_a_configuration_that_is_there_stays(root: Path) -> None:
    file = below(root, CONFIGURATION)
    file.parent.mkdir(parents=True)
    file.write_text("[device]\nname = 'kitchen'\n")
    run("install", "--root", str(root))
    assert file.read_text() == "[device]\nname = 'kitchen'\n"


def test_a_wrong_configuration_stops_before_anything_is_written(root: Path) -> None:
    file = below(root, CONFIGURATION)
    file.parent.mkdir(parents=True)
    file.write_text("[device]\nnom = 'cuisine'\n")
    with pytest.raises(ConfigError, match=r"device\.nom"):
        run("install", "--root", str(root))
    assert not below(root, UNIT).exists()


def test_another_configuration_is_written_and_read(root: Path) -> None:
    run("install", "--root", str(root), "--config", "/srv/robot.toml")
    assert (root / "srv/robot.toml").is_file()
    assert "run --quiet --config /srv/robot.toml\n" in below(root, UNIT).read_text()
    assert not below(root, CONFIGURATION).exists()


def test_another_user_needs_no_user_of_our_own(root: Path) -> None:
    run("install", "--root", str(root), "--user", "pi")
    assert "\nUser=pi\n" in below(root, UNIT).read_text()
    assert not below(root, SYSUSERS).exists()


def test_a_program_inside_the_image_is_called_by_its_name_there(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = root / "opt/robot/bin/edge-emotion"
    program.parent.mkdir(parents=True)
    program.touch()
    monkeypatch.setattr(sys, "prefix", str(root / "opt/robot"))
    run("install", "--root", str(root))
    assert "ExecStart=/opt/robot/bin/edge-emotion run" in below(root, UNIT).read_text()


def test_uninstall_keeps_the_configuration_and_reports_it(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run("uninstall", "--root", str(installed)) == 0
    assert set(tree(installed)) == {str(CONFIGURATION.relative_to("/"))}
    assert "/etc/edge-emotion" in capsys.readouterr().out
    assert run("uninstall", "--root", str(installed)) == 0
    assert "not installed" in capsys.readouterr().out


def test_a_dry_run_writes_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("install", "--root", str(root), "--dry-run")
    assert tree(root) == {}
    assert f"would write {below(root, UNIT)}" in capsys.readouterr().out


def test_a_dry_run_on_this_machine_prints_its_commands(capsys: pytest.CaptureFixture[str]) -> None:
    run("install", "--dry-run")
    said = capsys.readouterr().out
    assert f"would write {UNIT}" in said or f"same     {UNIT}" in said
    assert "would call systemctl daemon-reload" in said
    assert "would call systemd-sysusers" in said


def test_a_root_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="no such folder"):
        run("install", "--root", str(tmp_path / "gone"))


def test_a_root_that_cannot_be_written_is_named(root: Path) -> None:
    (root / "etc").write_text("a file, not a folder")
    with pytest.raises(ServiceError, match="cannot be written"):
        run("install", "--root", str(root))


@no_systemd
@pytest.mark.parametrize("action", ["install", "uninstall", "status"])
def test_without_systemd_the_alternative_is_named(action: str) -> None:
    with pytest.raises(ServiceError, match="systemd does not run here"):
        run(action)


def test_without_root_the_message_asks_for_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.service.install.check_systemd", lambda: None)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ServiceError, match="sudo"):
        run("install")


def test_an_unknown_user_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ServiceError, match="no user 'nobody-of-this-name'"):
        run("install", "--dry-run", "--user", "nobody-of-this-name")


def test_folders_that_the_unit_hides_are_shown_once() -> None:
    paths = [Path(path) for path in ("/home/pi/robot/.venv", "/usr", "/home/pi/robot", "/home/pi/robotics", "/opt/x")]
    assert unit.to_be_shown(paths) == (Path("/home/pi/robot"), Path("/home/pi/robotics"))
    with pytest.raises(ServiceError, match="/root as a whole"):
        unit.to_be_shown([Path("/root")])


def test_shown_folders_stand_in_the_unit() -> None:
    text = unit.fill_in(files.read(files.UNIT), ["/home/pi/a b/bin/x"], [Path("/home/pi/a b")])
    assert 'ExecStart="/home/pi/a b/bin/x"\nBindReadOnlyPaths="/home/pi/a b"\n' in text


@pytest.mark.parametrize(
    ("word", "quoted"), [("/opt/x", "/opt/x"), ("/opt/100%", "/opt/100%%"), ("/opt/a b", '"/opt/a b"')]
)
def test_words_are_quoted_as_systemd_reads_them(word: str, quoted: str) -> None:
    assert unit.quote(word) == quoted


@pytest.mark.parametrize("word", ["/opt/$x", '/opt/"x"', "/opt/a:b", "/opt/a\nb", "/opt/\\x", ""])
def test_a_path_that_a_unit_cannot_hold_is_refused(word: str) -> None:
    with pytest.raises(ServiceError, match="cannot stand in a unit"):
        unit.quote(word)


@needs_systemd_analyze
def test_systemd_finds_no_fault_in_the_installed_unit(installed: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", str(below(installed, UNIT))], capture_output=True, text=True, check=False
    )
    # It prints some faults with exit code 0, so its words count too.
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_systemd_analyze
def test_systemd_finds_the_sandbox_tight(installed: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(below(installed, UNIT))],
        capture_output=True,
        text=True,
        check=True,
    )
    level = re.search(r"Overall exposure level .*: ([\d.]+)", done.stdout)
    assert level
    assert float(level.group(1)) <= 2.0


@pytest.mark.skipif(shutil.which("systemd-sysusers") is None, reason="no systemd-sysusers (Debian: systemd)")
def test_systemd_makes_the_user(installed: Path) -> None:
    subprocess.run(
        ["systemd-sysusers", f"--root={installed}", str(below(installed, SYSUSERS))], check=True, capture_output=True
    )
    (line,) = [line for line in (installed / "etc/passwd").read_text().splitlines() if line.startswith("edge-emotion:")]
    assert line.endswith(":/var/lib/edge-emotion:/usr/sbin/nologin")
