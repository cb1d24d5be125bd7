"""Reports to systemd when the service is ready, and its state in one status line."""

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
"""READY=1 is sent at the latest this many seconds after the start.

A network camera may take that long to fail, and units that wait for this one at boot must not wait for a camera. It is
a third of the unit's TimeoutStartSec.
"""

SILENT_AFTER_S: Final = 5.0
"""A source that has given no item for this many seconds is no longer reported as ok."""

INTERVAL_S: Final = 1.0
"""Minimum seconds between two changes of the status line."""

_NO_FAULT_REASONS: Final = frozenset({"no face", "silence", "no words", "stale"})
"""Reasons for a silent sense that do not indicate a fault of its source."""


@dataclass(frozen=True, slots=True)
class WatchedSource:
    """A configured source and the signs of whether it works."""

    name: str
    """Name in the status line and in `Live.opening`, such as `camera`."""
    senses: tuple[Sense, ...]
    """Senses whose entry in `missing` reports a fault of this source."""
    items: tuple[Counter, ...]
    """Counters of the items that the source has given."""


CAMERA: Final = WatchedSource("camera", ("face",), (catalogue.CAMERA_FRAMES,))
"""The camera."""
MICROPHONE: Final = WatchedSource("microphone", ("voice",), (catalogue.MICROPHONE_CHUNKS,))
"""The microphone."""
MEDIA: Final = WatchedSource("media file", ("face", "voice"), (catalogue.CAMERA_FRAMES, catalogue.MICROPHONE_CHUNKS))
"""The media file."""


class ServiceStatus:
    """An output of the live loop that reports to systemd.

    READY=1 is sent in the first round in which every source was opened or has failed, and the broker was reached or
    has failed once; in any case `READY_WITHIN_S` after the start. STATUS reports from the first round on which parts
    work and which are missing, and is sent again when that changes.
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
            notifier: Sends the messages to systemd.
            sources: The configured sources.
            registry: The registry of the live loop.
            opening: Returns the names of sources that have neither been opened nor failed yet.
            broker: Returns the present status of the connection.
            address: Address of the broker, without a password.
            started_at: Start in monotonic seconds; None for now.
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
        self._progress: dict[str, tuple[int, float]] = {}
        """Source → number of its items so far, and the time in seconds at which that number last grew."""

    def observed(self, observation: Observation) -> None:
        """Does nothing: this output only needs `tick`."""

    def estimated(self, estimate: Estimate) -> None:
        """Does nothing: this output only needs `tick`."""

    def tick(self, now: float, missing: dict[str, str]) -> None:
        """Checks sources and broker, and sends a message if the state has changed."""
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
        """The condition of a source, as it follows the source's name in the status line."""
        items = sum(self._registry.count(counter) for counter in source.items)
        before, grown_at = self._progress.get(source.name, (0, now))
        if items > before:
            grown_at = now
        self._progress[source.name] = items, grown_at
        reasons = [missing[sense] for sense in source.senses if missing.get(sense, "stale") not in _NO_FAULT_REASONS]
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
    # The text after the semicolon is advice, which is left to the log.
    return f"not publishing: {broker.last_error.partition(';')[0]}; trying again"
