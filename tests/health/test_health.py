from __future__ import annotations

from pathlib import Path

from edge.health import catalogue, host
from edge.health.registry import Counter, Registry
from edge.publish.encoding import encode
from edge.publish.health import collect, stage


def zone(thermal: Path, number: int, kind: str, millidegrees: str) -> None:
    folder = thermal / f"thermal_zone{number}"
    folder.mkdir()
    (folder / "type").write_text(f"{kind}\n")
    (folder / "temp").write_text(f"{millidegrees}\n")


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


def test_gauges_of_the_host(tmp_path: Path) -> None:
    registry, status = Registry(), tmp_path / "status"
    zone(tmp_path, 0, "cpu-thermal", "50000")
    status.write_text("VmHWM:\t  200000 kB\nVmRSS:\t  100000 kB\n")
    host.measure(registry, tmp_path, status)
    assert registry.snapshot().gauges == {
        catalogue.MEMORY_RESIDENT: 102.4,
        catalogue.MEMORY_PEAK: 204.8,
        catalogue.CPU_TEMPERATURE: 50.0,
    }
    # A gauge that can no longer be read is not reported with its old value.
    host.measure(registry, tmp_path / "absent", tmp_path / "absent")
    assert registry.snapshot().gauges == {}


def test_collect() -> None:
    registry = Registry()
    registry.increment(catalogue.CAMERA_FRAMES, 100)
    registry.increment(catalogue.FACE_OBSERVATIONS, 10)
    registry.increment(catalogue.CAMERA_FRAMES_SKIPPED, 1)
    before = registry.snapshot().counters
    registry.increment(catalogue.CAMERA_FRAMES, 30)
    registry.increment(catalogue.CAMERA_FRAMES_SKIPPED, 3)
    registry.increment(catalogue.FACES_FAILED)
    registry.increment(catalogue.FACE_OBSERVATIONS, 10)
    registry.increment(catalogue.MICROPHONE_OVERRUNS, 2)
    registry.increment(catalogue.MQTT_DROPPED, 7)
    registry.set(catalogue.UPTIME, 61.26)
    registry.set(catalogue.CPU_TEMPERATURE, 50.0)
    for duration in range(1, 102):
        registry.observe(catalogue.DETECT, float(duration))
    health = collect(
        registry.snapshot(),
        before=before,
        seconds=2.0,
        measured_at="2026-01-31T12:00:00.000Z",
        missing={"voice": "microphone: no such device"},
    )
    assert encode(health) == (
        b'{"schema":"edge-emotion/health/1","measured_at":"2026-01-31T12:00:00.000Z","uptime_s":61.3,'
        b'"rates":{"camera.frames":15.0,"face.observations":5.0},'
        b'"stages":{"detect":{"median_ms":51.0,"p95_ms":96.0,"n":101}},'
        b'"drops":{"camera.frames_skipped":4,"face.faces_failed":1,"mqtt.dropped":7},'
        b'"overruns":{"microphone.overruns":2},"cpu_temperature_c":50.0,"memory":null,'
        b'"missing":{"voice":"microphone: no such device"}}'
    )


def test_each_counter_is_reported_where_it_always_was() -> None:
    # Before counters had a kind, the end of the name decided.
    losses = (
        *("dropped", "skipped", "left_out", "failed", "faults", "unblocked", "interruptions"),
        *("gaps", "rate_changes", "clipped_samples", "nan_samples", "offset_steps", "refused", "unknown_persons"),
    )
    registry = Registry()
    counters = [metric for metric in catalogue.METRICS if isinstance(metric, Counter)]
    for counter in counters:
        registry.increment(counter)
    health = collect(registry.snapshot(), before={}, seconds=1.0, measured_at="", missing={})
    names = sorted(counter.name for counter in counters)
    assert list(health.drops) == [name for name in names if name.endswith(losses)]
    assert list(health.overruns) == [name for name in names if name.endswith("overruns")]
    assert list(health.rates) == [name for name in names if not name.endswith((*losses, "overruns"))]


def test_the_memory_is_reported() -> None:
    registry = Registry()
    host.measure(registry)
    health = collect(registry.snapshot(), before={}, seconds=1.0, measured_at="", missing={})
    assert health.memory is not None
    assert 1.0 < health.memory.resident_mb <= health.memory.peak_mb


def test_a_stage_is_the_median_and_the_95th_percentile() -> None:
    measured = stage([1.0, 2.0, 3.0, 4.0])
    assert (measured.median_ms, measured.p95_ms, measured.n) == (2.5, 3.85, 4)
