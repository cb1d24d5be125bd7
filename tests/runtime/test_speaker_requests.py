"""Requests that name a speaker: validated, bounded, answered, and carried out on the loop's thread."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
from support.brokers import Mosquitto, Reader, eventually
from support.running_command import running

from edge import clip
from edge.config import Config
from edge.fusion.speakers import MAX_NAME, SpeakerError
from edge.health import catalogue
from edge.health.registry import Counter, Registry
from edge.publish import schema
from edge.runtime.speaker_requests import ACCEPTED_BURST, ACCEPTED_PER_S, MAX_BYTES, Answer, SpeakerRequests

NAME = Config().device.name
SECRET = "Rumpelstiltskin"


class Kept:
    """An inbox that records what it does; nobody but person 3 is there."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr("edge.runtime.speaker_requests.time.monotonic", lambda: self.now)
        self.assigned: list[tuple[str, int | None]] = []
        self.threads: list[str] = []
        self.answers: list[Answer] = []
        self.registry = Registry()
        self.inbox = SpeakerRequests(self.assign, self.answers.append, self.registry)

    def assign(self, speaker: str, person: int | None) -> None:
        self.threads.append(threading.current_thread().name)
        if person not in (3, None):
            raise SpeakerError(f"there is no person {person}")
        self.assigned.append((speaker, person))

    def ask(self, payload: bytes | object) -> None:
        self.inbox.receive(payload if isinstance(payload, bytes) else json.dumps(payload).encode())

    def count(self, counter: Counter) -> int:
        return self.registry.count(counter)


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Kept:
    return Kept(monkeypatch)


def test_a_request_is_carried_out_and_answered_at_the_next_tick(kept: Kept) -> None:
    thread = threading.Thread(target=kept.ask, args=({"speaker": "Anna", "person": 3},), name="network")
    thread.start()
    thread.join()
    kept.ask({"person": None, "speaker": "Bert"})
    assert (kept.assigned, kept.answers) == ([], [])
    kept.inbox.tick(1000.0, {})
    assert kept.assigned == [("Anna", 3), ("Bert", None)]
    assert kept.threads == [threading.current_thread().name] * 2
    assert kept.answers == [Answer(True), Answer(True)]
    kept.inbox.tick(1000.2, {})
    assert len(kept.assigned) == 2
    assert kept.count(catalogue.SPEAKER_REQUESTS_FAILED) == kept.count(catalogue.SPEAKER_REQUESTS_DROPPED) == 0


BAD = {
    "nothing": b"",
    "text": b"Anna is person 3",
    "broken UTF-8": b'{"speaker": "\xc3\x28", "person": 3}',
    "a list": b"[]",
    "no person": {"speaker": SECRET},
    "no speaker": {"person": 3},
    "an empty name": {"speaker": "", "person": 3},
    "a long name": {"speaker": SECRET + "x" * MAX_NAME, "person": 3},
    "a number for a name": {"speaker": 3, "person": 3},
    "text for a person": {"speaker": SECRET, "person": "3"},
    "a share of a person": {"speaker": SECRET, "person": 3.5},
    "the scene": {"speaker": SECRET, "person": 0},
    "a negative person": {"speaker": SECRET, "person": -3},
    "an endless person": {"speaker": SECRET, "person": 10**30},
    "true": {"speaker": SECRET, "person": True},
    "an unknown key": {"speaker": SECRET, "person": 3, "Person": 3},
    "deep nesting": b'{"speaker": ' + b"[" * 1900,
}


@pytest.mark.parametrize("payload", BAD.values(), ids=BAD.keys())
def test_a_bad_request_is_refused_with_what_a_good_one_is(kept: Kept, payload: object) -> None:
    kept.ask(payload)
    kept.inbox.tick(1000.0, {})
    (answer,) = kept.answers
    assert kept.assigned == []
    assert answer.error == 'a request is {"speaker": name, "person": track id or null}, and this is not one'
    assert kept.count(catalogue.SPEAKER_REQUESTS_FAILED) == 1


def test_a_person_who_is_not_there_is_named_in_the_refusal(kept: Kept) -> None:
    kept.ask({"speaker": SECRET, "person": 4})
    kept.inbox.tick(1000.0, {})
    assert kept.answers == [Answer(False, "there is no person 4")]
    assert kept.count(catalogue.SPEAKER_REQUESTS_FAILED) == 1


def test_a_large_request_is_refused_unread(kept: Kept) -> None:
    kept.ask({"speaker": "x" * MAX_NAME, "person": 3, "more": "y" * MAX_BYTES})
    assert [answer.ok for answer in kept.answers] == [False]
    assert f"at most {MAX_BYTES}" in (kept.answers[0].error or "")
    kept.inbox.tick(1000.0, {})
    assert kept.assigned == []
    exact = json.dumps({"speaker": "x", "person": 3}).ljust(MAX_BYTES).encode()
    kept.ask(exact)
    kept.inbox.tick(1000.0, {})
    assert kept.assigned == [("x", 3)]


