"""Tells systemd when the service is ready, and in one line how it is doing."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from edge.health import catalogue
from edge.health.notify import Notifier
from edge.health.registry import Counter, Registry
from edge.mqtt.message import Status
from edge.observation import Estimate, Observation, Sense

READY_WITHIN_S: Final = 30.0
"""READY=1 is sent by then at the latest. A network camera may take that long to fail, and what waits for this unit at
boot must not wait for a camera; it is a third of the unit's TimeoutStartSec."""

SILENT_AFTER_S: Final = 5.0
"""A source that has given nothing for so long is no longer called ok."""

INTERVAL_S: Final = 1.0
"""The status line changes at most once in this time."""

_USUAL: Final = frozenset({"no face", "silence", "no words", "stale"})
"""Reasons for a silent sense that say nothing about its source."""


@dataclass(frozen=True, slots=True)
class WatchedSource:
    """A configured source, and how to see whether it works."""

    name: str
    """As in the status line and in `Live.opening`, such as `camera`."""
    senses: tuple[Sense, ...]
    """The senses that say in `missing` what is wrong with it."""
    items: tuple[Counter, ...]
    """Counters that grow with what it gives."""


CAMERA: Final = WatchedSource("camera", ("face",), (catalogue.CAMERA_FRAMES,))
MICROPHONE: Final = WatchedSource("microphone", ("voice",), (catalogue.MICROPHONE_CHUNKS,))
MEDIA: Final = WatchedSource("media file", ("face", "voice"), (catalogue.CAMERA_FRAMES, catalogue.MICROPHONE_CHUNKS))


class ServiceStatus:
    """An output of the live loop that speaks to systemd.

    READY=1 is sent in the first round in which every source was opened or has failed, and the broker was reached or
    has failed once; `READY_WITHIN_S` after the start in any case. STATUS says from the first round on what works and
    what is missing, and is sent again when that changes.
    """

    def __init__(
        self,
        notifier: Notifier,
        sources: tuple[WatchedSource, ...],
        registry: Registry,
        *,
        opening: Callable[[], Collection[str]],
        broker: Callable[[], Status],
        address: str,
        started_at: float | None = None,
    ) -> None:
        """Starts the wait for readiness.

        Args:
            notifier: The way to systemd.
            sources: What is configured.
            registry: What the live loop counts in.
            opening: The names of sources that are neither opened yet nor have failed to open.
            broker: How the connection is doing now.
            address: The broker's, without a password.
            started_at: Monotonic seconds; now where None.
        """
        self._notifier = notifier
        self._sources = sources
        self._registry = registry
        self._opening = opening
        self._broker = broker
        self._address = address
        self._started_at = time.monotonic() if started_at is None else started_at
        self._ready = False
        self._status = ""
        self._sent_at = float("-inf")
        self._grown: dict[str, tuple[int, float]] = {}
        """Of each source: items so far, and when their number grew last."""

    def observed(self, observation: Observation) -> None:
        """Does nothing: this output only needs `tick`."""

    def estimated(self, estimate: Estimate) -> None:
        """Does nothing: this output only needs `tick`."""

    def tick(self, now: float, missing: dict[str, str]) -> None:
        """Looks at sources and broker, and sends what is new."""
        broker, opening = self._broker(), self._opening()
        settled = not opening and (broker.connected or broker.failures > 0)
        sources = [f"{each.name}{self._condition(each, opening, missing, now)}" for each in self._sources]
        status = "; ".join([_publishing(broker, self._address), *sources])
        if not self._ready and (settled or now - self._started_at >= READY_WITHIN_S):
            self._ready = True
            self._notifier.ready(status)
        elif status != self._status and now - self._sent_at >= INTERVAL_S:
            self._notifier.status(status)
        else:
            return
        self._status, self._sent_at = status, now

    def _condition(
        self,
        source: WatchedSource,
        opening: Collection[str],
        missing: Mapping[str, str],
        now: float,
    ) -> str:
        """What follows the source's name in the status line."""
        items = sum(self._registry.count(counter) for counter in source.items)
        before, grown_at = self._grown.get(source.name, (0, now))
        if items > before:
            grown_at = now
        self._grown[source.name] = items, grown_at
        reasons = [missing[sense] for sense in source.senses if missing.get(sense, "stale") not in _USUAL]
        if reasons:
            return ": " + ", ".join(dict.fromkeys(reasons))
        if source.name in opening:
            return ": opening"
        return " ok" if now - grown_at < SILENT_AFTER_S else ": gives nothing"


def _publishing(broker: Status, address: str) -> str:
    if broker.connected:
        return f"publishing to {address}"
    if broker.last_error is None:
        return f"connecting to {address}"
    # What follows the semicolon is advice, for which the log has more room.
    return f"not publishing: {broker.last_error.partition(';')[0]}; trying again"
