"""Memory of this process and temperature of its board, read from Linux."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from edge.health import catalogue
from edge.health.registry import Registry

THERMAL: Final = Path("/sys/class/thermal")
"""Folder of the kernel's thermal zones."""
STATUS: Final = Path("/proc/self/status")
"""The kernel's status file of this process."""

_CPU_ZONE: Final = re.compile(r"cpu|x86_pkg|soc", re.IGNORECASE)
"""Matches the type of a CPU's thermal zone.

It is `cpu-thermal` on a Raspberry Pi and new Jetsons, `CPU-therm` on old Jetsons, `x86_pkg_temp` and `soc…` elsewhere.
"""


def measure(registry: Registry, thermal: Path = THERMAL, status: Path = STATUS) -> None:
    """Sets the gauges of memory and temperature; a gauge whose value this system does not report is removed.

    Args:
        registry: Where the gauges are set.
        thermal: Folder of the kernel's thermal zones.
        status: The kernel's status file of the process to measure.
    """
    resident, peak = memory(status) or (None, None)
    registry.set(catalogue.MEMORY_RESIDENT, resident)
    registry.set(catalogue.MEMORY_PEAK, peak)
    registry.set(catalogue.CPU_TEMPERATURE, cpu_temperature(thermal))


def cpu_temperature(thermal: Path = THERMAL) -> float | None:
    """Temperature in °C of the hottest CPU zone, or of the hottest zone if there are no CPU zones.

    None if no zone can be read.
    """
    cpu: list[float] = []
    other: list[float] = []
    for zone in sorted(thermal.glob("thermal_zone*")):
        try:
            kind = (zone / "type").read_text().strip()
            degrees = int((zone / "temp").read_text()) / 1000
        except (OSError, ValueError):
            # A zone cannot be read while its device is suspended; the others still can.
            continue
        (cpu if _CPU_ZONE.search(kind) else other).append(degrees)
    readings = cpu or other
    return round(max(readings), 1) if readings else None


def memory(status: Path = STATUS) -> tuple[float, float] | None:
    """Present and peak resident memory of this process in MB (10⁶ bytes); None if unknown."""
    try:
        text = status.read_text()
    except OSError:
        return None
    now = re.search(r"^VmRSS:\s+(\d+) kB", text, re.MULTILINE)
    peak = re.search(r"^VmHWM:\s+(\d+) kB", text, re.MULTILINE)
    if now is None or peak is None:
        return None
    return _megabytes(now[1]), _megabytes(peak[1])


def _megabytes(kibibytes: str) -> float:
    return round(int(kibibytes) * 1024 / 1e6, 1)
