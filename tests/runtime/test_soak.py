"""Hours of sound in seconds: the loop goes on, and memory can be read off it."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from edge import config
from edge.errors import SourceError
from edge.runtime import soak

HEARD = """
import dataclasses, json
from edge import clip, config
from edge.runtime import soak
settings = config.Config(words=config.Words(keywords=False))
for hour in soak.sound(clip.path(), settings, 0.02, every=0.005):
    print(json.dumps(dataclasses.asdict(hour)))
"""


def test_sound_is_heard_over_and_over() -> None:
    # In a process of its own, because the memory left behind by other tests varies by megabytes.
    done = subprocess.run([sys.executable, "-c", HEARD], capture_output=True, text=True, timeout=200, check=True)
    rows = [soak.Hour(**json.loads(line)) for line in done.stdout.splitlines()]
    assert [row.hours for row in rows] == pytest.approx([0.0043, 0.005, 0.01, 0.015, 0.02], abs=0.0005)
    assert all(later.observations > sooner.observations for sooner, later in pairwise(rows[1:]))
    # A minute of sound is 4 MB, so a leak would be visible.
    assert rows[-1].memory_mb - rows[0].memory_mb < 3


def test_a_file_without_sound_is_refused(tmp_path: Path) -> None:
    import av

    silent = tmp_path / "silent.mp4"
    with av.open(str(silent), "w") as container:
        stream = container.add_stream("mpeg4", rate=15)
        stream.width = stream.height = 64
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        container.mux(stream.encode())
    with pytest.raises(SourceError, match="no sound"):
        next(soak.sound(silent, config.Config(), 1))


def test_bench_reports_every_hour() -> None:
    command = [sys.executable, "-m", "edge.cli", "bench", "--hours", "0.01", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert rows[-1]["hours"] >= 0.01
    assert rows[-1]["memory_mb"] > 10
    wrong = subprocess.run([*command[:5], "-1"], capture_output=True, text=True, timeout=60, check=False)
    assert wrong.returncode == 2
    assert "no number of hours above 0" in wrong.stderr
