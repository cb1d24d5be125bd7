"""`edge-emotion run` with hostile clients, a full disk, and bugs."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from support.brokers import MOSQUITTO, PATIENCE, Mosquitto, Reader, eventually
from support.running_command import CLIP, end, running

from edge import clip
from edge.config import Config

NAME = Config().device.name
TRANSCRIPT = f"emotion/{NAME}/words/transcript"
RESPONSE = f"emotion/{NAME}/response/transcript"
AVAILABILITY = f"emotion/{NAME}/availability"
STATE = f"emotion/{NAME}/state"

# A bug that shows itself while the loop runs.
BUG = """
import sys
from edge.cli import main
from edge.errors import EdgeEmotionError
from edge.runtime import app
from edge.runtime.supervision import StuckError

run = app.Live.run

def broken(self, stop, alive=lambda: None):
    def alive_until_the_bug():
        alive_until_the_bug.rounds += 1
        if alive_until_the_bug.rounds == 5:
            raise {error}("a bug")
        alive()
    alive_until_the_bug.rounds = 0
    run(self, stop, alive_until_the_bug)

app.Live.run = broken
sys.exit(main())
"""


@pytest.mark.parametrize("error", ["StuckError", "EdgeEmotionError"])
def test_an_end_by_an_error_is_offline_and_not_stopped(mosquitto: Mosquitto, error: str) -> None:
    command = [sys.executable, "-c", BUG.format(error=error), "run", *CLIP, "--broker", mosquitto.url, "--quiet"]
    with Reader(mosquitto.address) as reader:
        done = subprocess.run(list(map(str, command)), capture_output=True, timeout=PATIENCE, check=False)
        assert done.returncode == 1
        reader.expect(AVAILABILITY, b"offline")
        assert reader.payloads(AVAILABILITY) == [b"online", b"offline"]


def test_an_end_by_an_unexpected_exception_is_offline_too(mosquitto: Mosquitto) -> None:
    command = [
        sys.executable,
        "-c",
        BUG.format(error="OverflowError"),
        "run",
        *CLIP,
        "--broker",
        mosquitto.url,
        "--quiet",
    ]
    with Reader(mosquitto.address) as reader:
        done = subprocess.run(list(map(str, command)), capture_output=True, timeout=PATIENCE, check=False)
        assert done.returncode == 1
        assert b"OverflowError" in done.stderr
        reader.expect(AVAILABILITY, b"offline")
        assert reader.payloads(AVAILABILITY) == [b"online", b"offline"]


def test_times_out_of_all_bounds_are_refused_and_survived(mosquitto: Mosquitto) -> None:
    payloads = [
        *(b'{"text":"x","age":1e308}', b'{"text":"x","age":7e10}', b'{"text":"x","time":"0001-01-01T00:00:00Z"}'),
        *(b'{"text":"x","time":-1e308}', b'{"text":"x","age":NaN}', b'{"text":"x","age":' + b"9" * 400 + b"}"),
    ]
    with Reader(mosquitto.address) as reader:
        # Kept by the broker, it would be there at every start.
        reader.publish(TRANSCRIPT, payloads[0], retain=True)
        with running("--source", clip.path(), "--loop", "--broker", mosquitto.url, "--quiet") as process:
            reader.expect(STATE)
            for payload in payloads:
                reader.publish(TRANSCRIPT, payload)
            eventually(lambda: len(reader.payloads(RESPONSE)) >= len(payloads), "each is answered")
            seen = len(reader.payloads(STATE))
            eventually(lambda: len(reader.payloads(STATE)) > seen + 5, "states go on")
            _, error = end(process)
        assert process.returncode == 0
        assert "Traceback" not in error
        answers = [json.loads(payload) for payload in reader.payloads(RESPONSE)]
        assert not any(answer["ok"] for answer in answers)
        assert any("at most 60 s" in answer["error"] for answer in answers)
        reader.expect(AVAILABILITY, b"stopped")


def test_two_thousand_transcripts_a_second_leave_the_states_their_rhythm(tmp_path: Path) -> None:
    if MOSQUITTO is None:
        pytest.skip("no mosquitto here (apt-get install mosquitto)")
    # By default the broker drops messages of a slow subscriber, and then the counts could not be compared.
    mosquitto = Mosquitto(tmp_path, settings=("max_queued_messages 0",)).start()
    config = tmp_path / "edge.toml"
    config.write_text("[health]\ninterval_s = 0.5\n[face]\nenabled = false\n[words]\nkeywords = false")
    flood = paho.Client(CallbackAPIVersion.VERSION2)
    flood.connect("127.0.0.1", mosquitto.port)
    flood.loop_start()
    with (
        Reader(mosquitto.address, f"emotion/{NAME}/+") as reader,
        running("--source", clip.path(), "--loop", "--config", config, "--broker", mosquitto.url, "--quiet") as process,
    ):
        reader.expect(STATE)
        sent, started, seen = 0, time.monotonic(), len(reader.payloads(STATE))
        while time.monotonic() - started < 2.0:
            for _ in range(20):
                flood.publish(TRANSCRIPT, json.dumps({"text": f"I am so happy {sent}"}))
                sent += 1
            time.sleep(0.01)

        def counted() -> int:
            health = json.loads(reader.payloads(f"emotion/{NAME}/health")[-1])
            return int(health["drops"].get("words.messages_dropped", 0))

        eventually(lambda: reader.payloads(f"emotion/{NAME}/health") and counted() > sent - 100, "the rest is counted")
        took = time.monotonic() - started
        states = len(reader.payloads(STATE)) - seen
        end(process)
    flood.loop_stop()
    mosquitto.stop()
    assert process.returncode == 0
    assert sent > 500
    # At 5 a second; a gap of seconds would leave far fewer.
    assert states > 0.4 * 5 * took
    # All but a burst of 20 and some 10 a second after it.
    assert sent - 20 - 15 * took - 10 <= counted() <= sent - 20


def failures(reader: Reader) -> int:
    payloads = reader.payloads(f"emotion/{NAME}/health")
    return int(json.loads(payloads[-1])["drops"].get("terminal.messages_failed", 0)) if payloads else 0


@pytest.mark.parametrize("terminal", [False, True])
def test_a_view_that_can_no_longer_be_written_does_not_end_the_publishing(
    mosquitto: Mosquitto, tmp_path: Path, terminal: bool
) -> None:
    """A pipe whose reader has gone (EPIPE), and a terminal that was closed (EIO)."""
    config = tmp_path / "edge.toml"
    config.write_text("[health]\ninterval_s = 0.5")
    reading, writing = pty.openpty() if terminal else os.pipe()
    command = [sys.executable, "-m", "edge.cli", "run", *CLIP, "--config", config, "--broker", mosquitto.url]
    with (
        Reader(mosquitto.address) as reader,
        subprocess.Popen(list(map(str, command)), stdout=writing, stderr=subprocess.PIPE) as process,
    ):
        os.close(writing)
        seen_text = b""
        while b"voice" not in seen_text:
            seen_text += os.read(reading, 4096)
        os.close(reading)
        eventually(lambda: failures(reader) > 3, "the failures are counted in health")
        seen = len(reader.payloads(STATE))
        eventually(lambda: len(reader.payloads(STATE)) > seen + 3, "states go on")
        process.terminate()
        _, error = process.communicate(timeout=PATIENCE)
        reader.expect(AVAILABILITY, b"stopped")
    text = error.decode()
    assert "Traceback" not in text
    if terminal:
        assert process.returncode == 1
        assert text.endswith("edge-emotion: error: standard output: Input/output error\n")
    else:
        assert process.returncode == 0
        assert text.count("terminal: a message was lost: BrokenPipeError: [Errno 32] Broken pipe") == 1
