"""Installs and removes the service, on this machine or in the root folder of another system (SD card, image)."""

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
"""Where the unit is installed."""

ENABLED: Final = Path("/etc/systemd/system/multi-user.target.wants") / files.UNIT
"""Symbolic link that starts the service at boot."""

SYSUSERS: Final = Path("/etc/sysusers.d/edge-emotion.conf")
"""Where the declaration of the system user is installed."""

CONFIGURATION: Final = Path("/etc/edge-emotion/config.toml")
"""Configuration that the service reads by default."""

HOST: Final = Path("/")
"""Root folder of the running system."""


@dataclass
class Installer:
    """Installs the service into a system, or removes it."""

    root: Path = HOST
    """Root folder of the system."""
    dry_run: bool = False
    """Only report what would be done."""
    say: Callable[[str], None] = print
    """Receives one line for each action."""

    @property
    def live(self) -> bool:
        """Whether `root` is the running system."""
        return self.root == HOST

    def install(self, user: str | None = None, configuration: Path = CONFIGURATION) -> None:
        """Writes unit, user and configuration, then starts the service. Raises `ServiceError` or `ConfigError`.

        Args:
            user: existing user to run the service as; None for `edge-emotion`.
            configuration: file that the service reads, as an absolute path in the installed system. It is written if
                it does not exist, and never overwritten.
        """
        self._check()
        if user is not None and self.live:
            _check_user(user)
        if self._on_this_machine(configuration).exists():
            config.load(self._on_this_machine(configuration))
        shown = unit.to_be_shown(self._in_installed_system(path) for path in (*unit.needed(), configuration))
        program, *arguments = unit.program()
        command = [
            str(self._in_installed_system(Path(program))),
            *arguments,
            "run",
            "--quiet",
            "--config",
            str(configuration),
        ]
        text = unit.fill_in(files.read(files.UNIT), command, shown, user)

        if user is None:
            self._write(SYSUSERS, files.read(files.SYSUSERS))
            self._call("systemd-sysusers", str(SYSUSERS))
        self._write(configuration, files.read(files.CONFIGURATION), overwrite=False)
        changed = self._write(UNIT, text)
        if self.live:
            self._call("systemctl", "daemon-reload")
            self._call("systemctl", "enable", files.UNIT)
            # A running service uses the old unit until it is restarted.
            self._call("systemctl", "restart" if changed else "start", files.UNIT)
        else:
            self._link(ENABLED, UNIT)
            self.say(f"it starts when {self.root} is booted, from {command[0]}")

    def uninstall(self) -> None:
        """Stops the service and removes its unit; configuration, user and state stay. Raises `ServiceError`."""
        self._check()
        if not self._on_this_machine(UNIT).exists() and not self._on_this_machine(SYSUSERS).exists():
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

    def _on_this_machine(self, path: Path) -> Path:
        """Converts an absolute path in the installed system to a path on this machine."""
        return self.root / path.relative_to("/")

    def _in_installed_system(self, path: Path) -> Path:
        """Converts an absolute path on this machine to a path in the installed system."""
        return Path("/") / path.relative_to(self.root) if path.is_relative_to(self.root) else path

    def _write(self, path: Path, text: str, overwrite: bool = True) -> bool:
        """Writes a file of the installed system. Returns whether the file changed, or would change."""
        target = self._on_this_machine(path)
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
        target = self._on_this_machine(path)
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
        target = self._on_this_machine(path)
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
    """Raises `ServiceError` if systemd does not run, by the check of sd_booted(3)."""
    if not Path("/run/systemd/system").is_dir() or shutil.which("systemctl") is None:
        raise ServiceError("systemd does not run here; --root DIR installs into a system that is not running")


def _check_user(name: str) -> None:
    try:
        pwd.getpwnam(name)
    except KeyError:
        raise ServiceError(f"there is no user {name!r}: make it first, or leave --user away") from None
