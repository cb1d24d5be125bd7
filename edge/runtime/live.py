"""The senses on live sources: a thread for each source and each sense, one loop that fuses and publishes.

Threads share mailboxes, bounded queues and counters, nothing else. Each beats; one that hangs is unblocked, and
where that does not help `run` gives up with an error, so that systemd starts the process anew.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from edge.config import Config
from edge.errors import EdgeEmotionError
from edge.fusion.decision import DecisionFusion
from edge.health.counters import Counters
from edge.health.timings import Timings
from edge.observation import AudioChunk, Estimate, Frame, Observation, Sense, Transcript
from edge.runtime.mailbox import BoundedQueue, Mailbox
from edge.runtime.senses import Perceived, Senses
from edge.runtime.stop import StopRequest
from edge.runtime.worker import Worker
from edge.sources.base import NO_PICTURE, NO_SOUND, Recording, Refusing, Source

log = logging.getLogger(__name__)

T = TypeVar("T")

_WAIT_S: Final = 0.5
"""How long a thread waits for its next item before it beats and looks whether to stop."""
_GONE_S: Final = 1.5
"""A microphone that gives nothing for so long has gone: what was being said will not go on."""
_SOUND_WAITING: Final = 500
"""Chunks of sound, some ten seconds: a sense that lags further behind would only tell the past."""
_TEXTS_WAITING: Final = 64
_PERCEIVED_WAITING: Final = 1000
_STOP_TIMEOUT_S: Final = 3.0


class StuckError(EdgeEmotionError, TimeoutError):
    """A thread hangs and cannot be brought back within this process."""


class Output(Protocol):
    """Who is told: the MQTT publisher, the terminal view."""

    def observed(self, observation: Observation) -> None: ...

    def estimated(self, estimate: Estimate) -> None: ...

    def tick(self, now: float, missing: dict[str, str]) -> None:
        """Once a round, for what is sent now and then. `now`: monotonic seconds; `missing`: sense → why it is."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """How to open what is listened to and looked at; None for what is not wanted.

    They are called again after a device has gone, so each call looks for the device afresh.
    """

    camera: Callable[[], Source[Frame]] | None = None
    microphone: Callable[[], Source[AudioChunk]] | None = None
    media: Callable[[], Source[Frame | AudioChunk | Transcript]] | None = None
    """Picture, sound and words from one source that keeps its own pace; stands in for camera and microphone."""
    transcripts: Callable[[], Source[Transcript]] | None = None


class Live:
    """Runs until told to stop, or until all that it reads has ended."""

    def __init__(
        self,
        config: Config,
        senses: Senses,
        inputs: Inputs,
        outputs: tuple[Output, ...],
        counters: Counters,
        timings: Timings,
    ) -> None:
        self._config = config
        self._senses = senses
        self._inputs = inputs
        self._outputs = outputs
        self._counters = counters
        self._timings = timings
        self._frames: Mailbox[Frame] = Mailbox()
        self._sound: BoundedQueue[AudioChunk] = BoundedQueue(_SOUND_WAITING, AudioChunk.after_loss)
        self._speech: BoundedQueue[AudioChunk] = BoundedQueue(_SOUND_WAITING, AudioChunk.after_loss)
        self._texts: BoundedQueue[Transcript] = BoundedQueue(_TEXTS_WAITING)
        self._perceived: BoundedQueue[Perceived] = BoundedQueue(_PERCEIVED_WAITING)
        self._faults: dict[str, tuple[Sense, str]] = {}
        self._refusing: dict[str, tuple[Refusing, int]] = {}
        """Sources that count what they refuse, and what those before them under the same name had refused."""
        self._due_sequence = 0
        self._fusion = DecisionFusion(config.fusion)
        if inputs.media is None:
            if inputs.camera is None:
                self._faults["no camera"] = ("face", "camera off")
            if inputs.microphone is None:
                self._faults["no microphone"] = ("voice", "microphone off")
        self._sources = self._source_workers()
        self._perceivers = self._sense_workers()

    def hear_of(self, transcript: Transcript) -> None:
        """Takes a transcript from elsewhere (the broker); safe from any thread, never blocks."""
        self._counters.increment("words.transcripts")
        if self._senses.words is not None:
            self._texts.put(transcript)

    def run(self, stop: StopRequest, alive: Callable[[], None] = lambda: None) -> None:
        """Blocks until `stop` is set or every source has ended. `alive` is called every round in which all is well.

        Raises `StuckError`.
        """
        workers = (*self._sources, *self._perceivers)
        for worker in workers:
            worker.start()
        period = 1.0 / self._config.fusion.rate_hz
        due = time.monotonic() + period
        unblocked: dict[Worker, float] = {}
        try:
            while not stop.wait(max(0.0, due - time.monotonic())):
                now = time.monotonic()
                self._round(now)
                if self._well(workers, unblocked, now):
                    alive()
                if self._all_read():
                    break
                # After a stall the rhythm starts anew: a burst of estimates would help nobody.
                due = max(due + period, time.monotonic())
        finally:
            for worker in workers:
                worker.stop()
            deadline = time.monotonic() + _STOP_TIMEOUT_S
            for worker in workers:
                if not worker.join(max(0.0, deadline - time.monotonic())):
                    log.warning("%s did not end in time", worker.name)
        if not stop.is_set():
            self._perceived.put(self._senses.fall_silent())
            for transcript in self._senses.recognise_rest():
                self._counters.increment("words.transcripts")
                self._perceived.put(self._senses.read(transcript))
            self._round(time.monotonic())

    def _round(self, now: float) -> None:
        for perceived in self._perceived.drain():
            self._take(perceived)
        for sense, reason in self._senses.missing.items():
            self._fusion.report(sense, reason)
        for sense, reason in list(self._faults.values()):
            self._fusion.report(sense, reason)
        with self._timings.stage("fuse"):
            estimate = self._fusion.estimate(now)
        self._counters.increment("fusion.estimates")
        missing: dict[str, str] = {part.sense: part.missing for part in estimate.contributions if part.missing}
        self._count_drops()
        with self._timings.stage("publish"):
            for output in self._outputs:
                output.estimated(estimate)
                output.tick(now, missing)

    def _take(self, perceived: Perceived) -> None:
        perceived.fuse(self._fusion)
        for observation in perceived.observations:
            self._counters.increment(f"{observation.sense}.observations")
            for output in self._outputs:
                output.observed(observation)

    def _count_drops(self) -> None:
        self._counters.raise_to("face.frames_skipped", self._frames.skipped)
        self._counters.raise_to("voice.chunks_dropped", self._sound.dropped)
        self._counters.raise_to("words.chunks_dropped", self._speech.dropped)
        self._counters.raise_to("words.transcripts_dropped", self._texts.dropped)
        self._counters.raise_to("fusion.perceptions_dropped", self._perceived.dropped)
        for name, (source, before) in list(self._refusing.items()):
            self._counters.raise_to(f"{name.replace(' ', '_')}.items_failed", before + source.refused)
        if self._senses.ears is not None:
            for name, count in self._senses.ears.counters.items():
                self._counters.raise_to(f"voice.{name}", count)
        if self._senses.face is not None:
            for name, count in self._senses.face.counters.items():
                self._counters.raise_to(f"face.{name}", count)

    def _all_read(self) -> bool:
        """Whether every source has ended and the senses have taken all that came."""
        ended = bool(self._sources) and all(worker.ended for worker in self._sources)
        return ended and not (
            self._frames.waiting or self._sound.waiting or self._speech.waiting or self._texts.waiting
        )

    def _well(self, workers: tuple[Worker, ...], unblocked: dict[Worker, float], now: float) -> bool:
        limit = self._config.health.stuck_after_s
        for worker in workers:
            if worker.silent_for() <= limit:
                unblocked.pop(worker, None)
            elif worker not in unblocked:
                log.error("%s has not answered for %.0f s; closing its source", worker.name, worker.silent_for())
                self._counters.increment("threads.unblocked")
                unblocked[worker] = now
                worker.unblock()
            elif now - unblocked[worker] > limit:
                raise StuckError(f"{worker.name} hangs and cannot be brought back; ending so that it is started anew")
        return not unblocked

    # Sources

    def _source_workers(self) -> tuple[Worker, ...]:
        inputs = self._inputs
        workers = []
        if inputs.camera is not None and self._senses.face is not None:
            workers.append(self._source("camera", inputs.camera, self._put_frame, ("face",)))
        if inputs.microphone is not None and (self._senses.ears or self._senses.recogniser):
            workers.append(self._source("microphone", inputs.microphone, self._put_sound, ("voice",)))
        if inputs.media is not None:
            workers.append(self._source("media file", inputs.media, self._put_media, ("face", "voice")))
        if inputs.transcripts is not None and self._senses.words is not None:
            workers.append(self._source("transcripts", inputs.transcripts, self.hear_of, ("words",), may_wait=True))
        return tuple(workers)

    def _source(
        self,
        name: str,
        open_source: Callable[[], Source[T]],
        put: Callable[[T], None],
        senses: tuple[Sense, ...],
        *,
        may_wait: bool = False,
    ) -> Worker:
        opened: list[Source[T]] = []

        def body(worker: Worker) -> None:
            source = open_source()
            opened[:] = [source]
            try:
                source.open()
                log.info("%s: %s", name, source.name)
                if isinstance(source, Recording):
                    self._name_missing_streams(source)
                if isinstance(source, Refusing):
                    last = self._refusing.get(name)
                    self._refusing[name] = (source, last[0].refused + last[1] if last else 0)
                while not worker.stopping:
                    put(source.read())
                    worker.beat()
            finally:
                source.close()

        def report(fault: str | None) -> None:
            for sense in senses:
                if fault is None:
                    self._faults.pop(f"{name} {sense}", None)
                    self._perceived.put(Perceived(sense))
                else:
                    self._faults[f"{name} {sense}"] = (sense, fault)
            if fault is not None:
                self._counters.increment(f"{name.replace(' ', '_')}.faults")

        def unblock() -> None:
            for source in opened:
                source.close()

        return Worker(name, body, report, unblock, may_wait=may_wait)

    def _name_missing_streams(self, recording: Recording) -> None:
        streams: tuple[tuple[Sense, bool, str], ...] = (
            ("face", recording.has_video, NO_PICTURE),
            ("voice", recording.has_audio, NO_SOUND),
        )
        for sense, there, reason in streams:
            if not there:
                self._faults[f"recording {sense}"] = (sense, reason)

    def _put_frame(self, frame: Frame) -> None:
        self._counters.increment("camera.frames")
        # A gap: pictures that nobody took in time.
        self._counters.increment("camera.frames_skipped", max(0, frame.sequence - self._due_sequence))
        self._due_sequence = frame.sequence + 1
        # What nobody takes would wait for ever and keep the end from coming.
        if self._senses.face is not None:
            self._frames.put(frame)

    def _put_sound(self, chunk: AudioChunk) -> None:
        self._counters.increment("microphone.chunks")
        self._counters.increment("microphone.overruns", chunk.overruns)
        if self._senses.ears is not None:
            self._sound.put(chunk)
        if self._senses.recogniser is not None:
            self._speech.put(chunk)

    def _put_media(self, item: Frame | AudioChunk | Transcript) -> None:
        if isinstance(item, Frame):
            self._put_frame(item)
        elif isinstance(item, AudioChunk):
            self._put_sound(item)
        else:
            self.hear_of(item)

    # Senses

    def _sense_workers(self) -> tuple[Worker, ...]:
        workers = []
        if self._senses.face is not None:
            workers.append(self._sense("face", self._frames.take, self._senses.see))
        if self._senses.ears is not None:
            workers.append(self._sense("voice", self._sound.take, self._senses.hear, self._senses.hear_nothing))
        if self._senses.words is not None:
            workers.append(self._sense("words", self._texts.take, self._senses.read))
        if self._senses.recogniser is not None:
            workers.append(Worker("speech recogniser", self._recognise))
        return tuple(workers)

    def _recognise(self, worker: Worker) -> None:
        while not worker.stopping:
            chunk = self._speech.take(_WAIT_S)
            if chunk is not None:
                try:
                    said = self._senses.recognise(chunk)
                except EdgeEmotionError:
                    self._counters.increment("words.chunks_failed")
                    raise
                for transcript in said:
                    self.hear_of(transcript)
            worker.beat()

    def _sense(
        self,
        name: Sense,
        take: Callable[[float], T | None],
        perceive: Callable[[T], Perceived],
        idle: Callable[[], Perceived | None] = lambda: None,
    ) -> Worker:
        """`idle`: what there is to tell when nothing has come for `_GONE_S`."""

        def body(worker: Worker) -> None:
            waited = 0.0
            while not worker.stopping:
                item = take(_WAIT_S)
                waited = waited + _WAIT_S if item is None else 0.0
                perceived = perceive(item) if item is not None else idle() if waited >= _GONE_S else None
                if perceived is not None:
                    if perceived.failed:
                        self._counters.increment(f"{name}.items_failed")
                    self._perceived.put(perceived)
                worker.beat()

        def report(fault: str | None) -> None:
            if fault is None:
                self._faults.pop(name, None)
            else:
                self._faults[name] = (name, fault)
                self._counters.increment(f"{name}.items_failed")

        return Worker(f"{name} sense", body, report)
