"""Replay: the whole chain over recordings, in media time, the same each time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import jsonschema
import numpy as np
import pytest
from support.clip_sound import clip_sound
from support.media_files import frame_at, remux

from edge import clip
from edge.clip import build
from edge.publish import schema


def edge_emotion(*arguments: str | Path, **options: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "edge.cli", *map(str, arguments)],
        capture_output=True,
        timeout=240,
        check=False,
        **options,
    )  # type: ignore[call-overload,no-any-return]


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    done = edge_emotion("replay", clip.path(), "--json", "--transcripts", clip.transcripts())
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b""
    return done.stdout.splitlines()


def test_every_line_is_a_state_on_the_grid_of_media_time(lines: list[bytes]) -> None:
    contract = json.loads(schema.text("state"))
    states = [json.loads(line) for line in lines]
    for state in states:
        jsonschema.validate(state, contract)
    times = [state["media_time"] for state in states]
    assert times[:3] == [0.2, 0.4, 0.6]
    assert times == sorted(times)
    assert 14.9 < times[-1] < 15.3


def test_the_same_file_gives_the_same_bytes(lines: list[bytes]) -> None:
    done = edge_emotion("replay", clip.path(), "--json", "--transcripts", clip.transcripts())
    assert done.stdout.splitlines() == lines


def test_all_three_senses_contribute_and_say_when_they_do_not(lines: list[bytes]) -> None:
    states = [json.loads(line) for line in lines]
    for sense in ("face", "voice", "words"):
        parts = [state["contributions"][sense] for state in states]
        assert any(part["weight"] > 0 for part in parts), sense
        assert all((part["missing"] is None) == (part["label"] is not None) for part in parts)
    gone = [state["contributions"]["face"]["missing"] for state in states]
    assert "no face" in gone
    assert {state["label"] for state in states} >= {"happiness"}


@pytest.fixture(scope="module")
def beginning(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clip's first four seconds: a face and a voice, in a quarter of the time."""
    path = tmp_path_factory.mktemp("film") / "beginning.mp4"
    remux(clip.path(), path, until=4.0)
    return path


