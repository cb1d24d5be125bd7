"""Bad transcripts through the whole process: counted, answered on their topic, survived; no text in any log."""

from __future__ import annotations

import json
import logging
import os
import random
import resource
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
from support.brokers import Mosquitto, Reader, eventually
from support.running_command import end, running
from support.running_loop import Running

from edge import clip
from edge.config import Config, Face, Voice, Words
from edge.errors import SourceError
from edge.health import catalogue
from edge.observation import Transcript
from edge.publish import schema
from edge.runtime import senses
from edge.runtime.feeds import Inputs
from edge.sources.refusals import BURST, Refusals
from edge.sources.transcripts import MAX_BYTES, StdinTranscripts, parse_transcript
from edge.words.sense import WordsSense

NAME = Config().device.name
SECRET = "Rumpelstiltskin"
TOPIC = f"emotion/{NAME}/words/transcript"
ANSWER = f"emotion/{NAME}/response/transcript"

BAD = {
    "no text": b"",
    "only blanks and control characters": b"\x00\x1b \r\n\t\x7f",
    "100 kB": SECRET.encode() + b" I am so happy" * 7200,
    "broken UTF-8": SECRET.encode() + b"\xc3\x28",
    "a cut-off object": f'{{"text": "{SECRET}'.encode(),
    "a number for text": b'{"text": 3}',
    "a list for text": f'{{"text": ["{SECRET}"]}}'.encode(),
    "an object for speaker": f'{{"text": "{SECRET}", "speaker": {{}}}}'.encode(),
    "no such time": f'{{"text": "{SECRET}", "time": "{SECRET}"}}'.encode(),
}


def test_a_flood_of_refusals_is_logged_at_a_limited_rate_and_counted() -> None:
    told: list[str] = []
    refusals = Refusals(told.append)
    for i in range(10_000):
        refusals.add("no", 100.0 + i / 1000)
    assert refusals.count == 10_000
    assert BURST <= len(told) <= BURST + 10
    assert told[:BURST] == ["no"] * BURST
    assert all("more since the last message" in line for line in told[BURST:])
    refusals.add("again", 1000.0)
    refusals.add("again", 1000.0)
    assert "more since the last message" in told[-2]
    assert told[-1] == "again"


def test_a_flood_of_bad_lines_on_standard_input_is_counted_and_not_logged_line_by_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stream, os.fdopen(writing, "wb", buffering=0) as user, caplog.at_level("WARNING"):
        user.write(b'{"x"\n' * 5000 + b"fine\n")
        source = StdinTranscripts(stream)
        assert source.read().text == "fine"
    assert source.refused == 5000
    assert BURST <= len(caplog.records) < 100


def test_bad_lines_on_standard_input_are_counted_for_health() -> None:
    config = Config(face=Face(enabled=False), voice=Voice(enabled=False))
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stream:
        os.write(writing, b'{"x"\n' * 7 + b"I am so happy\n" + b'{"y"\n')
        inputs = Inputs(transcripts=lambda: StdinTranscripts(stream))
        with Running(senses.build(config), inputs, config) as live:
            live.until(lambda: live.registry.count(catalogue.TRANSCRIPTS_ITEMS_FAILED) == 8, "they are counted")
        os.close(writing)
    assert live.registry.count(catalogue.WORDS_TRANSCRIPTS) == 1


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("<p>I am <b>so</b> happy</p>", "<p>I am <b>so</b> happy</p>"),
        ("I am\x00 so\x1b[31m happy", "I am  so [31m happy"),
    ],
)
def test_html_and_control_characters_come_in_as_text(text: str, kept: str) -> None:
    assert parse_transcript(text, 0.0).text == kept


def test_html_is_read_as_its_visible_text() -> None:
    sense = WordsSense(Words())
    plain = sense.read(Transcript("I am so happy", 0.0))
    marked = sense.read(Transcript('<p class="x">I am <b>so</b>&nbsp;happy</p>', 0.0))
    assert plain is not None
    assert marked is not None
    assert marked.posterior == plain.posterior
    assert marked.quality == plain.quality
    assert sense.read(Transcript("<script></script><br/>", 0.0)) is None


def random_payloads(seed: int) -> Iterator[bytes]:
    """Random bytes, valid transcripts with some bytes changed, and JSON of any shape."""
    rng = random.Random(seed)
    values: list[object] = [
        None,
        True,
        0,
        -1.5,
        1e308,
        "",
        "a",
        "\ud800",
        [],
        {},
        [[]],
        {"text": "a"},
        "2026-01-01T00:00:00Z",
    ]
    good = json.dumps({"text": "I am happy 😂", "time": 990, "speaker": "Ada", "confidence": 0.5}).encode()
    for _ in range(1500):
        yield rng.randbytes(rng.randrange(200))
        changed = bytearray(good)
        for _ in range(rng.randrange(1, 5)):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        yield bytes(changed)
        fields = ("text", "speaker", "confidence", "time", "age")
        yield json.dumps({key: rng.choice(values) for key in fields if rng.random() < 0.7}).encode()


