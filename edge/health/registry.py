"""Counters, gauges and histograms of the process.

A metric is defined once, with its unit and a help text, in `edge.health.catalogue`. A `Registry` holds the values. The
`health` topic and any other exporter read them through `Registry.snapshot`.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Literal, TypeAlias

CounterKind: TypeAlias = Literal["rate", "loss", "overrun"]
"""How the `health` topic reports a counter.

`rate`: events a second, under `rates`. `loss`: the total, under `drops`. `overrun`: the total, under `overruns`.
"""

WINDOW: Final = 512
"""Values that a histogram keeps by default: about 50 s of a stage that runs 10 times a second."""


@dataclass(frozen=True, slots=True, eq=False)
class Counter:
    """Definition of a count of events, which only grows. Two definitions are equal only if they are the same object."""

    name: str
    """`<part>.<event>`, such as `camera.frames`; unique among all metrics."""
    unit: str
    """The counted events, in the plural, such as `frames`."""
    help: str
    """Description of the count, as one sentence."""
    kind: CounterKind
    """How the `health` topic reports the count."""


@dataclass(frozen=True, slots=True, eq=False)
class Gauge:
    """Definition of a quantity that rises and falls. Two definitions are equal only if they are the same object."""

    name: str
    """`<part>.<quantity>`, such as `process.memory`; unique among all metrics."""
    unit: str
    """Unit symbol, such as `MB`."""
    help: str
    """Description of the quantity, as one sentence."""


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Definition of a distribution of values. Two definitions are equal only if they are the same object."""

    name: str
    """Name of the stage or quantity, such as `infer face`; unique among all metrics."""
    unit: str
    """Unit symbol, such as `ms`."""
    help: str
    """Description of one value, as one sentence."""


Metric: TypeAlias = Counter | Gauge | Histogram
"""Definition of any metric."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """Values of a histogram at one moment."""

    values: tuple[float, ...]
    """The most recent values, oldest first; at most as many as the registry's window."""
    count: int
    """Number of values since the start."""
    sum: float
    """Sum of the values since the start, in the histogram's unit."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All values of a registry at one moment. A metric that was never updated is absent."""

    counters: Mapping[Counter, int]
    """Counter → count, ordered by name."""
    gauges: Mapping[Gauge, float]
    """Gauge → value, in the order in which the gauges were first set."""
    histograms: Mapping[Histogram, Distribution]
    """Histogram → values, in the order in which the histograms were first observed."""


class _Series:
    """The values of one histogram."""

    __slots__ = ("count", "last", "sum")

    def __init__(self, window: int) -> None:
        self.last: deque[float] = deque(maxlen=window)
        self.count = 0
        self.sum = 0.0


class Timer:
    """Context manager that observes the duration of its block, even if it raises. Made by `Registry.time`."""

    __slots__ = ("_histogram", "_registry", "_start")

    def __init__(self, registry: Registry, histogram: Histogram) -> None:
        self._registry = registry
        self._histogram = histogram
        self._start = 0.0

    def __enter__(self) -> None:
        self._start = time.perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._registry.observe(self._histogram, (time.perf_counter() - self._start) * 1e3)


class Registry:
    """Values of metrics. Every method may be called from any thread and returns without waiting for I/O.

    Memory is bounded by the number of metrics times the window of the histograms.
    """

    def __init__(self, window: int = WINDOW) -> None:
        """`window`: number of values, at least 1, that each histogram keeps."""
        if window < 1:
            raise ValueError(f"a histogram keeps at least 1 value, not {window}")
        self._window = window
        self._lock = threading.Lock()
        # The fields below are guarded by `_lock`.
        self._counts: dict[Counter, int] = {}
        self._gauges: dict[Gauge, float] = {}
        self._series: dict[Histogram, _Series] = {}

    def increment(self, counter: Counter, by: int = 1) -> None:
        """Adds `by`; 0 makes the counter appear in snapshots. Raises `ValueError` for a negative `by`."""
        if by < 0:
            raise ValueError(f"counter {counter.name} can only grow, so {by} cannot be added")
        with self._lock:
            self._counts[counter] = self._counts.get(counter, 0) + by

    def raise_to(self, counter: Counter, count: int) -> None:
        """Sets a counter to a count that is kept elsewhere; a smaller count leaves the counter unchanged."""
        with self._lock:
            self._counts[counter] = max(self._counts.get(counter, 0), count)

    def set(self, gauge: Gauge, value: float | None) -> None:
        """Sets the present value. None, or a value that is not finite, removes the gauge from snapshots."""
        with self._lock:
            if value is None or not math.isfinite(value):
                self._gauges.pop(gauge, None)
            else:
                self._gauges[gauge] = value

    def observe(self, histogram: Histogram, value: float) -> None:
        """Adds one value, in the histogram's unit. Raises `ValueError` for a value that is not finite."""
        if not math.isfinite(value):
            raise ValueError(f"histogram {histogram.name} takes finite values, not {value}")
        with self._lock:
            series = self._series.get(histogram)
            if series is None:
                series = self._series[histogram] = _Series(self._window)
            series.last.append(value)
            series.count += 1
            series.sum += value

    def time(self, histogram: Histogram) -> Timer:
        """Context manager that observes the duration of its block. Raises `ValueError` if the unit is not `ms`."""
        if histogram.unit != "ms":
            raise ValueError(f"histogram {histogram.name} is in {histogram.unit}; a duration is measured in ms")
        return Timer(self, histogram)

    def count(self, counter: Counter) -> int:
        """Present value of a counter; 0 if it was never incremented."""
        with self._lock:
            return self._counts.get(counter, 0)

    def snapshot(self) -> Snapshot:
        """Copies the values of all metrics at one moment."""
        with self._lock:
            counts = list(self._counts.items())
            gauges = dict(self._gauges)
            histograms = {
                histogram: Distribution(tuple(series.last), series.count, series.sum)
                for histogram, series in self._series.items()
            }
        return Snapshot(dict(sorted(counts, key=lambda item: item[0].name)), gauges, histograms)


def rates(before: Mapping[Counter, int], now: Mapping[Counter, int], seconds: float) -> dict[Counter, float]:
    """Events a second between two snapshots of counters.

    Args:
        before: The earlier snapshot; a counter that it lacks counts as 0.
        now: The later snapshot.
        seconds: Time between the two.

    Returns:
        One rate for each counter of `now`, in its order; all are 0 if no time has passed.
    """
    if seconds <= 0:
        return dict.fromkeys(now, 0.0)
    return {counter: (count - before.get(counter, 0)) / seconds for counter, count in now.items()}
