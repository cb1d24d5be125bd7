"""A microphone without hardware: a private PulseAudio whose null sink comes out of ALSA's default input."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

RATE = 16_000

_PROGRAMS = ("pulseaudio", "pactl", "pacat", "paplay")


def missing() -> str | None:
    """What lacks for it, in words; None where all is there."""
    if find_spec("pyaudio") is None:
        return "no PyAudio here (pip install 'edge-emotion[microphone]')"
    gone = [program for program in _PROGRAMS if shutil.which(program) is None]
    if gone:
        return f"no {', '.join(gone)} here (apt-get install pulseaudio pulseaudio-utils libasound2-plugins)"
    if not list(Path("/usr/lib").glob("*/alsa-lib/libasound_module_pcm_pulse.so")):
        return "no ALSA plugin for PulseAudio here (apt-get install libasound2-plugins)"
    return None


class VirtualMicrophone:
    """What is played into it is recorded by any program that runs with `environment`, sample for sample."""

    def __init__(self) -> None:
        # Not pytest's folder: the path of a socket is limited to 107 bytes.
        self._folder = Path(tempfile.mkdtemp(prefix="microphone-"))
        self._socket = self._folder / "pulse.sock"
        self._server: subprocess.Popen[bytes] | None = None
        self._keep_awake: subprocess.Popen[bytes] | None = None
        home = self._folder / "home"
        home.mkdir()
        (home / ".asoundrc").write_text("pcm.!default { type pulse }\nctl.!default { type pulse }\n")
        self.environment = {
            **os.environ,
            "HOME": str(home),
            "XDG_RUNTIME_DIR": str(self._folder),
            "PULSE_RUNTIME_PATH": str(self._folder / "runtime"),
            "PULSE_STATE_PATH": str(self._folder / "state"),
            "PULSE_SERVER": f"unix:{self._socket}",
            # Its warnings on running as root, where tests do, are not the matter here.
            "PULSE_LOG": "0",
        }

    def start(self) -> VirtualMicrophone:
        """Skips the test where PulseAudio does not start."""
        self._server = self._spawn(
            *("pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"),
            *("-L", f"module-native-protocol-unix socket={self._socket} auth-anonymous=1"),
            *("-L", f"module-null-sink sink_name=fake rate={RATE} channels=1 format=s16le"),
            *("-L", "module-remap-source master=fake.monitor source_name=fakemic"),
        )
        self._run_until_it_works("pactl", "set-default-source", "fakemic")
        # A sink that nobody plays to falls asleep and loses the first moments of what comes.
        self._keep_awake = self._spawn(
            *("pacat", "--playback", "--device=fake", f"--rate={RATE}", "--channels=1", "--format=s16le"),
            *("--latency-msec=10", "/dev/zero"),
        )
        time.sleep(3.0)
        return self

    def play(self, wav: Path) -> subprocess.Popen[bytes]:
        """Starts to play a 16 kHz mono WAV, in real time."""
        return self._spawn("paplay", "--device=fake", str(wav))

    def python(self, code: str, *arguments: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
        """Starts Python code that hears this microphone: ALSA reads its surroundings when a process begins."""
        return subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            env=self.environment,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def freeze(self) -> None:
        """Stops the server from answering; its connections stay open."""
        if self._server is not None:
            self._server.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets a frozen server go on."""
        if self._server is not None:
            self._server.send_signal(signal.SIGCONT)

    def unplug(self) -> None:
        """Ends the server, as if the device were pulled out."""
        for process in (self._keep_awake, self._server):
            if process is not None:
                process.terminate()
                process.wait(timeout=10)
        self._keep_awake = self._server = None

    def stop(self) -> None:
        self.unplug()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _spawn(self, *command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _run_until_it_works(self, *command: str) -> None:
        deadline = time.monotonic() + 20
        while True:
            done = subprocess.run(command, env=self.environment, capture_output=True, timeout=20, check=False)
            if done.returncode == 0:
                return
            if time.monotonic() > deadline or (self._server is not None and self._server.poll() is not None):
                reason = " ".join(done.stderr.decode(errors="replace").split())
                pytest.skip(f"PulseAudio does not start here ({reason})")
            time.sleep(0.2)


def running() -> Iterator[VirtualMicrophone]:
    """The body of a fixture: a running microphone, stopped in the end; skips where its parts are missing."""
    lacking = missing()
    if lacking:
        pytest.skip(lacking)
    card = VirtualMicrophone()
    try:
        yield card.start()
    finally:
        card.stop()
