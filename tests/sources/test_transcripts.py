"""Transcripts of a speech recogniser: plain text, JSON, files, standard input."""

from __future__ import annotations

import json
import logging
import os
import re
import threading
from pathlib import Path

import pytest

from edge.errors import SourceEnded, SourceError
from edge.observation import Transcript
from edge.sources.transcripts import (
    ACCEPTED_BURST,
    MAX_AGE_S,
    MAX_BYTES,
    MAX_FILE_BYTES,
    MAX_MEDIA_TIME_S,
    StdinTranscripts,
    parse_transcript,
    read_transcript_file,
)

SECRET = "what nobody may find in a log"


def test_plain_text_is_a_transcript_of_now() -> None:
    assert parse_transcript(b"  I am so happy \n", 12.5) == Transcript("I am so happy", 12.5)


def test_plain_text_may_be_any_language_and_start_with_any_other_bracket() -> None:
    assert parse_transcript("[laughs] schön, 你好".encode(), 0.0).text == "[laughs] schön, 你好"


def test_json_carries_speaker_confidence_and_age() -> None:
    payload = json.dumps({"text": "go away", "speaker": "Ada", "confidence": 0.25, "age": 2}).encode()
    assert parse_transcript(payload, 10.0) == Transcript("go away", 8.0, "Ada", 0.25)


@pytest.mark.parametrize(("said", "kept"), [(7, 1.0), (-1, 0.0)])
def test_confidence_is_brought_into_its_range(said: float, kept: float) -> None:
    assert parse_transcript(json.dumps({"text": "a", "confidence": said}), 0.0).confidence == kept


def test_a_future_time_counts_as_now() -> None:
    assert parse_transcript('{"text": "a", "age": -5}', 3.0).captured_at == 3.0


UTC_NOW = 1.8e9


@pytest.mark.parametrize(
    "when",
    [
        *('"age": 1e308', '"age": 7e10', '"age": 60.1', '"time": -1e308', '"time": 0', '"time": -62135596800'),
        *('"time": "0001-01-01T00:00:00Z"', '"time": "0001-01-01T00:00:00+14:00"', '"time": "1970-01-01T00:00:00Z"'),
    ],
)
def test_too_old_transcripts_are_refused(when: str) -> None:
    with pytest.raises(SourceError, match="ago is refused; at most 60 s") as refused:
        parse_transcript(f'{{"text": "{SECRET}", {when}}}', 5.0, utc=UTC_NOW)
    assert "\n" not in str(refused.value)
    assert SECRET not in str(refused.value)


def test_an_age_up_to_the_limit_is_kept() -> None:
    assert parse_transcript(f'{{"text": "a", "age": {MAX_AGE_S}}}', 100.0).captured_at == 40.0
    assert parse_transcript(f'{{"text": "a", "time": {UTC_NOW - MAX_AGE_S}}}', 100.0, UTC_NOW).captured_at == 40.0


@pytest.mark.parametrize(
    "when",
    ['"age": -1e308', '"age": -1', '"time": 1e308', '"time": "9999-12-31T23:59:59-14:00"', '"time": 253402300799'],
)
def test_any_time_ahead_of_our_clock_is_now(when: str) -> None:
    assert parse_transcript(f'{{"text": "a", {when}}}', 5.0, utc=UTC_NOW).captured_at == 5.0


def test_unknown_keys_are_ignored() -> None:
    assert parse_transcript('{"text": "a", "language": "en"}', 0.0).text == "a"


@pytest.mark.parametrize("said", ["1970-01-01T00:16:38Z", "1970-01-01T01:16:38.000+01:00", 998, 998.0])
def test_an_absolute_time_becomes_ours(said: str | float) -> None:
    payload = json.dumps({"text": "a", "time": said})
    assert parse_transcript(payload, 50.0, utc=1000.0).captured_at == 48.0
    # In a file `time` is the medium's, which `read_transcript_file` reads.
    assert parse_transcript(payload, 50.0).captured_at == 50.0


