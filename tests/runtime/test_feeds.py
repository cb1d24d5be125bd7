"""Distribution of the sources' items, their counters, and reported faults."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from edge.errors import SourceEnded, SourceError
from edge.health import catalogue
from edge.health.registry import Counter, Registry
from edge.observation import AudioChunk, Frame, Transcript
from edge.runtime.exchange import SOUND_WAITING, Exchange
from edge.runtime.faults import Faults
from edge.runtime.feeds import Feeds, Inputs
from edge.runtime.senses import Senses
from edge.sources.base import NO_PICTURE, NO_SOUND

EVERYTHING = Senses(face=object(), ears=object(), words=object(), missing={})  # type: ignore[arg-type]
NOTHING = Senses(face=None, ears=None, words=None, missing={})
IMAGE = np.zeros((4, 4, 3), np.uint8)


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.01)


class Script:
    """A source that gives these items and then ends; an exception among them is raised."""

    name = "script"

    def __init__(self, *items: object) -> None:
        self.items = list(items)
        self.closed = False

    def open(self) -> None:
        pass

    def read(self) -> object:
        if not self.items:
            raise SourceEnded("the script has ended")
        item = self.items.pop(0)
        if isinstance(item, Exception):
            raise item
        return item

    def close(self) -> None:
        self.closed = True


class Film(Script):
    """A recording with picture or sound missing, whose decoder refused some items."""

    def __init__(self, *items: object, has_video: bool = True, has_audio: bool = True, refused: int = 0) -> None:
        super().__init__(*items)
        self.has_video, self.has_audio, self.refused = has_video, has_audio, refused


class Fed:
    def __init__(self, inputs: Inputs, senses: Senses = EVERYTHING) -> None:
        self.exchange, self.faults, self.registry = Exchange(), Faults(), Registry()
        self.feeds = Feeds(inputs, senses, self.exchange, self.faults, self.registry)

    def run(self) -> Fed:
        for worker in self.feeds.workers:
            worker.start()
        until(lambda: self.feeds.ended)
        self.feeds.count_refusals()
        return self

    def count(self, counter: Counter) -> int:
        return self.registry.count(counter)


def frames(*numbers: int) -> list[Frame]:
    return [Frame(IMAGE, float(number), number) for number in numbers]


def test_gaps_in_the_sequence_are_counted_each_time() -> None:
    fed = Fed(Inputs(camera=lambda: Script(*frames(0, 1, 4, 5, 9)))).run()  # type: ignore[arg-type, return-value]
    assert fed.count(catalogue.CAMERA_FRAMES) == 5
    assert fed.count(catalogue.CAMERA_FRAMES_SKIPPED) == 5
    newest = fed.exchange.frames.take(0)
    assert newest is not None
    assert newest.sequence == 9


def test_a_sequence_that_begins_again_counts_no_gap() -> None:
    fed = Fed(Inputs(camera=lambda: Script(*frames(0, 1, 2, 0, 1, 2)))).run()  # type: ignore[arg-type, return-value]
    assert fed.count(catalogue.CAMERA_FRAMES_SKIPPED) == 0


def test_sound_overruns_are_summed() -> None:
    chunks = [AudioChunk(np.zeros(160, np.float32), 16_000, i * 0.01, overruns=i) for i in range(4)]
    fed = Fed(Inputs(microphone=lambda: Script(*chunks))).run()  # type: ignore[arg-type, return-value]
    assert fed.count(catalogue.MICROPHONE_CHUNKS) == 4
    assert fed.count(catalogue.MICROPHONE_OVERRUNS) == 6
    assert fed.exchange.sound.waiting == 4


def test_sound_that_nobody_takes_is_bounded_and_counted() -> None:
    chunks = [AudioChunk(np.zeros(1, np.float32), 16_000, 0.0) for _ in range(SOUND_WAITING + 7)]
    fed = Fed(Inputs(microphone=lambda: Script(*chunks))).run()  # type: ignore[arg-type, return-value]
    fed.exchange.count_drops(fed.registry)
    assert fed.count(catalogue.VOICE_CHUNKS_DROPPED) == 7
    first = fed.exchange.sound.take(0)
    assert first is not None
    assert first.overruns == 7, "the loss is reported with the sound that follows it"


def test_a_recording_feeds_all_senses_and_reports_what_it_lacks() -> None:
    items = [*frames(0), AudioChunk(np.zeros(160, np.float32), 16_000, 0.0), Transcript("hello", 0.1)]
    fed = Fed(Inputs(media=lambda: Film(*items, refused=3))).run()  # type: ignore[arg-type, return-value]
    assert (fed.exchange.frames.waiting, fed.exchange.sound.waiting, fed.exchange.texts.waiting) == (1, 1, 1)
    assert fed.count(catalogue.MEDIA_FILE_ITEMS_FAILED) == 3
    assert fed.count(catalogue.WORDS_TRANSCRIPTS) == 1
    assert fed.faults.present() == ()
    blind = Fed(Inputs(media=lambda: Film(has_video=False))).run()  # type: ignore[arg-type, return-value]
    assert blind.faults.present() == (("face", NO_PICTURE),)
    deaf = Fed(Inputs(media=lambda: Film(has_audio=False))).run()  # type: ignore[arg-type, return-value]
    assert deaf.faults.present() == (("voice", NO_SOUND),)


def test_sources_that_no_sense_needs_are_neither_opened_nor_kept() -> None:
    def refuse() -> Script:
        raise AssertionError("opened for nothing")

    fed = Fed(Inputs(camera=refuse, microphone=refuse, transcripts=refuse), NOTHING)  # type: ignore[arg-type]
    assert fed.feeds.workers == ()
    film = Fed(Inputs(media=lambda: Film(*frames(0), Transcript("hello", 0.1))), NOTHING).run()  # type: ignore[arg-type, return-value]
    assert film.exchange.empty


def test_devices_that_are_off_are_reported_as_off() -> None:
    assert Fed(Inputs()).faults.present() == (("face", "camera off"), ("voice", "microphone off"))
    assert Fed(Inputs(media=Film)).faults.present() == ()  # type: ignore[arg-type]


def test_a_fault_is_reported_counted_and_cleared_each_time_it_comes() -> None:
    """A camera that breaks twice, each time after a picture; then it ends."""
    scripts = [
        Script(SourceError("unplugged")),
        Script(*frames(0), SourceError("unplugged again")),
        Script(*frames(1)),
    ]
    opened: list[Script] = []

    def camera() -> Script:
        opened.append(scripts[len(opened)])
        return opened[-1]

    fed = Fed(Inputs(camera=camera))  # type: ignore[arg-type]
    assert fed.feeds.opening == ("camera",)
    seen: list[list[str]] = []
    for worker in fed.feeds.workers:
        worker.start()

    def ended() -> bool:
        seen.append([reason for sense, reason in fed.faults.present() if sense == "face"])
        return fed.feeds.ended

    until(ended)
    assert fed.feeds.opening == ()
    assert fed.count(catalogue.CAMERA_FAULTS) == 2
    assert fed.count(catalogue.CAMERA_FRAMES) == 2
    assert [source.closed for source in scripts] == [True, True, True]
    assert ["unplugged"] in seen
    assert ["unplugged again"] in seen
    assert seen[-1] == [], "the second recovery clears the fault as the first did"
    # Each recovery is reported to the fusion.
    assert [perceived.condition for perceived in fed.exchange.perceived.drain()] == [None, None]


@pytest.mark.parametrize("waiting", ["frames", "sound", "speech", "texts"])
def test_the_exchange_is_empty_only_without_anything_waiting(waiting: str) -> None:
    exchange = Exchange()
    assert exchange.empty
    getattr(exchange, waiting).put(object())
    assert not exchange.empty


def test_the_faults_of_two_parts_for_one_sense_stand_side_by_side() -> None:
    faults = Faults()
    faults.report("camera", "face", "gone")
    faults.report("face sense", "face", "broken")
    faults.report("camera", "face", "still gone")
    assert faults.present() == (("face", "still gone"), ("face", "broken"))
    faults.clear("camera", "face")
    faults.clear("camera", "face")
    assert faults.present() == (("face", "broken"),)


def test_what_sources_of_one_name_refused_adds_up_over_reopenings() -> None:
    """Each time it is opened anew a source counts from 0; the total never falls."""
    films = [Film(*frames(0), SourceError("gone"), refused=3), Film(*frames(1), SourceError("gone"), refused=4)]
    films.append(Film(refused=1))
    opened = iter(films)
    fed = Fed(Inputs(media=lambda: next(opened)))  # type: ignore[arg-type, return-value]
    fed.run()
    assert fed.count(catalogue.MEDIA_FILE_ITEMS_FAILED) == 8
