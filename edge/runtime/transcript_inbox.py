"""The inbox for transcripts over MQTT: limits their rate, parses them, and passes them on or refuses them."""

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
    """Receives messages on the network thread and limits how many are parsed (token bucket).

    Beyond that rate only the newest message is kept and parsed as soon as the rate allows; older ones are counted as
    dropped without being parsed. An error while a message is parsed loses only that message.

    It is also an output of the live loop, whose `tick` handles the waiting message.
    """

    def __init__(
        self,
        accept: Callable[[Transcript], None],
        refuse: Callable[[str], None],
        registry: Registry,
    ) -> None:
        """Makes an empty inbox.

        Args:
            accept: Receives each transcript, on the network thread or the live loop's thread; it must not block.
            refuse: Receives one line for each refused or dropped message, at most once a second in a flood.
            registry: Where dropped and refused messages are counted.
        """
        self._accept = accept
        self._registry = registry
        self._refusals = Refusals(refuse)
        self._rate = TokenBucket(ACCEPTED_PER_S, ACCEPTED_BURST)
        self._lock = threading.Lock()
        self._waiting: tuple[bytes, float, float] | None = None
        """Newest unparsed message, with the monotonic and UTC seconds of its arrival."""
        registry.increment(catalogue.WORDS_MESSAGES_DROPPED, 0)

    def receive(self, payload: bytes) -> None:
        """Handles one message, on any thread. Never raises and never blocks."""
        now, utc = time.monotonic(), time.time()
        if len(payload) > MAX_BYTES:
            # Refused without parsing it, and at once, because so large a message must not occupy memory.
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
        """Parses the waiting message, if there is one and the rate allows it."""
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
