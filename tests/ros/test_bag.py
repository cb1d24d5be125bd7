"""A recording from the built-in payloads opens with a reader of rosbag2, and bad input costs a line only."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from rosbags.rosbag2 import Reader
from support.payload_samples import estimate, observations

from edge.cli import main
from edge.clock import Clock
from edge.publish.encoding import encode, observation_payload, state_payload
from edge.ros.bag import Serialiser
from edge.ros.messages import Expression

CLOCK = Clock(1_700_000_000.0)


def lines() -> list[bytes]:
    payloads = [observation_payload(each, CLOCK) for each in observations()]
    states = [state_payload(estimate("sadness", 0.9, at=12.5 + i / 5), CLOCK, valid_for=2.0) for i in range(5)]
    return [encode(payload) for payload in (*payloads, *states)]


def test_a_recording_opens_and_holds_what_was_published(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "lines.jsonl"
    source.write_bytes(b"\n".join(lines()) + b"\n")
    assert main(["ros-bag", str(source), "--out", str(tmp_path / "bag")]) == 0
    assert "1 other lines were skipped" in capsys.readouterr().err
    serialiser = Serialiser()
    with Reader(tmp_path / "bag") as bag:
        topics = {connection.topic: connection.msgtype for connection in bag.connections}
        assert topics["/humans/persons/p00003/expression"] == "hri_msgs/msg/Expression"
        assert topics["/humans/persons/tracked"] == "hri_msgs/msg/IdsList"
        read = [
            (at, serialiser.read(data, Expression))
            for connection, at, data in bag.messages()
            if connection.topic == "/humans/persons/p00003/expression"
        ]
    assert [at for at, _ in read] == [1_700_000_012_500_000_000 + i * 200_000_000 for i in range(5)]
    assert all(isinstance(message, Expression) and message.expression == "sad" for _, message in read)
    assert next((tmp_path / "bag").glob("*.mcap")).read_bytes().startswith(b"\x89MCAP0\r\n")


def test_damaged_lines_are_skipped_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = [
        b"not JSON",
        b"[]",
        b'{"schema": 5}',
        b'{"schema": "edge-emotion/state/1"}',
        b'{"schema": "somebody/else/1"}',
        b"\xff\xfe",
        b"[" * 50_000,
        b'{"schema": "' + b"x" * 250_000 + b'"}',
        lines()[-1].replace(b"2023-", b"1923-"),
    ]
    stdin = SimpleNamespace(buffer=io.BytesIO(b"\n".join([*bad, b"", *lines()[-2:]])))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert main(["ros-bag", "-", "--out", str(tmp_path / "bag")]) == 0
    said = capsys.readouterr().err
    # The line of 250,000 bytes is read as three.
    assert f"{len(bad) + 2} other lines were skipped" in said


@pytest.mark.parametrize(
    ("content", "out", "expected"),
    [
        (None, "bag", "lines.jsonl: No such file or directory"),
        (b"nothing\n", "bag", "has no state or observation of a person"),
        (b"nothing\n", ".", "exists already"),
    ],
)
def test_errors_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, out: str, expected: str
) -> None:
    source = tmp_path / "lines.jsonl"
    if content is not None:
        source.write_bytes(content)
    assert main(["ros-bag", str(source), "--out", str(tmp_path / out)]) == 1
    said = capsys.readouterr().err
    assert expected in said
    assert said.count("\n") == 1
    assert not (tmp_path / "bag").exists()
