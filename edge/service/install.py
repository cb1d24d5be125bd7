"""Installing and removing the service: on this machine, or in a folder that will be one (an SD card, an image)."""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge import config
from edge.errors import ServiceError
from edge.service import files, unit

UNIT: Final = Path("/etc/systemd/system") / files.UNIT
ENABLED: Final = Path("/etc/systemd/system/multi-user.target.wants") / files.UNIT
SYSUSERS: Final = Path("/etc/sysusers.d/edge-emotion.conf")
CONFIGURATION: Final = Path("/etc/edge-emotion/config.toml")

HOST: Final = Path("/")


@dataclass
class Installer:
    """Changes the system under `root`; with `dry_run` it only says what it would do."""

    root: Path = HOST
    dry_run: bool = False
    say: Callable[[str], None] = print

    @property
    def live(self) -> bool:
        """True where `root` is the running system."""
        return self.root == HOST

    def install(self, user: str | None = None, configuration: Path = CONFIGURATION) -> None:
        """Writes unit, user and configuration, then starts the service. Raises `ServiceError` or `ConfigError`.

        `user`: run as this one instead of as `edge-emotion`. `configuration`: the file that the service reads, as an
        absolute path in the installed system; written where it is absent, never overwritten.
        """
        self._check()
        if user is not None and self.live:
            _check_user(user)
        if self._at(configuration).exists():
            config.load(self._at(configuration))
        shown = unit.to_be_shown(self._inside(path) for path in (*unit.needed(), configuration))
        program, *arguments = unit.program()
        command = [str(self._inside(Path(program))), *arguments, "run", "--quiet", "--config", str(configuration)]
        text = unit.fill_in(files.read(files.UNIT), command, shown, user)

        if user is None:
            self._write(SYSUSERS, files.read(files.SYSUSERS))
            self._call("systemd-sysusers", str(SYSUSERS))
        self._write(configuration, files.read(files.CONFIGURATION), overwrite=False)
        changed = self._write(UNIT, text)
        if self.live:
            self._call("systemctl", "daemon-reload")
            self._call("systemctl", "enable", files.UNIT)
            # A service that ran before goes on with the old unit until it is started anew.
            self._call("systemctl", "restart" if changed else "start", files.UNIT)
        else:
            self._link(ENABLED, UNIT)
            self.say(f"it starts when {self.root} is booted, from {command[0]}")

    def uninstall(self) -> None:
        """Stops the service and removes its unit; configuration, user and state stay. Raises `ServiceError`."""
        self._check()
        if not self._at(UNIT).exists() and not self._at(SYSUSERS).exists():
            self.say("the service is not installed")
            return
        if self.live:
            self._call("systemctl", "disable", "--now", files.UNIT)
        for path in (ENABLED, UNIT, SYSUSERS):
            self._remove(path)
        if self.live:
            self._call("systemctl", "daemon-reload")
        self.say(f"left as they are: {CONFIGURATION.parent} and /var/lib/edge-emotion, and the user edge-emotion")

    def _check(self) -> None:
        if not self.live:
            if not self.root.is_dir():
                raise ServiceError(f"--root {self.root}: no such folder")
        elif not self.dry_run:
            check_systemd()
            if os.geteuid() != 0:
                raise ServiceError("only root can change services: type sudo before the command")

    def _at(self, path: Path) -> Path:
        """Where an absolute path of the installed system lies now."""
        return self.root / path.relative_to("/")

    def _inside(self, path: Path) -> Path:
        """What an absolute path of now is called in the installed system."""
        return Path("/") / path.relative_to(self.root) if path.is_relative_to(self.root) else path

    def _write(self, path: Path, text: str, overwrite: bool = True) -> bool:
        """True where the file was changed."""
        target = self._at(path)
        try:
            if target.exists():
                if not overwrite:
                    self.say(f"kept     {target}")
                    return False
                if target.read_text(encoding="utf-8") == text:
                    self.say(f"same     {target}")
                    return False
            self.say(f"{'would write' if self.dry_run else 'written '} {target}")
            if not self.dry_run:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text, encoding="utf-8")
                target.chmod(0o644)
        except OSError as error:
            raise ServiceError(f"{target} cannot be written: {error.strerror}") from error
        return True

    def _link(self, path: Path, to: Path) -> None:
        target = self._at(path)
        if target.is_symlink():
            self.say(f"same     {target}")
            return
        self.say(f"{'would link' if self.dry_run else 'linked  '} {target}")
        if not self.dry_run:
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(to)
            except OSError as error:
                raise ServiceError(f"{target} cannot be written: {error.strerror}") from error

    def _remove(self, path: Path) -> None:
        target = self._at(path)
        if not (target.exists() or target.is_symlink()):
            return
        self.say(f"{'would remove' if self.dry_run else 'removed '} {target}")
        if not self.dry_run:
            try:
                target.unlink()
            except OSError as error:
                raise ServiceError(f"{target} cannot be removed: {error.strerror}") from error

    def _call(self, *command: str) -> None:
        if not self.live:
            return
        self.say(f"{'would call' if self.dry_run else 'called  '} {shlex.join(command)}")
        if self.dry_run:
            return
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = (done.stderr or done.stdout).strip().splitlines()
            raise ServiceError(
                f"`{shlex.join(command)}` failed: {reason[0].rstrip('.') if reason else f'exit code {done.returncode}'}"
                f"; `edge-emotion service status` shows more"
            )


def check_systemd() -> None:
    """Raises `ServiceError` where systemd does not run, as sd_booted(3) finds out."""
    if not Path("/run/systemd/system").is_dir() or shutil.which("systemctl") is None:
        raise ServiceError("systemd does not run here; --root DIR installs into a system that is not running")


def _check_user(name: str) -> None:
    try:
        pwd.getpwnam(name)
    except KeyError:
        raise ServiceError(f"there is no user {name!r}: make it first, or leave --user away") from None