def test_anything_at_all_is_a_transcript_or_refused_and_can_be_read() -> None:
    sense, read = WordsSense(Words()), 0
    reasons: list[str] = []
    for payload in random_payloads(5):
        try:
            said = parse_transcript(payload, 1000.0, 1000.0)
        except SourceError as error:
            reasons.append(str(error))
            continue
        assert said.text.isprintable()
        assert said.captured_at <= 1000.0
        assert 0 <= said.confidence <= 1
        sense.read(said)
        read += 1
    assert read > 50
    assert len(reasons) > 1000
    assert not any("\n" in reason for reason in reasons)


def test_transcripts_are_logged_only_if_configured(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        WordsSense(Words()).read(Transcript(f"I am {SECRET}", 0.0))
        assert SECRET not in caplog.text
        WordsSense(Words(log_text=True)).read(Transcript(f"I am {SECRET}\n", 0.0))
    # Every transcript is logged on one line.
    assert [record.getMessage() for record in caplog.records] == [f"heard 'I am {SECRET}\\n'"]


def test_bad_transcripts_are_answered_counted_and_survived(mosquitto: Mosquitto, tmp_path: Path) -> None:
    config = tmp_path / "edge.toml"
    config.write_text("[health]\ninterval_s = 1\n[face]\nenabled = false\n[words]\nkeywords = false")
    with (
        Reader(mosquitto.address, f"emotion/{NAME}/#") as reader,
        running("--source", clip.path(), "--loop", "--config", config, "--broker", mosquitto.url, "--quiet") as process,
    ):
        reader.expect(f"emotion/{NAME}/availability", b"online")
        eventually(lambda: reader.payloads(f"emotion/{NAME}/state"), "it runs")
        for payload in BAD.values():
            reader.publish(TOPIC, payload)

        def answers() -> list[bytes]:
            return reader.payloads(ANSWER)

        eventually(lambda: len(answers()) == len(BAD), "each is answered")
        contract = json.loads(schema.text("response"))
        for payload in answers():
            answer = json.loads(payload)
            jsonschema.validate(answer, contract)
            assert not answer["ok"]
            assert answer["verb"] == "transcript"
        reasons = [json.loads(payload)["error"] for payload in answers()]
        for reason in ("empty", "UTF-8", f"at most {MAX_BYTES}", "starts like JSON", "'text'", "'speaker'", "'time'"):
            assert any(reason in text for text in reasons), reason

        before = len(answers())
        for _ in range(2000):
            reader.publish(TOPIC, b'{"text": 3}')
        reader.publish(TOPIC, json.dumps({"text": f"I am so sad and lonely, {SECRET}"}))
        eventually(
            lambda: any(json.loads(p)["label"] == "sadness" for p in reader.payloads(f"emotion/{NAME}/words")),
            "the good one behind the flood is read",
        )
        wanted = len(BAD) + 2000

        def counted() -> int:
            payloads = reader.payloads(f"emotion/{NAME}/health")
            drops = json.loads(payloads[-1])["drops"] if payloads else {}
            return int(drops.get("words.transcripts_failed", 0)) + int(drops.get("words.messages_dropped", 0))

        eventually(lambda: counted() >= wanted, "each is counted in health, as read and refused or as left unread")
        assert counted() == wanted
        assert len(answers()) - before < 200
        health = json.loads(reader.payloads(f"emotion/{NAME}/health")[-1])
        assert health["memory"]["peak_mb"] < 500
        _, error = end(process)
    assert process.returncode == 0
    assert "Traceback" not in error
    assert SECRET not in error
    assert error.count("\n") < 300
    sent = [message.payload for message in reader.messages if message.topic != TOPIC]
    assert not any(SECRET.encode() in payload for payload in sent)


def test_memory_stays_where_it_is_under_ten_thousand_bad_lines() -> None:
    sense = WordsSense(Words())
    for payload in random_payloads(6):
        parse_or_refuse(payload)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for seed in (7, 8, 9):
        for payload in random_payloads(seed):
            parse_or_refuse(payload)
        sense.read(Transcript("<" * 100_000, 0.0))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 50_000, f"{grown} kB"


def parse_or_refuse(payload: bytes) -> None:
    try:
        parse_transcript(payload, 0.0, 1000.0)
    except SourceError:
        return