def test_a_time_ahead_of_our_clock_is_now_and_age_goes_first() -> None:
    assert parse_transcript('{"text": "a", "time": 1060}', 50.0, utc=1000.0).captured_at == 50.0
    assert parse_transcript('{"text": "a", "time": 990, "age": 1}', 50.0, utc=1000.0).captured_at == 49.0


@pytest.mark.parametrize("said", ["yesterday", "2026-01-01T12:00:00", True, [], {}])
def test_an_invalid_time_is_refused(said: object) -> None:
    with pytest.raises(SourceError, match="'time'"):
        parse_transcript(json.dumps({"text": "a", "time": said}), 0.0, utc=1000.0)


def test_control_characters_and_lone_surrogates_become_spaces() -> None:
    said = parse_transcript('{"text": "a\\u0000b\\u001b[31mc\\ud800", "speaker": "x\\ud800\\n"}', 0.0)
    assert (said.text, said.speaker) == ("a b [31mc", "x")
    said.text.encode()


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b"\xff\xfe" + SECRET.encode(), "not UTF-8"),
        (b"", "empty"),
        (b" \x00\n\t", "empty"),
        (SECRET.encode() * (MAX_BYTES // 20), "bytes is refused"),
        (f'{{"text": "{SECRET}"'.encode(), "starts like JSON"),
        (b'{"text": ' + b"[" * 9000, "starts like JSON"),
        (b'{"age": ' + b"9" * 5000 + b"}", "starts like JSON"),
        (b'{"words": "a"}', "empty"),
        (b'{"text": 7}', "'text' must be text"),
        (f'{{"text": ["{SECRET}"]}}'.encode(), "'text' must be text"),
        (f'{{"text": "{SECRET}", "speaker": 3}}'.encode(), "'speaker' must be text"),
        (f'{{"text": "{SECRET}", "confidence": "high"}}'.encode(), "'confidence' must be a number"),
        (f'{{"text": "{SECRET}", "confidence": true}}'.encode(), "'confidence' must be a number"),
        (f'{{"text": "{SECRET}", "confidence": NaN}}'.encode(), "'confidence' must be a finite number"),
        (f'{{"text": "{SECRET}", "age": Infinity}}'.encode(), "'age' must be a finite number"),
        (f'{{"text": "{SECRET}", "age": 1{"0" * 400}}}'.encode(), "'age' must be a finite number"),
    ],
)
def test_invalid_transcripts_are_refused_in_one_line_without_their_text(payload: bytes, why: str) -> None:
    with pytest.raises(SourceError, match=why) as refused:
        parse_transcript(payload, 0.0)
    message = str(refused.value)
    assert "\n" not in message
    assert SECRET not in message


def test_a_file_of_transcripts_is_read_in_the_order_of_time(tmp_path: Path) -> None:
    path = tmp_path / "said.jsonl"
    path.write_text('{"time": 2.5, "text": "later", "speaker": "A"}\n\n{"time": 0, "text": "first"}\r\n', "utf-8")
    assert read_transcript_file(path) == (Transcript("first", 0.0), Transcript("later", 2.5, "A"))


def test_an_empty_file_gives_no_transcripts(tmp_path: Path) -> None:
    path = tmp_path / "said.jsonl"
    path.touch()
    assert read_transcript_file(path) == ()


