"""Transcripts that arrive over MQTT: limited in rate, read, and handed to the live loop or refused."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from edge.errors import EdgeEmotionError
from edge.health import catalogue
from edge.health.registry import Registry
from edge.observation import Estimate, Observation, Transcript
from edge.sources.rate_limit import TokenBucket
from edge.sources.refusals import Refusals
from edge.sources.transcripts import ACCEPTED_BURST, ACCEPTED_PER_S, MAX_BYTES, parse_transcript

log = logging.getLogger(__name__)


class TranscriptInbox:
    """Takes messages from the network thread, and lets no more than a burst and a steady rate of them be read.

    Beyond that rate only the newest message is kept, and read as soon as the rate allows; each older one is counted
    as dropped without being parsed. An error while one message is read costs that message alone.

    It is an output of the live loop, too, because the loop's `tick` is the moment to look for a message that waits.
    """

    def __init__(
        self,
        accept: Callable[[Transcript], None],
        refuse: Callable[[str], None],
        registry: Registry,
    ) -> None:
        """Makes an empty inbox.

        Args:
            accept: Gets each transcript; called on the network thread or on the live loop's, and must not block.
            refuse: Gets one line for a message that was refused or dropped, in a flood once a second.
            registry: Where messages that were dropped or refused are counted.
        """
        self._accept = accept
        self._registry = registry
        self._refusals = Refusals(refuse)
        self._rate = TokenBucket(ACCEPTED_PER_S, ACCEPTED_BURST)
        self._lock = threading.Lock()
        self._waiting: tuple[bytes, float, float] | None = None
        """Newest unread message, with monotonic and UTC seconds of its arrival."""
        registry.increment(catalogue.WORDS_MESSAGES_DROPPED, 0)

    def receive(self, payload: bytes) -> None:
        """Takes one message, on any thread. Never raises and never blocks."""
        now, utc = time.monotonic(), time.time()
        if len(payload) > MAX_BYTES:
            # Known without reading it, and so large that it must not wait.
            self._fail(f"a transcript of {len(payload)} bytes is refused; at most {MAX_BYTES}", now)
            return
        with self._lock:
            if self._waiting is None and self._rate.take(now):
                replaced = None
            else:
                replaced, self._waiting = self._waiting, (payload, now, utc)
                if replaced is None:
                    return
        if replaced is None:
            self._read(payload, now, utc)
            return
        self._registry.increment(catalogue.WORDS_MESSAGES_DROPPED)
        self._refusals.add(f"more than {ACCEPTED_PER_S:g} transcripts a second: only the newest is read", now)

    def tick(self, now: float, missing: dict[str, str]) -> None:
        """Reads the message that waits, if there is one and the rate allows it."""
        with self._lock:
            if self._waiting is None or not self._rate.take(now):
                return
            waiting, self._waiting = self._waiting, None
        self._read(*waiting)

    def observed(self, observation: Observation) -> None:
        """Does nothing: this output only needs `tick`."""

    def estimated(self, estimate: Estimate) -> None:
        """Does nothing: this output only needs `tick`."""

    def _read(self, payload: bytes, now: float, utc: float) -> None:
        try:
            self._accept(parse_transcript(payload, now, utc))
        except EdgeEmotionError as error:
            self._fail(str(error), now)
        except Exception as error:
            log.debug("a transcript could not be read", exc_info=True)
            self._fail(f"a transcript could not be read ({type(error).__name__})", now)

    def _fail(self, why: str, now: float) -> None:
        self._registry.increment(catalogue.WORDS_TRANSCRIPTS_FAILED)
        self._refusals.add(why, now)
