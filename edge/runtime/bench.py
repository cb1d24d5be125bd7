"""Benchmark: measures every stage of the whole pipeline over a recording, in a separate process on one core.

The measured process does the same as `run`, in one thread and as fast as possible: read, detect, crop, infer, fuse and
publish to a real broker. It is pinned to one core, so that helper threads of libraries are included.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from edge import child
from edge.errors import EdgeEmotionError, MissingExtraError

WARM_UP_FRAMES: Final = 5
"""Number of first frames that the duration of a whole frame does not include."""

_TIMEOUT_S: Final = 1800
"""Maximum run time of the measured process in seconds."""
_WINDOW: Final = 100_000
"""Number of durations that are kept for each stage, enough for a whole recording."""


def measure(file: Path, config: Path | None = None, transcripts: Path | None = None) -> dict[str, Any]:
    """Runs the measured process.

    It publishes to an embedded broker if that extra is installed; otherwise publishing is not measured.

    Args:
        file: The recording.
        config: Configuration file; None for the defaults.
        transcripts: File of transcripts of the recording; None if there is none.

    Returns:
        The report of the measured process, with its start-up time in seconds as `startup_s`.

    Raises:
        EdgeEmotionError: The measured process failed.
    """
    from edge.mqtt.embedded import EmbeddedBroker

    command = child.command(__name__, file)
    command += ["--config", str(config)] if config else []
    command += ["--transcripts", str(transcripts)] if transcripts else []
    with ExitStack() as stack:
        try:
            command += ["--broker", str(stack.enter_context(EmbeddedBroker()).address)]
        except MissingExtraError as error:
            print(f"edge-emotion: {error}; measuring without it", file=sys.stderr)
        started = time.time()
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    if done.returncode != 0:
        line = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        raise EdgeEmotionError(line.removeprefix("edge-emotion: error: "))
    report: dict[str, Any] = json.loads(done.stdout)
    report["startup_s"] = round(report.pop("ready_at") - started, 3)
    return report


def table(report: dict[str, Any]) -> str:
    """Formats a report as a table for the terminal."""
    rows = [
        f"{report['file']}: {report['frames']} frames, {report['media_s']} s of media in {report['wall_s']} s "
        f"on one core of {report['machine']}",
        "",
        f"{'stage':<16}{'median ms':>10}{'p95 ms':>10}{'times':>8}",
        *(
            f"{name:<16}{row['median_ms']:>10.3f}{row['p95_ms']:>10.3f}{row['n']:>8}"
            for name, row in {**report["stages"], "whole frame": report["frame"]}.items()
        ),
        "",
        f"frames a second on one core  {report['frames_per_s']}",
        f"share of one core, live      {report['core_share']:.0%}",
        f"start-up to ready            {report['startup_s']} s",
        f"peak memory                  {report['peak_mb']} MB",
        *(
            [f"voice features and model     {report['voice_ms_per_s']} ms a second of sound"]
            if report["voice_ms_per_s"]
            else []
        ),
    ]
    return "\n".join(rows)


def _measured(arguments: argparse.Namespace) -> dict[str, Any]:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    import cv2

    from edge import config as configuration
    from edge.health import catalogue, host
    from edge.health.registry import Registry
    from edge.mqtt import address
    from edge.observation import AudioChunk, Estimate, Frame
    from edge.publish.client import Publisher
    from edge.publish.health import stage
    from edge.publish.output import MqttOutput
    from edge.publish.topics import Topics
    from edge.runtime import senses
    from edge.runtime.replay import replay
    from edge.sources.media import MediaFile
    from edge.sources.transcripts import read_transcript_file

    cv2.setNumThreads(1)
    settings = configuration.load(arguments.config) if arguments.config else configuration.Config()
    registry = Registry(window=_WINDOW)
    loaded = senses.build(settings, registry)
    frame_ms: list[float] = []
    last = 0.0

    class TimedMedia(MediaFile):
        """Measures the time from one frame to the next, which is the cost of all processing of a frame."""

        def read(self) -> Frame | AudioChunk:
            nonlocal last
            item = super().read()
            if isinstance(item, Frame):
                now = time.perf_counter()
                frame_ms.append((now - last) * 1e3)
                last = now
            return item

    with ExitStack() as stack:
        output: MqttOutput | None = None
        if arguments.broker:
            topics = Topics(settings.mqtt.prefix, "bench")
            publisher = stack.enter_context(Publisher(address.parse(arguments.broker), topics, registry=registry))
            publisher.require_first_connection(5.0)
            output = MqttOutput(publisher, registry, valid_for=2.0, health_interval=5.0, live=False)
        ready_at = time.time()
        media = stack.enter_context(TimedMedia(arguments.file))
        spoken = read_transcript_file(arguments.transcripts) if arguments.transcripts else ()
        last = started = time.perf_counter()
        media_s = 0.0
        for item in replay(media, loaded, settings, spoken, registry):
            media_s = max(media_s, item.captured_at)
            if output is None:
                continue
            with registry.time(catalogue.PUBLISH):
                if isinstance(item, Estimate):
                    output.estimated(item)
                    output.tick(time.monotonic(), {})
                else:
                    output.observed(item)
        wall_s = time.perf_counter() - started
    steady = frame_ms[WARM_UP_FRAMES:] or frame_ms or [0.0]
    memory = host.memory()
    spent = registry.snapshot().histograms
    row = {histogram.name: stage(spread.values) for histogram, spread in spent.items()}
    voice_ms = sum(spent[histogram].sum for histogram in catalogue.VOICE_STAGES if histogram in spent)
    return {
        "file": arguments.file.name,
        "machine": f"{_processor()} ({platform.machine()})",
        "frames": len(frame_ms),
        "media_s": round(media_s, 2),
        "wall_s": round(wall_s, 2),
        "frames_per_s": round(len(frame_ms) / wall_s, 1),
        "core_share": round(wall_s / media_s, 4) if media_s else 0.0,
        "voice_ms_per_s": round(voice_ms / media_s, 2) if media_s else None,
        "frame": _row(stage(steady)),
        "stages": {name: _row(value) for name, value in row.items()},
        "peak_mb": memory[1] if memory else None,
        "ready_at": ready_at,
    }


def _row(value: Any) -> dict[str, Any]:
    """The plain numbers of one msgspec stage, for JSON."""
    return {"median_ms": value.median_ms, "p95_ms": value.p95_ms, "n": value.n}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith(("model name", "Model"))]
    return names[0] if names else platform.processor() or "an unnamed processor"


def _child() -> int:
    parser = argparse.ArgumentParser(prog="python -m edge.runtime.bench", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--transcripts", type=Path)
    parser.add_argument("--broker")
    try:
        print(json.dumps(_measured(parser.parse_args())))
    except EdgeEmotionError as error:
        print(f"edge-emotion: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_child())
