"""The payload of the `health` topic, made from a snapshot of the registry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from edge.health import catalogue
from edge.health.registry import Counter, CounterKind, Snapshot, rates
from edge.publish.payloads import Health, Memory, Stage


def collect(
    now: Snapshot, *, before: Mapping[Counter, int], seconds: float, measured_at: str, missing: Mapping[str, str]
) -> Health:
    """The health of the process.

    Args:
        now: The current snapshot of the registry.
        before: The counters of the last report, from which the rates are computed.
        seconds: Seconds since the last report.
        measured_at: Time of `now` as RFC 3339 text.
        missing: Sense → why it gives no observations.
    """
    resident, peak = now.gauges.get(catalogue.MEMORY_RESIDENT), now.gauges.get(catalogue.MEMORY_PEAK)
    per_second = rates(before, now.counters, seconds)
    return Health(
        measured_at=measured_at,
        uptime_s=round(now.gauges.get(catalogue.UPTIME, 0.0), 1),
        rates={counter.name: round(rate, 2) for counter, rate in per_second.items() if counter.kind == "rate"},
        stages={histogram.name: stage(spread.values) for histogram, spread in now.histograms.items()},
        drops=_totals(now.counters, "loss"),
        overruns=_totals(now.counters, "overrun"),
        cpu_temperature_c=now.gauges.get(catalogue.CPU_TEMPERATURE),
        memory=None if resident is None or peak is None else Memory(resident_mb=resident, peak_mb=peak),
        missing=dict(missing),
    )


def stage(milliseconds: Sequence[float]) -> Stage:
    """Median and 95th percentile of at least one duration in milliseconds, interpolated linearly between ranks."""
    median, p95 = np.percentile(np.asarray(milliseconds, np.float64), (50, 95))
    return Stage(median_ms=round(float(median), 3), p95_ms=round(float(p95), 3), n=len(milliseconds))


def _totals(counts: Mapping[Counter, int], kind: CounterKind) -> dict[str, int]:
    return {counter.name: count for counter, count in counts.items() if counter.kind == kind}
