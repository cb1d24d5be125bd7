"""The live loop: fuses the senses' results and passes estimates to the outputs.

Each source and each sense has its own thread. Threads share only the exchange, the faults and the registry.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from edge.config import Config
from edge.fusion.fusion import Fusion
from edge.health import catalogue
from edge.health.registry import Registry
from edge.observation import Perceived, Transcript
from edge.output import Output
from edge.runtime import perceivers
from edge.runtime.exchange import Exchange
from edge.runtime.faults import Faults
from edge.runtime.feeds import Feeds, Inputs
from edge.runtime.senses import Senses
from edge.runtime.stop import StopRequest
from edge.runtime.supervision import Supervisor


class Live:
    """Runs until a stop is requested, or until all sources have ended."""

    def __init__(
        self,
        config: Config,
        senses: Senses,
        inputs: Inputs,
        outputs: Sequence[Output],
        registry: Registry,
    ) -> None:
        """Makes the threads without starting them.

        Args:
            config: Gives the rate of estimates and the time after which a thread counts as stuck.
            senses: The senses.
            inputs: Factories of the sources.
            outputs: Receive observations and estimates.
            registry: Where events are counted and stages timed.
        """
        self._period = 1.0 / config.fusion.rate_hz
        self._senses = senses
        self._outputs = tuple(outputs)
        self._registry = registry
        self._exchange = Exchange()
        self._faults = Faults()
        self._fusion = Fusion(config.fusion, senses.emotion_cards, registry=registry)
        self._attribute = senses.attribution(enabled=config.fusion.attribution)
        self._feeds = Feeds(
            inputs, senses, self._exchange, self._faults, registry, retry_max_s=config.health.retry_max_s
        )
        senses_workers = perceivers.make_workers(
            senses, self._exchange, self._faults, registry, self._feeds.take_transcript
        )
        self._supervisor = Supervisor((*self._feeds.workers, *senses_workers), config.health.stuck_after_s, registry)

    @property
    def opening(self) -> tuple[str, ...]:
        """Names of the sources that have neither been opened nor failed yet."""
        return self._feeds.opening

    def take_transcript(self, transcript: Transcript) -> None:
        """Queues a transcript from another source (the broker); safe from any thread, never blocks."""
        self._feeds.take_transcript(transcript)

    def name_speaker(self, speaker: str, person: int | None) -> None:
        """Assigns a speaker's name to a person; only for outputs, on the loop's thread. Raises `SpeakerError`."""
        self._fusion.name_speaker(speaker, person)

    def run(self, stop: StopRequest, alive: Callable[[], None] = lambda: None) -> None:
        """Blocks until `stop` is set or every source has ended.

        `alive` is called in each round without a stuck thread. Raises `StuckError` if a thread cannot be recovered.
        """
        self._supervisor.start()
        due = time.monotonic() + self._period
        try:
            while not stop.wait(max(0.0, due - time.monotonic())):
                now = time.monotonic()
                self._round(now)
                if self._supervisor.check(now):
                    alive()
                if self._feeds.ended and self._exchange.empty:
                    break
                # After a stall, missed estimates are skipped rather than sent in a burst.
                due = max(due + self._period, time.monotonic())
        finally:
            self._supervisor.stop()
        if not stop.is_set():
            self._finish()

    def _finish(self) -> None:
        """Processes the utterance that was in progress when the last source ended."""
        self._exchange.perceived.put(self._senses.fall_silent())
        for transcript in self._senses.recognise_rest(self._exchange.speech.drain()):
            self._registry.increment(catalogue.WORDS_TRANSCRIPTS)
            self._exchange.perceived.put(self._senses.read(transcript))
        self._round(time.monotonic())

    def _round(self, now: float) -> None:
        for perceived in self._exchange.perceived.drain():
            self._take(perceived, now)
        for sense, reason in (*self._senses.missing.items(), *self._faults.present()):
            self._fusion.report(sense, reason)
        with self._registry.time(catalogue.FUSE):
            estimate = self._fusion.estimates(now)[0]
        self._registry.increment(catalogue.FUSION_ESTIMATES)
        self._exchange.count_drops(self._registry)
        self._feeds.count_refusals()
        missing: dict[str, str] = {part.sense: part.missing for part in estimate.contributions if part.missing}
        with self._registry.time(catalogue.PUBLISH):
            for output in self._outputs:
                output.estimated(estimate)
                output.tick(now, missing)

    def _take(self, perceived: Perceived, now: float) -> None:
        # Whom a request has named keeps the observation; the attribution leaves it as it is.
        perceived = self._attribute(self._fusion.resolve(perceived))
        self._fusion.take(perceived, now)
        for observation in perceived.observations:
            self._registry.increment(catalogue.OBSERVATIONS[observation.sense])
            for output in self._outputs:
                output.observed(observation)
