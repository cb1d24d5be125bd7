"""The inbox for `request/speaker`: assigns the names that a speech recogniser gives to speakers to tracked persons."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from edge.errors import EdgeEmotionError
from edge.fusion.fusion import MAX_PERSON_ID
from edge.fusion.speakers import MAX_NAME
from edge.health import catalogue
from edge.health.registry import Registry
from edge.observation import Estimate, Observation
from edge.sources.rate_limit import TokenBucket

log = logging.getLogger(__name__)

MAX_BYTES: Final = 2_000
"""Maximum size of a request in bytes; a larger one is refused unread."""
ACCEPTED_PER_S: Final = 2.0
"""Maximum number of requests per second; people do not come faster."""
ACCEPTED_BURST: Final = 20
"""Number of requests that may follow each other immediately after a pause."""


class _Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of a request."""

    speaker: Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]
    person: Annotated[int, Meta(ge=1, le=MAX_PERSON_ID)] | None


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one request."""

    ok: bool
    """Whether the name is assigned now."""
    error: str | None = None
    """Why the request was refused, in one line that never repeats it."""


class SpeakerRequests:
    """Receives requests on the network thread and carries them out on the live loop's thread, in `tick`.

    Every request is answered, except those that come faster than allowed: they are counted, and the first of them is
    answered.
    """

    def __init__(
        self, assign: Callable[[str, int | None], None], answer: Callable[[Answer], None], registry: Registry
    ) -> None:
        """Makes an empty inbox.

        Args:
            assign: Assigns a name to a person, or forgets it for None; raises `EdgeEmotionError` if that is impossible.
            answer: Publishes an answer, on the network thread or the live loop's thread; it must not block.
            registry: Counts refused and dropped requests.
        """
        self._assign = assign
        self._answer = answer
        self._registry = registry
        self._rate = TokenBucket(ACCEPTED_PER_S, ACCEPTED_BURST)
        self._lock = threading.Lock()
        self._waiting: deque[bytes] = deque()
        self._flooded = False
        for counter in (catalogue.SPEAKER_REQUESTS_FAILED, catalogue.SPEAKER_REQUESTS_DROPPED):
            registry.increment(counter, 0)

    def receive(self, payload: bytes) -> None:
        """Queues one request, on any thread. Never raises and never blocks."""
        with self._lock:
            accepted = self._rate.take(time.monotonic())
            first, self._flooded = not self._flooded, not accepted
            if accepted and len(payload) <= MAX_BYTES:
                # The rate limits how many can wait until the next tick.
                self._waiting.append(payload)
                return
        if accepted:
            self._refuse(f"a request of {len(payload)} bytes is refused; at most {MAX_BYTES}")
            return
        self._registry.increment(catalogue.SPEAKER_REQUESTS_DROPPED)
        if first:
            self._answer(Answer(False, f"more than {ACCEPTED_PER_S:g} requests a second: the others are not read"))

    def tick(self, now: float, missing: dict[str, str]) -> None:
        """Carries out the waiting requests in the order of their arrival."""
        with self._lock:
            waiting = list(self._waiting)
            self._waiting.clear()
        for payload in waiting:
            self._carry_out(payload)

    def observed(self, observation: Observation) -> None:
        """Does nothing: this output only needs `tick`."""

    def estimated(self, estimate: Estimate) -> None:
        """Does nothing: this output only needs `tick`."""

    def _carry_out(self, payload: bytes) -> None:
        try:
            request = msgspec.json.decode(payload, type=_Request)
            self._assign(request.speaker, request.person)
        except EdgeEmotionError as error:
            self._refuse(str(error))
        except (ValueError, RecursionError):
            self._refuse('a request is {"speaker": name, "person": track id or null}, and this is not one')
        else:
            self._answer(Answer(True))

    def _refuse(self, why: str) -> None:
        self._registry.increment(catalogue.SPEAKER_REQUESTS_FAILED)
        self._answer(Answer(False, why))
