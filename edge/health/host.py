"""What the operating system knows about this process and its board: memory and temperature."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

THERMAL: Final = Path("/sys/class/thermal")
STATUS: Final = Path("/proc/self/status")

# `cpu-thermal` on a Raspberry Pi and new Jetsons, `CPU-therm` on old ones, `x86_pkg_temp` and `soc…` elsewhere.
_CPU_ZONE: Final = re.compile(r"cpu|x86_pkg|soc", re.IGNORECASE)


def cpu_temperature(thermal: Path = THERMAL) -> float | None:
    """Degrees Celsius of the hottest CPU zone; of the hottest of all where none is the CPU's; None without any."""
    cpu: list[float] = []
    other: list[float] = []
    for zone in sorted(thermal.glob("thermal_zone*")):
        try:
            kind = (zone / "type").read_text().strip()
            degrees = int((zone / "temp").read_text()) / 1000
        except (OSError, ValueError):
            # Some zones refuse to be read while their device sleeps; the others still tell.
            continue
        (cpu if _CPU_ZONE.search(kind) else other).append(degrees)
    readings = cpu or other
    return round(max(readings), 1) if readings else None


def memory(status: Path = STATUS) -> tuple[float, float] | None:
    """Resident memory of this process now and at its peak, in MB (10⁶ bytes); None where the kernel does not tell."""
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