@pytest.mark.parametrize(
    "line", ['{"text": "a"}', "plain text", '{"time": -1, "text": "a"}', '{"time": "1", "text": "a"}', "[1, 2]", "{"]
)
def test_a_faulty_line_of_a_file_is_named_by_its_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "said.jsonl"
    path.write_text(f'{{"time": 0, "text": "fine"}}\n{line}\n', "utf-8")
    with pytest.raises(SourceError, match=r"said\.jsonl, line 2: "):
        read_transcript_file(path)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"time": 1e308, "text": "a"}', "'time' is 1e+308 s"),
        (f'{{"time": {MAX_MEDIA_TIME_S + 1}, "text": "a"}}', "'time' is 8.64e+04 s"),
        ('{"time": -0.5, "text": "a"}', "'time' is -0.5 s"),
        ('{"time": NaN, "text": "a"}', "finite"),
        (f'{{"time": 1{"0" * 400}, "text": "a"}}', "finite"),
        ('{"time": 1, "text": ' + "[" * 9000, "starts like JSON"),
        ('{"time": 1, "text": "' + "a" * MAX_BYTES + '"}', "bytes is refused"),
    ],
)
def test_a_time_or_a_line_out_of_bounds_is_named(tmp_path: Path, line: str, why: str) -> None:
    path = tmp_path / "said.jsonl"
    path.write_text(line)
    with pytest.raises(SourceError, match=re.escape(why)) as refused:
        read_transcript_file(path)
    assert "said.jsonl, line 1: " in str(refused.value)
    assert len(str(refused.value)) < 300


def test_the_last_second_of_the_day_is_a_time(tmp_path: Path) -> None:
    path = tmp_path / "said.jsonl"
    path.write_text(f'{{"time": {MAX_MEDIA_TIME_S}, "text": "a"}}')
    assert read_transcript_file(path)[0].captured_at == MAX_MEDIA_TIME_S


def test_a_huge_file_is_refused_without_being_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "said.jsonl"
    with path.open("wb") as file:
        file.truncate(2**36)
    with pytest.raises(SourceError, match=f"larger than {MAX_FILE_BYTES // 1_000_000} MB"):
        read_transcript_file(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none\.jsonl: No such file"):
        read_transcript_file(tmp_path / "none.jsonl")


def test_standard_input_gives_a_transcript_a_line_and_lives_on_after_a_bad_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stream, os.fdopen(writing, "wb", buffering=0) as user:
        user.write(b'hello\n\n{"text": "I am ')
        with StdinTranscripts(stream) as source, caplog.at_level(logging.WARNING):
            assert source.read().text == "hello"
            user.write(b'sad"}\n{"text": "' + SECRET.encode() + b'"\nbye')
            user.close()
            assert source.read().text == "I am sad"
            assert source.read().text == "bye"
            with pytest.raises(SourceEnded):
                source.read()
            assert source.refused == 1
    assert "standard input" in caplog.text
    assert SECRET not in caplog.text


def test_a_line_without_end_does_not_fill_the_memory() -> None:
    reading, writing = os.pipe()

    def shout() -> None:
        with os.fdopen(writing, "wb") as user:
            user.write(b"a" * 3_000_000 + b"\nfine\n")

    with os.fdopen(reading, "rb") as stream, StdinTranscripts(stream) as source:
        shouting = threading.Thread(target=shout)
        shouting.start()
        assert source.read().text == "fine"
        assert source.refused == 1
        shouting.join()


def test_many_lines_are_slowed_down_and_none_is_lost() -> None:
    lines = ACCEPTED_BURST + 3
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stream, os.fdopen(writing, "wb", buffering=0) as user:
        user.write(b"".join(b"line %d\n" % i for i in range(lines)))
        with StdinTranscripts(stream) as source:
            read = [source.read() for _ in range(lines)]
    assert [said.text for said in read] == [f"line {i}" for i in range(lines)]


def test_close_ends_a_read_that_is_slowed_down() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stream, os.fdopen(writing, "wb", buffering=0) as user:
        user.write(b"again\n" * 1000)
        source = StdinTranscripts(stream)
        source.open()
        threading.Timer(0.1, source.close).start()
        read = iter(source.read, None)
        with pytest.raises(SourceEnded):
            list(read)


def test_close_ends_a_read_that_waits() -> None:
    reading, writing = os.pipe()
    ended = threading.Event()
    with os.fdopen(reading, "rb") as stream, os.fdopen(writing, "wb"):
        source = StdinTranscripts(stream)
        source.open()

        def listen() -> None:
            with pytest.raises(SourceEnded):
                source.read()
            ended.set()

        waiting = threading.Thread(target=listen)
        waiting.start()
        source.close()
        assert ended.wait(10)
        waiting.join()
