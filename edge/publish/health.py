"""The content of the `health` topic, out of counters, timings and what the host says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from edge.health import host
from edge.health.counters import rates
from edge.publish.payloads import Health, Memory, Stage

DROPS: Final = (
    *("dropped", "skipped", "left_out", "failed", "faults", "unblocked", "interruptions"),
    *("gaps", "rate_changes", "clipped_samples", "nan_samples", "offset_steps"),
)
"""Counters that end so are told as totals: each one is news."""

OVERRUNS: Final = ("overruns",)


def collect(
    *,
    measured_at: str,
    uptime: float,
    before: Mapping[str, int],
    now: Mapping[str, int],
    seconds: float,
    milliseconds: Mapping[str, Sequence[float]],
    missing: Mapping[str, str],
    thermal: Path = host.THERMAL,
    status: Path = host.STATUS,
) -> Health:
    """The health of the process.

    `measured_at`: RFC 3339; `uptime`: seconds since the start; `before`, `now`: two snapshots of the counters,
    `seconds` apart; `milliseconds`: stage → its last durations, as `Timings.milliseconds()` gives them;
    `missing`: sense → why it says nothing.
    """
    resident = host.memory(status)
    return Health(
        measured_at=measured_at,
        uptime_s=round(uptime, 1),
        rates={name: round(rate, 2) for name, rate in rates(before, now, seconds).items() if not _is_loss(name)},
        stages={name: stage(values) for name, values in milliseconds.items() if values},
        drops={name: count for name, count in now.items() if name.endswith(DROPS)},
        overruns={name: count for name, count in now.items() if name.endswith(OVERRUNS)},
        cpu_temperature_c=host.cpu_temperature(thermal),
        memory=None if resident is None else Memory(resident_mb=resident[0], peak_mb=resident[1]),
        missing=dict(missing),
    )


def stage(milliseconds: Sequence[float]) -> Stage:
    """Median and 95th percentile (linear between ranks) of durations, at least one."""
    median, p95 = np.percentile(np.asarray(milliseconds, np.float64), (50, 95))
    return Stage(median_ms=round(float(median), 3), p95_ms=round(float(p95), 3), n=len(milliseconds))


def _is_loss(name: str) -> bool:
    return name.endswith(DROPS + OVERRUNS)
