"""`watch` as a user runs it: a process of its own, on a terminal and in a pipe, against a real broker."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.brokers import PATIENCE, Mosquitto, Reader, free_port
from support.payload_samples import posterior, state

from edge.clock import Clock
from edge.emotions import LABELS
from edge.mqtt.address import Address
from edge.publish.client import Publisher
from edge.publish.encoding import encode
from edge.publish.topics import Topics

# Runs the command as edge.cli does, without the other commands.
COMMAND = """
import argparse, sys
from edge.commands import watch
from edge.errors import EdgeEmotionError
parser = argparse.ArgumentParser()
watch.add_parser(parser.add_subparsers())
arguments = parser.parse_args()
try:
    sys.exit(arguments.main(arguments))
except EdgeEmotionError as error:
    print(f"edge-emotion: error: {error}", file=sys.stderr)
    sys.exit(1)
"""

ROBOT = Topics("emotion", "robot")


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", COMMAND, "watch", *arguments]


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "COLUMNS", "LINES"}}
    return {**kept, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", **more}


@contextmanager
def device(mosquitto: Mosquitto, *labels: str, name: str = "robot") -> Iterator[Publisher]:
    """A device that has published the states of these labels."""
    with Publisher(mosquitto.address, Topics("emotion", name)) as publisher:
        publisher.require_first_connection(PATIENCE)
        for label in labels:
            publisher.publish_state(state(label, clock=Clock.live(), at=time.monotonic()), valid_for=1.0)
        yield publisher


class Terminal:
    """A command on a terminal of 80 × 24; `text` is all it has written."""

    def __init__(self, arguments: Sequence[str], **more: str) -> None:
        self.text = ""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self._master = master
        self.process = subprocess.Popen(
            command(*arguments),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment(**more),
            start_new_session=True,
        )
        os.close(slave)

    def expect(self, pattern: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not re.search(pattern, self.text):
            assert time.monotonic() < deadline, f"never saw {pattern!r} in {self.text[-3000:]!r}"
            self._read(0.1)

    def end(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        while self.process.poll() is None:
            self._read(0.1)
        while self._read(0.1):
            pass
        os.close(self._master)
        return self.process.returncode

    def _read(self, patience: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], patience)
        if not ready:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:
            return False
        self.text += data.decode("utf-8", "replace")
        return bool(data)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_draws_on_a_terminal_and_restores_it(mosquitto: Mosquitto, how: signal.Signals) -> None:
    with device(mosquitto, "happiness") as robot:
        terminal = Terminal(["--broker", mosquitto.url])
        terminal.expect("HAPPINESS")
        terminal.expect("online")
        robot.publish_state(state("fear", clock=Clock.live(), at=time.monotonic()), valid_for=1.0)
        terminal.expect("FEAR")
        assert "\x1b[?25l" in terminal.text
        assert "\x1b[38;5;" in terminal.text
        assert "█" in terminal.text
        assert terminal.end(how) == 0
    before, _, after = terminal.text.rpartition("\x1b[?25h\x1b[?1049l")
    assert before
    # The last frame stays readable after the command.
    assert "FEAR" in after
    assert "Traceback" not in terminal.text


def test_every_drawn_line_fits_the_terminal(mosquitto: Mosquitto) -> None:
    with device(mosquitto, "surprise"):
        terminal = Terminal(["--broker", mosquitto.url], NO_COLOR="1")
        terminal.expect("(?s)SURPRISE.*robot")
        terminal.end(signal.SIGINT)
    assert "38;5;" not in terminal.text
    plain = re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "\n", terminal.text)
    assert max(len(line.rstrip()) for line in plain.splitlines()) <= 80


def test_a_lost_and_recovered_broker_is_reported_below_the_view(mosquitto: Mosquitto) -> None:
    with device(mosquitto, "happiness"):
        terminal = Terminal(["--broker", mosquitto.url])
        terminal.expect("HAPPINESS")
        mosquitto.kill()
        terminal.expect("warning: broker .* connection lost|closed the connection")
        mosquitto.start()
        terminal.expect("info: connected to broker")
        assert terminal.end(signal.SIGINT) == 0


def test_a_pipe_gets_a_plain_line_a_change(mosquitto: Mosquitto) -> None:
    with device(mosquitto, "happiness") as robot:
        process = subprocess.Popen(
            command("--broker", mosquitto.url), stdout=subprocess.PIPE, text=True, env=environment()
        )
        assert process.stdout is not None
        lines = [process.stdout.readline(), process.stdout.readline()]
        for label in ("happiness", "happiness", "sadness"):
            robot.publish_state(state(label, clock=Clock.live(), at=time.monotonic()), valid_for=1.0)
        lines.append(process.stdout.readline())
        robot.close()
        lines.append(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
    assert "online" in lines[0]
    assert re.search(r"robot  online  .*happiness 0\.70  valence \+0\.\d\d .* words: no words", lines[1])
    assert "sadness 0.70" in lines[2]
    assert lines[3].startswith("robot  stopped")
    assert rest == ""
    assert "\x1b" not in "".join(lines)


def test_json_is_one_message_a_line(mosquitto: Mosquitto) -> None:
    with device(mosquitto, "anger"):
        process = subprocess.Popen(
            command("--broker", mosquitto.url, "--json"), stdout=subprocess.PIPE, text=True, env=environment()
        )
        assert process.stdout is not None
        messages = [json.loads(process.stdout.readline()) for _ in range(2)]
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
    assert messages[0] == {"device": "robot", "kind": "availability", "payload": "online"}
    assert messages[1]["kind"] == "state"
    probabilities = messages[1]["payload"]["probabilities"]
    assert list(probabilities) == list(LABELS)
    assert list(probabilities.values()) == pytest.approx(posterior("anger", 0.7), abs=5e-5)


def test_once(mosquitto: Mosquitto) -> None:
    with device(mosquitto, "fear"), device(mosquitto, "disgust", name="other"):
        for arguments, seen in ((["--device", "other"], "disgust 0.70"), (["--json", "--device", "robot"], '"fear"')):
            done = subprocess.run(
                command("--broker", mosquitto.url, "--once", *arguments),
                capture_output=True, text=True, env=environment(), timeout=PATIENCE, check=True,
            )  # fmt: skip
            assert seen in done.stdout
            assert len(done.stdout.splitlines()) == 1
            assert done.stderr == ""


def test_an_unreadable_state_is_reported_once_and_others_are_still_shown(mosquitto: Mosquitto) -> None:
    with Reader(mosquitto.address, "none") as writer, device(mosquitto):
        process = subprocess.Popen(
            command("--broker", mosquitto.url), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=environment(),
        )  # fmt: skip
        assert process.stdout is not None
        assert "robot  online" in process.stdout.readline()
        no_time = encode(state()).replace(b"1970-01-01T00:00:12", b"9999-99-99T99:99:99")
        for bad in (b"{", b"\xff", b'{"schema":"edge-emotion/state/2"}', b"[]", no_time):
            writer.publish("emotion/future/state", bad)
        writer.publish("emotion/future/availability", "on\x1b[2Jline")
        assert process.stdout.readline() == "future  on?[2Jline  no state yet\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)
    assert errors.count("a state this version cannot read") == 1
    assert process.returncode == 0


FLAT_STATE = encode(state())


def hostile() -> list[bytes]:
    deep = b"[" * 5_000_000
    return [
        deep,
        b"[" * 90_000,
        b'{"a":' * 15_000,
        b'{"schema":"edge-emotion/state/1","label":' + b"[" * 50_000,
        b"\xff" * 50_000,
        b"\x00",
        b"NaN",
        b"1" * 50_000,
        b'"\\ud800"',
        FLAT_STATE.replace(b'"valence":', b'"valence":1e999,"x":'),
        FLAT_STATE.replace(b'"person":3', b'"person":' + b"9" * 5000),
        FLAT_STATE[:-3],
    ]


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_no_payload_ends_it_and_a_flood_of_them_is_a_few_notes(mosquitto: Mosquitto, form: tuple[str, ...]) -> None:
    with Reader(mosquitto.address, "none") as writer, device(mosquitto) as robot:
        process = subprocess.Popen(
            command("--broker", mosquitto.url, *form), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=environment(),
        )  # fmt: skip
        assert process.stdout is not None
        assert "online" in process.stdout.readline()
        for payload in hostile():
            writer.publish("emotion/evil/state", payload)
            writer.publish("emotion/evil/availability", payload)
        for _ in range(300):
            writer.publish("emotion/evil/state", b"[" * 10_000)
        robot.publish_state(state("surprise", clock=Clock.live(), at=time.monotonic()), valid_for=1.0)
        while "surprise" not in (line := process.stdout.readline()):
            assert line, "it has ended"
            assert len(line) < 200_000
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "Traceback" not in errors
    assert 1 <= errors.count("\n") <= 6
    assert len(errors) < 3000


def test_names_made_up_without_end_do_not_fill_the_view(mosquitto: Mosquitto) -> None:
    with Reader(mosquitto.address, "none") as writer, device(mosquitto, "happiness"):
        terminal = Terminal(["--broker", mosquitto.url], PYTHONIOENCODING="ascii")
        terminal.expect("HAPPINESS")
        for i in range(200):
            writer.publish(f"emotion/d{i}/availability", "schön \ud83d".encode("utf-8", "surrogatepass"))
        assert terminal.end(signal.SIGINT) == 0
    assert "Traceback" not in terminal.text


def run_to_failure(*arguments: str) -> str:
    done = subprocess.run(
        command(*arguments), capture_output=True, text=True, env=environment(), timeout=60, check=False
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("edge-emotion: error: ")
    assert len(done.stderr.splitlines()) == 1
    return done.stderr


def test_the_reason_for_a_failed_watch_is_reported(mosquitto: Mosquitto, tmp_path: Path) -> None:
    nowhere = Address("127.0.0.1", free_port())
    assert f"broker {nowhere}: nothing listens there" in run_to_failure("--broker", str(nowhere))
    assert "starts with neither mqtt://" in run_to_failure("--broker", "localhost:1883")
    assert "needs a broker that runs" in run_to_failure("--broker", "embedded")
    assert "--prefix 'a/b' is no topic level" in run_to_failure("--prefix", "a/b")
    nothing = run_to_failure("--broker", mosquitto.url, "--once", "--timeout", "0.5", "--device", "robot")
    assert "no state on emotion/robot/state" in nothing
    assert "within 0.5 s" in nothing


def test_takes_broker_and_prefix_from_a_configuration(mosquitto: Mosquitto, tmp_path: Path) -> None:
    file = tmp_path / "edge-emotion.toml"
    file.write_text(f'[mqtt]\nbroker = "{mosquitto.url}"\nprefix = "mood"\nprotocol = "5"\n')
    with Publisher(mosquitto.address, Topics("mood", "robot"), protocol="5") as publisher:
        publisher.require_first_connection(PATIENCE)
        publisher.publish_state(state("surprise"), valid_for=60.0)
        done = subprocess.run(
            command("--config", str(file), "--once"),
            capture_output=True, text=True, env=environment(), timeout=PATIENCE, check=True,
        )  # fmt: skip
    assert "surprise 0.70" in done.stdout