@pytest.fixture(scope="module")
def photograph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The voice of the clip over its first picture, which only the camera moves: its mouth rests."""
    path = tmp_path_factory.mktemp("film") / "photograph.mp4"
    still = np.asarray(cv2.cvtColor(frame_at(0.0), cv2.COLOR_BGR2RGB), np.uint8)
    views = [
        build.View(at, 240 + 15 * at, 180 - 5 * at, 420 - 20 * at, 2 * at) for at in np.arange(0, 4, 1 / build.FPS)
    ]
    build.encode((build.picture(still, view) for view in views), clip_sound()[: 4 * build.RATE], path)
    return path


def test_a_photograph_is_not_taken_for_the_speaker_and_that_gives_the_same_bytes_too(
    photograph: Path, tmp_path: Path
) -> None:
    said = tmp_path / "said.jsonl"
    said.write_text(clip.transcripts().read_text().splitlines()[0])
    arguments = ("replay", photograph, "--json", "--observations", "--transcripts", said)
    one, two = (edge_emotion(*arguments).stdout for _ in range(2))
    assert one == two
    messages = [json.loads(line) for line in one.splitlines()]
    heard = [message for message in messages if message["schema"] in ("edge-emotion/voice/2", "edge-emotion/words/2")]
    assert {message["schema"] for message in heard} == {"edge-emotion/voice/2", "edge-emotion/words/2"}
    assert {(message["attribution"]["kind"], message["person"]) for message in heard} <= {
        ("off_screen", 0),
        ("unknown", 0),
    }
    states = [message for message in messages if message["schema"] == "edge-emotion/state/2"]
    about_a_person = [state["contributions"] for state in states if state["person"]]
    assert {parts["voice"]["weight"] for parts in about_a_person} == {0}
    assert "somebody else" in {parts["voice"]["missing"] for parts in about_a_person}


def test_a_person_gets_a_summary(beginning: Path) -> None:
    done = edge_emotion("replay", beginning)
    assert done.returncode == 0
    text = done.stdout.decode()
    assert text.startswith("beginning.mp4: ")
    assert "face" in text
    assert "happiness" in text


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("gone.mp4", None, "no such file"),
        ("empty.mp4", b"", "is empty"),
        ("text.mp4", b"this is no film\n" * 100, "no media file"),
        ("noise.flv", bytes(range(256)) * 40, "no media file"),
    ],
)
def test_a_file_that_is_not_media_is_one_clear_line(
    tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    done = edge_emotion("replay", path, "--json")
    assert done.returncode == 1
    message = done.stderr.decode()
    assert message.count("\n") == 1
    assert message.startswith("edge-emotion: error: ")
    assert said in message
    assert name in message
    assert done.stdout == b""


def test_a_truncated_file_gives_its_readable_part(tmp_path: Path) -> None:
    whole = clip.path().read_bytes()
    # The index of an MP4 may stand at its end; a transport stream can be cut anywhere.
    path = tmp_path / "cut.ts"
    remux(clip.path(), path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    done = edge_emotion("replay", path, "--json")
    assert done.returncode == 0, done.stderr.decode()
    assert 10 < len(done.stdout.splitlines()) < 60
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole[: len(whole) // 2])
    done = edge_emotion("replay", cut, "--json")
    assert b"Traceback" not in done.stderr
    assert done.returncode in (0, 1)


@pytest.mark.parametrize(("kept", "sense", "reason"), [("audio", "face", "no picture"), ("video", "voice", "no sound")])
def test_a_stream_that_is_not_there_is_named(
    tmp_path: Path, beginning: Path, kept: str, sense: str, reason: str
) -> None:
    path = tmp_path / "half.mkv"
    remux(beginning, path, only=kept)
    done = edge_emotion("replay", path, "--json")
    assert done.returncode == 0, done.stderr.decode()
    states = [json.loads(line) for line in done.stdout.splitlines()]
    assert {state["contributions"][sense]["missing"] for state in states} == {f"{reason} in the file"}
    other = "voice" if kept == "audio" else "face"
    assert any(state["contributions"][other]["weight"] > 0 for state in states)
    assert {state["contributions"][sense]["weight"] for state in states} == {0}


@pytest.mark.parametrize(
    ("text", "said"),
    [("not json", "line 1"), ('{"text": "no time"}', "no time"), ('{"time": 1, "text": 5}', "'text' must be text")],
)
def test_bad_transcripts_are_named_by_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "said.jsonl"
    path.write_text(text + "\n")
    done = edge_emotion("replay", clip.path(), "--transcripts", path)
    assert done.returncode == 1
    assert said in done.stderr.decode()


@pytest.mark.parametrize(
    ("time", "said"),
    [
        ("1e308", "'time' is 1e+308 s"),
        ("NaN", "finite"),
        ("-1", "'time' is -1 s"),
        ("80000", "beyond the end of the recording"),
        ("1" + "0" * 400, "finite"),
    ],
)
def test_a_transcript_s_time_outside_the_recording_is_one_line(
    tmp_path: Path, beginning: Path, time: str, said: str
) -> None:
    path = tmp_path / "said.jsonl"
    path.write_text(f'{{"time": {time}, "text": "hello"}}\n')
    done = edge_emotion("replay", beginning, "--json", "--transcripts", path)
    assert done.returncode == 1
    assert done.stdout == b""
    message = done.stderr.decode()
    assert message.startswith("edge-emotion: error: transcripts ")
    assert said in message
    assert message.count("\n") == 1


def test_a_transcript_just_after_the_end_is_still_read(tmp_path: Path, beginning: Path) -> None:
    path = tmp_path / "said.jsonl"
    path.write_text('{"time": 6.0, "text": "I am so happy to see you"}\n')
    done = edge_emotion("replay", beginning, "--json", "--transcripts", path)
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout.splitlines()[-1])["contributions"]["words"]["label"] == "happiness"


def test_a_sense_whose_model_is_broken_is_left_out_and_the_rest_goes_on(tmp_path: Path, beginning: Path) -> None:
    config = tmp_path / "edge.toml"
    config.write_text(f'[voice]\nmodel = "{tmp_path}/gone.tflite"\n')
    done = edge_emotion("replay", beginning, "--json", "--config", config)
    assert done.returncode == 0
    assert "gone.json" in done.stderr.decode()
    last = json.loads(done.stdout.splitlines()[-1])
    assert "gone.json" in last["contributions"]["voice"]["missing"]
    config.write_text(
        f'[voice]\nmodel = "{tmp_path}/a.tflite"\n[face]\nmodel = "{tmp_path}/b.tflite"\n[words]\nenabled = false'
    )
    done = edge_emotion("replay", beginning, "--json", "--config", config)
    assert done.returncode == 1
    assert "no sense is left" in done.stderr.decode()


def test_senses_that_are_off_say_so(tmp_path: Path, beginning: Path) -> None:
    config = tmp_path / "edge.toml"
    config.write_text("[voice]\nenabled = false\n[words]\nenabled = false")
    done = edge_emotion("replay", beginning, "--json", "--config", config)
    last = json.loads(done.stdout.splitlines()[-1])
    assert [last["contributions"][sense]["missing"] for sense in ("voice", "words")] == ["off", "off"]


@pytest.mark.corpora
def test_real_actors_give_voice_and_face_observations(corpora: Path) -> None:
    for path in sorted((corpora / "av/crema_d").glob("*.flv")):
        done = edge_emotion("replay", path, "--json")
        assert done.returncode == 0, done.stderr.decode()
        last = json.loads(done.stdout.splitlines()[-1])
        assert last["contributions"]["face"]["weight"] > 0
        assert last["contributions"]["voice"]["weight"] > 0