def test_a_flood_is_counted_answered_once_and_leaves_a_bounded_queue(kept: Kept) -> None:
    for number in range(5000):
        kept.ask({"speaker": f"name {number}", "person": 3})
    assert len(kept.inbox._waiting) == ACCEPTED_BURST
    assert kept.count(catalogue.SPEAKER_REQUESTS_DROPPED) == 5000 - ACCEPTED_BURST
    assert [answer.error for answer in kept.answers] == [
        f"more than {ACCEPTED_PER_S:g} requests a second: the others are not read"
    ]
    kept.inbox.tick(1000.0, {})
    assert len(kept.assigned) == ACCEPTED_BURST
    kept.now += 1.0
    for number in range(100):
        kept.ask({"speaker": f"later {number}", "person": 3})
    kept.inbox.tick(1001.0, {})
    assert len(kept.assigned) == ACCEPTED_BURST + ACCEPTED_PER_S
    # The second flood begins after requests were accepted again, so that it is answered again, once.
    assert sum(not answer.ok for answer in kept.answers) == 2


def random_requests(seed: int) -> Iterator[bytes]:
    """Random bytes, and good requests with some bytes changed."""
    rng = random.Random(seed)
    good = json.dumps({"speaker": "Anna 😂", "person": 3}).encode()
    for _ in range(2000):
        yield rng.randbytes(rng.randrange(100))
        changed = bytearray(good)
        for _ in range(rng.randrange(1, 4)):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        yield bytes(changed)


def test_anything_at_all_is_carried_out_or_refused(kept: Kept) -> None:
    for payload in random_requests(3):
        kept.now += 1.0
        kept.ask(payload)
        kept.inbox.tick(kept.now, {})
    assert len(kept.answers) == 4000
    assert kept.count(catalogue.SPEAKER_REQUESTS_FAILED) == sum(not answer.ok for answer in kept.answers) > 3000
    assert all(0 < len(speaker) <= MAX_NAME for speaker, _ in kept.assigned)
    assert not any("\n" in (answer.error or "") for answer in kept.answers)


def test_words_of_a_named_speaker_are_those_of_the_person_over_a_real_broker(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    base = f"emotion/{NAME}"
    config = tmp_path / "edge.toml"
    config.write_text('[health]\ninterval_s = 1\n[face]\ndetector = "haar"\n[voice]\nenabled = false')
    with (
        Reader(mosquitto.address, f"{base}/#") as reader,
        running("--source", clip.path(), "--loop", "--config", config, "--broker", mosquitto.url, "--quiet"),
    ):

        def answers() -> list[dict[str, object]]:
            return [json.loads(payload) for payload in reader.payloads(f"{base}/response/speaker")]

        def ask(payload: object) -> dict[str, object]:
            before = len(answers())
            reader.publish(f"{base}/request/speaker", json.dumps(payload))
            eventually(lambda: len(answers()) == before + 1, "it is answered")
            jsonschema.validate(answers()[-1], json.loads(schema.text("response")))
            return answers()[-1]

        def person() -> int:
            reader.expect(f"{base}/face")
            seen: int = json.loads(reader.payloads(f"{base}/face")[-1])["person"]
            return seen

        def named() -> bool:
            number = person()
            if not ask({"speaker": SECRET, "person": number})["ok"]:
                return False
            reader.publish(f"{base}/words/transcript", json.dumps({"text": "I am so sad", "speaker": SECRET}))
            eventually(
                lambda: any(json.loads(said)["label"] == "sadness" for said in reader.payloads(f"{base}/words")),
                "the words are read",
            )
            said = [json.loads(payload) for payload in reader.payloads(f"{base}/words")]
            return next(words for words in reversed(said) if words["label"] == "sadness")["person"] == number

        # The person of the clip goes and comes again with another number, and the name is forgotten then.
        eventually(named, "the words are those of the person")
        assert ask({"speaker": SECRET, "person": 10**6}) == {
            "schema": "edge-emotion/response/1",
            "verb": "speaker",
            "ok": False,
            "error": "there is no person 1000000; `state` and `face` name those who are seen",
        }
        assert ask([SECRET])["ok"] is False
        eventually(
            lambda: json.loads(reader.payloads(f"{base}/health")[-1])["drops"]["speaker.requests_failed"] >= 2,
            "refusals are counted",
        )
        sent = {f"{base}/words/transcript", f"{base}/request/speaker"}
        assert not any(SECRET.encode() in m.payload for m in reader.messages if m.topic not in sent)
