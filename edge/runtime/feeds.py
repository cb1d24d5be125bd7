"""The source threads of the live loop: each reads one source and puts its items into the exchange."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from edge.health import catalogue
from edge.health.registry import Counter, Registry
from edge.observation import AudioChunk, Frame, Perceived, Sense, Transcript
from edge.runtime.exchange import Exchange
from edge.runtime.faults import Faults
from edge.runtime.senses import Senses
from edge.runtime.worker import LONGEST_WAIT_S, Worker
from edge.sources.base import NO_PICTURE, NO_SOUND, Recording, Refusing, Source

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Inputs:
    """Factories of the sources; None for a source that is not used.

    A factory is called again after its device was lost, so that it searches for the device again.
    """

    camera: Callable[[], Source[Frame]] | None = None
    """Opens the camera."""
    microphone: Callable[[], Source[AudioChunk]] | None = None
    """Opens the microphone."""
    media: Callable[[], Source[Frame | AudioChunk | Transcript]] | None = None
    """Opens one source of frames, sound and transcripts that sets its own pace, in place of camera and microphone."""
    transcripts: Callable[[], Source[Transcript]] | None = None
    """Opens the source of transcripts."""


class Feeds:
    """Makes the workers of the sources and counts their items."""

    def __init__(
        self,
        inputs: Inputs,
        senses: Senses,
        exchange: Exchange,
        faults: Faults,
        registry: Registry,
        *,
        retry_max_s: float = LONGEST_WAIT_S,
    ) -> None:
        """Makes the workers without starting them.

        Args:
            inputs: Factories of the sources.
            senses: The senses; a source that no sense needs is not opened.
            exchange: Receives the items of the sources.
            faults: Where a source that cannot be opened or was lost is reported.
            registry: Where items and refused items are counted.
            retry_max_s: Maximum wait in seconds before a lost source is opened again.
        """
        self._retry_max = retry_max_s
        self._senses = senses
        self._exchange = exchange
        self._faults = faults
        self._registry = registry
        self._refusing: dict[Counter, tuple[Refusing, int]] = {}
        """Counter → the source that counts its refused items, and the number that earlier sources had refused."""
        self._next_sequence = 0
        self._unopened: set[str] = set()
        if inputs.media is None:
            if inputs.camera is None:
                faults.report("no camera", "face", "camera off")
            if inputs.microphone is None:
                faults.report("no microphone", "voice", "microphone off")
        self.workers = self._make_workers(inputs)

    @property
    def opening(self) -> tuple[str, ...]:
        """Names of the sources that have neither been opened nor failed yet."""
        return tuple(sorted(self._unopened))

    @property
    def ended(self) -> bool:
        """Whether there are sources and all of them have ended."""
        return bool(self.workers) and all(worker.ended for worker in self.workers)

    def take_transcript(self, transcript: Transcript) -> None:
        """Queues a transcript for the words sense; safe from any thread, never blocks."""
        self._registry.increment(catalogue.WORDS_TRANSCRIPTS)
        if self._senses.words is not None:
            self._exchange.texts.put(transcript)

    def count_refusals(self) -> None:
        """Updates the counters of damaged items."""
        for counter, (source, before) in list(self._refusing.items()):
            self._registry.raise_to(counter, before + source.refused)

    def _make_workers(self, inputs: Inputs) -> tuple[Worker, ...]:
        workers = []
        if inputs.camera is not None and self._senses.face is not None:
            workers.append(self._worker("camera", inputs.camera, self._put_frame, catalogue.CAMERA, ("face",)))
        if inputs.microphone is not None and self._senses.ears is not None:
            workers.append(
                self._worker("microphone", inputs.microphone, self._put_sound, catalogue.MICROPHONE, ("voice",))
            )
        if inputs.media is not None:
            media = self._worker("media file", inputs.media, self._put_media, catalogue.MEDIA_FILE, ("face", "voice"))
            workers.append(media)
        if inputs.transcripts is not None and self._senses.words is not None:
            put, counters = self.take_transcript, catalogue.TRANSCRIPTS
            workers.append(self._worker("transcripts", inputs.transcripts, put, counters, ("words",), may_wait=True))
        return tuple(workers)

    def _worker(
        self,
        name: str,
        open_source: Callable[[], Source[T]],
        put: Callable[[T], None],
        counters: catalogue.SourceCounters,
        senses: tuple[Sense, ...],
        *,
        may_wait: bool = False,
    ) -> Worker:
        opened: list[Source[T]] = []
        self._unopened.add(name)

        def body(worker: Worker) -> None:
            source = open_source()
            opened[:] = [source]
            try:
                source.open()
                self._unopened.discard(name)
                log.info("%s: %s", name, source.name)
                if isinstance(source, Recording):
                    self._report_missing_streams(source)
                if isinstance(source, Refusing):
                    last = self._refusing.get(counters.items_failed)
                    self._refusing[counters.items_failed] = (source, last[0].refused + last[1] if last else 0)
                while not worker.stopping:
                    put(source.read())
                    worker.beat()
            finally:
                source.close()

        def report(fault: str | None) -> None:
            self._unopened.discard(name)
            for sense in senses:
                if fault is None:
                    self._faults.clear(name, sense)
                    self._exchange.perceived.put(Perceived(sense))
                else:
                    self._faults.report(name, sense, fault)
            if fault is not None:
                self._registry.increment(counters.faults)

        def unblock() -> None:
            for source in opened:
                source.close()

        return Worker(name, body, report, unblock, may_wait=may_wait, longest_wait_s=self._retry_max)

    def _report_missing_streams(self, recording: Recording) -> None:
        if not recording.has_video:
            self._faults.report("recording", "face", NO_PICTURE)
        if not recording.has_audio:
            self._faults.report("recording", "voice", NO_SOUND)

    def _put_frame(self, frame: Frame) -> None:
        self._registry.increment(catalogue.CAMERA_FRAMES)
        # A gap in the sequence means frames that this process did not read in time.
        self._registry.increment(catalogue.CAMERA_FRAMES_SKIPPED, max(0, frame.sequence - self._next_sequence))
        self._next_sequence = frame.sequence + 1
        # Without a face sense the frame would stay in the mailbox and keep the loop from ending.
        if self._senses.face is not None:
            self._exchange.frames.put(frame)

    def _put_sound(self, chunk: AudioChunk) -> None:
        self._registry.increment(catalogue.MICROPHONE_CHUNKS)
        self._registry.increment(catalogue.MICROPHONE_OVERRUNS, chunk.overruns)
        if self._senses.ears is not None:
            self._exchange.sound.put(chunk)

    def _put_media(self, item: Frame | AudioChunk | Transcript) -> None:
        if isinstance(item, Frame):
            self._put_frame(item)
        elif isinstance(item, AudioChunk):
            self._put_sound(item)
        else:
            self.take_transcript(item)
