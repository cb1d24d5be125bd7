"""The sense threads of the live loop: one for each sense, and one for the speech recogniser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from edge.errors import EdgeEmotionError
from edge.health import catalogue
from edge.health.registry import Registry
from edge.observation import Perceived, Sense, Transcript
from edge.runtime.exchange import Exchange
from edge.runtime.faults import Faults
from edge.runtime.senses import Senses
from edge.runtime.worker import Worker

T = TypeVar("T")

WAIT_S: Final = 0.5
"""Maximum seconds that a thread waits for an item before it sends a heartbeat and checks whether to stop."""
SOUND_GONE_S: Final = 1.5
"""A microphone that gives no sound for this many seconds counts as lost, which ends an utterance in progress."""


def make_workers(
    senses: Senses,
    exchange: Exchange,
    faults: Faults,
    registry: Registry,
    take_transcript: Callable[[Transcript], None],
) -> tuple[Worker, ...]:
    """Makes a worker for each available sense, without starting it.

    Args:
        senses: The senses.
        exchange: Gives the items and receives the results.
        faults: Where a failed sense is reported.
        registry: Where failures are counted.
        take_transcript: Receives the sentences of the speech recogniser.
    """

    def sense(
        name: Sense,
        take: Callable[[float], T | None],
        perceive: Callable[[T], Perceived],
        idle: Callable[[], Perceived | None] = lambda: None,
    ) -> Worker:
        """`idle`: gives the sense's result when no item has arrived for `SOUND_GONE_S`."""

        def body(worker: Worker) -> None:
            waited = 0.0
            while not worker.stopping:
                item = take(WAIT_S)
                waited = waited + WAIT_S if item is None else 0.0
                perceived = perceive(item) if item is not None else idle() if waited >= SOUND_GONE_S else None
                if perceived is not None:
                    if perceived.failed:
                        registry.increment(catalogue.ITEMS_FAILED[name])
                    exchange.perceived.put(perceived)
                worker.beat()

        def report(fault: str | None) -> None:
            if fault is None:
                faults.clear(f"{name} sense", name)
            else:
                faults.report(f"{name} sense", name, fault)
                registry.increment(catalogue.ITEMS_FAILED[name])

        return Worker(f"{name} sense", body, report)

    def recognise(worker: Worker) -> None:
        while not worker.stopping:
            chunk = exchange.speech.take(WAIT_S)
            if chunk is not None:
                try:
                    sentences = senses.recognise(chunk)
                except EdgeEmotionError:
                    registry.increment(catalogue.WORDS_CHUNKS_FAILED)
                    raise
                for transcript in sentences:
                    take_transcript(transcript)
            worker.beat()

    workers = []
    if senses.face is not None:
        workers.append(sense("face", exchange.frames.take, senses.see))
    if senses.ears is not None:
        senses.ears.connect_recogniser(exchange.speech.put)
        workers.append(sense("voice", exchange.sound.take, senses.hear, senses.hear_nothing))
    if senses.words is not None:
        workers.append(sense("words", exchange.texts.take, senses.read))
    if senses.recogniser is not None:
        workers.append(Worker("speech recogniser", recognise))
    return tuple(workers)
