"""`edge-emotion run` as a user starts it: a process of its own, a real broker, a reader that is not ours."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from support.brokers import PATIENCE, Mosquitto, Reader, eventually, free_port
from support.running_command import CLIP, end, running

from edge import clip
from edge.config import Config
from edge.mqtt.address import Address
from edge.publish import schema

NAME = Config().device.name
"""Of a device whose configuration names none."""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_every_topic_is_filled_and_the_end_is_orderly(
    mosquitto: Mosquitto, how: signal.Signals, tmp_path: Path
) -> None:
    config = tmp_path / "edge.toml"
    config.write_text('[device]\nname = "t1"\npurpose = "a test"\n[health]\ninterval_s = 1')
    reader = Reader(mosquitto.address, "emotion/t1/#")
    with running(*CLIP, "--broker", mosquitto.url, "--config", config) as process:
        wanted = {
            f"emotion/t1/{kind}" for kind in ("availability", "info", "state", "face", "voice", "words", "health")
        }
        eventually(lambda: wanted <= {message.topic for message in reader.messages}, "all topics are published")
        out, error = end(process, how)
    assert process.returncode == 0
    assert "Traceback" not in error
    assert "t1  online" in out
    eventually(lambda: reader.messages[-1].payload == b"stopped", "it says that it stopped")
    for kind in ("info", "state", "face", "voice", "words", "health"):
        contract = json.loads(schema.text(kind))
        payloads = [message.payload for message in reader.messages if message.topic == f"emotion/t1/{kind}"]
        for payload in payloads:
            jsonschema.validate(json.loads(payload), contract)
    info = json.loads(next(m.payload for m in reader.messages if m.topic.endswith("/info")))
    assert info["purpose"] == "a test"
    assert {model["task"] for model in info["models"]} >= {
        "facial expression",
        "emotion in the voice",
        "emotion in words",
    }
    reader.close()


def test_a_transcript_from_the_broker_is_read_and_a_bad_one_is_survived(mosquitto: Mosquitto) -> None:
    from paho.mqtt import publish

    reader = Reader(mosquitto.address, f"emotion/{NAME}/#")
    with running("--source", clip.path(), "--loop", "--broker", mosquitto.url, "--quiet") as process:
        eventually(lambda: any(m.topic.endswith("/state") for m in reader.messages), "it runs")
        topic = f"emotion/{NAME}/words/transcript"
        secret = "I am so sad and lonely, my secret is Rumpelstiltskin"
        for payload in (b"\xff\xfe", b'{"text": 3}', b"", b"x" * 100_000, json.dumps({"text": secret}).encode()):
            publish.single(topic, payload, qos=1, hostname="127.0.0.1", port=mosquitto.port)
        eventually(
            lambda: any(
                m.topic.endswith("/words") and json.loads(m.payload)["label"] == "sadness" for m in reader.messages
            ),
            "the good one is read",
        )
        _, error = end(process)
    assert process.returncode == 0
    assert "not UTF-8" in error
    assert "'text' must be text" in error
    assert "Rumpelstiltskin" not in error
    ours = [m.payload for m in reader.messages if not m.topic.endswith("/transcript")]
    assert not any(b"Rumpelstiltskin" in payload for payload in ours)
    reader.close()


def test_the_embedded_broker_reports_its_address() -> None:
    with running(*CLIP, "--broker", "embedded") as process:
        assert process.stderr is not None
        line = next(line for line in process.stderr if b"edge-emotion watch --broker" in line).decode()
        url = line.split("--broker ")[1].strip()
        watch = subprocess.run(
            [sys.executable, "-m", "edge.cli", "watch", "--broker", url, "--once", "--json"],
            capture_output=True,
            timeout=PATIENCE,
            check=True,
        )
        assert json.loads(watch.stdout.splitlines()[0])["device"] == NAME
        end(process, signal.SIGINT)
    assert process.returncode == 0


def test_auto_falls_back_to_an_embedded_broker(tmp_path: Path) -> None:
    config = tmp_path / "edge.toml"
    config.write_text(
        f'[mqtt]\nbroker = "mqtt://127.0.0.1:{free_port()}"\n[camera]\nenabled = false\n[microphone]\nenabled = false'
    )
    with running("--auto", "--config", config) as process:
        assert process.stderr is not None
        lines = []
        for line in process.stderr:
            lines.append(line.decode())
            if "connected" in lines[-1]:
                break
        end(process, signal.SIGINT)
    assert any("built-in clip" in line for line in lines)
    assert any("starting the embedded one" in line for line in lines)


def test_it_goes_on_while_the_broker_is_away(tmp_path: Path) -> None:
    config = tmp_path / "edge.toml"
    config.write_text("[camera]\nenabled = false\n[microphone]\nenabled = false")
    port = free_port()
    with running(*CLIP, "--broker", f"mqtt://127.0.0.1:{port}", "--config", config) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        error = next(line for line in process.stderr if b"nothing listens there" in line)
        assert str(port) in error.decode()
        assert b"happiness" in next(line for line in process.stdout if b"happiness" in line)
        end(process)
    assert process.returncode == 0


def test_a_wrong_password_is_named(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path, passwords={"robot": "right"}).start()
    try:
        with running(*CLIP, "--broker", f"mqtt://robot:wrong@127.0.0.1:{broker.port}", "--quiet") as process:
            assert process.stderr is not None
            line = next(line for line in process.stderr if b"refuses" in line).decode()
            assert "user 'robot'" in line
            assert "wrong" not in line
            end(process)
        good = Reader(Address("127.0.0.1", broker.port, username="robot", password="right"), "emotion/#")
        with running(*CLIP, "--broker", f"mqtt://robot:right@127.0.0.1:{broker.port}", "--quiet") as process:
            eventually(lambda: any(m.topic.endswith("/state") for m in good.messages), "the right one is let in")
            end(process)
        good.close()
    finally:
        broker.stop()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--source", "gone.mp4"), "gone.mp4: no such file"),
        (("--config", "gone.toml"), "gone.toml: No such file"),
        (("--broker", "http://x", *CLIP), "neither mqtt:// nor mqtts://"),
        (("--loop",), "go with --source"),
    ],
)
def test_fatal_errors_are_one_line_and_exit_code_1(arguments: tuple[str, ...], said: str) -> None:
    with running(*arguments) as process:
        _, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert said in error.decode()
    assert error.decode().count("\n") == 1


def test_missing_camera_and_microphone_are_reported_and_words_still_work(mosquitto: Mosquitto, tmp_path: Path) -> None:
    config = tmp_path / "edge.toml"
    config.write_text(
        '[camera]\nsource = "/dev/video97"\n[microphone]\ndevice = "no such thing"\n[transcripts]\nstdin = true'
    )
    reader = Reader(mosquitto.address, f"emotion/{NAME}/#")
    with running("--broker", mosquitto.url, "--config", config, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(b"I am so happy to see you\n")
        process.stdin.flush()

        def told() -> bool:
            states = [json.loads(m.payload) for m in reader.messages if m.topic.endswith("/state")]
            return any(
                "/dev/video97" in (state["contributions"]["face"]["missing"] or "")
                and "microphone" in (state["contributions"]["voice"]["missing"] or "").lower()
                and state["label"] == "happiness"
                for state in states
            )

        eventually(told, "the topics say what is missing, and words go on")
        end(process)
    assert process.returncode == 0
    reader.close()


def test_a_shipped_model_that_was_changed_is_refused(tmp_path: Path) -> None:
    from edge import shipped

    model = shipped.model("face", "face_small")
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / model.name).write_bytes(data)
    (tmp_path / "face_small.json").write_bytes(model.with_suffix(".json").read_bytes())
    config = tmp_path / "edge.toml"
    config.write_text(f'[face]\nmodel = "{tmp_path / model.name}"\n[voice]\nenabled = false\n[words]\nenabled = false')
    with running(*CLIP, "--broker", "embedded", "--config", config) as process:
        _, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "does not match its card" in error.decode()
