from __future__ import annotations

import threading
from pathlib import Path

import pytest

from edge.health import host
from edge.health.counters import Counters, rates
from edge.health.timings import Timings
from edge.publish.health import collect, stage


def zone(thermal: Path, number: int, kind: str, millidegrees: str) -> None:
    folder = thermal / f"thermal_zone{number}"
    folder.mkdir()
    (folder / "type").write_text(f"{kind}\n")
    (folder / "temp").write_text(f"{millidegrees}\n")


def test_counters_lose_nothing_between_threads() -> None:
    counters = Counters()

    def count() -> None:
        for _ in range(10_000):
            counters.increment("camera.frames")

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counters.increment("camera.skipped", 0)
    assert counters.snapshot() == {"camera.frames": 40_000, "camera.skipped": 0}
    with pytest.raises(ValueError, match="only grows"):
        counters.increment("camera.frames", -1)


def test_a_count_kept_elsewhere_is_taken_over_and_never_falls() -> None:
    counters = Counters()
    for count in (3, 2, 0):
        counters.raise_to("face.frames_skipped", count)
    assert counters.snapshot() == {"face.frames_skipped": 3}


def test_a_snapshot_stays_as_it_was() -> None:
    counters = Counters()
    counters.increment("a")
    before = counters.snapshot()
    counters.increment("a", 9)
    assert before == {"a": 1}
    assert rates(before, counters.snapshot(), 3.0) == {"a": 3.0}
    assert rates({}, {"new": 4}, 2.0) == {"new": 2.0}
    assert rates({}, {"new": 4}, 0.0) == {"new": 0.0}


def test_temperature_is_the_hottest_cpu_zone(tmp_path: Path) -> None:
    assert host.cpu_temperature(tmp_path) is None
    assert host.cpu_temperature(tmp_path / "absent") is None
    zone(tmp_path, 0, "gpu-thermal", "71000")
    assert host.cpu_temperature(tmp_path) == 71.0
    zone(tmp_path, 1, "cpu-thermal", "54321")
    assert host.cpu_temperature(tmp_path) == 54.3
    zone(tmp_path, 2, "CPU-therm", "60000")
    zone(tmp_path, 3, "cpu-sleeping", "")
    assert host.cpu_temperature(tmp_path) == 60.0


def test_memory(tmp_path: Path) -> None:
    now, peak = host.memory() or (0.0, 0.0)
    assert 1.0 < now <= peak
    status = tmp_path / "status"
    assert host.memory(status) is None
    status.write_text("Name:\tx\nVmHWM:\t  200000 kB\nVmRSS:\t  100000 kB\n")
    assert host.memory(status) == (102.4, 204.8)
    status.write_text("Name:\tkernel thread\n")
    assert host.memory(status) is None


def test_collect(tmp_path: Path) -> None:
    zone(tmp_path, 0, "cpu-thermal", "50000")
    health = collect(
        measured_at="2026-01-31T12:00:00.000Z",
        uptime=61.26,
        before={"camera.frames": 100, "face.observations": 10, "camera.skipped": 1},
        now={
            "camera.frames": 130,
            "camera.skipped": 4,
            "face.failed": 1,
            "face.observations": 20,
            "microphone.overruns": 2,
            "mqtt.dropped": 7,
        },
        seconds=2.0,
        milliseconds={"face.detect": [float(n) for n in range(1, 102)], "voice": []},
        missing={"voice": "microphone: no such device"},
        thermal=tmp_path,
        status=tmp_path / "absent",
    )
    assert health.rates == {"camera.frames": 15.0, "face.observations": 5.0}
    assert health.drops == {"camera.skipped": 4, "face.failed": 1, "mqtt.dropped": 7}
    assert health.overruns == {"microphone.overruns": 2}
    assert list(health.stages) == ["face.detect"]
    assert (health.stages["face.detect"].median_ms, health.stages["face.detect"].p95_ms) == (51.0, 96.0)
    assert health.uptime_s == 61.3
    assert health.cpu_temperature_c == 50.0
    assert health.memory is None
    assert health.missing == {"voice": "microphone: no such device"}


def test_stages_come_from_timings() -> None:
    timings = Timings()
    for _ in range(3):
        with timings.stage("fuse"):
            pass
    measured = stage(timings.milliseconds()["fuse"])
    assert measured.n == 3
    assert 0.0 <= measured.median_ms <= measured.p95_ms
