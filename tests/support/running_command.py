"""`edge-emotion run` as a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.brokers import PATIENCE

from edge import clip


@contextmanager
def running(*arguments: str | Path, **options: object) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(  # type: ignore[call-overload]
        [sys.executable, "-m", "edge.cli", "run", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def end(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM) -> tuple[str, str]:
    process.send_signal(how)
    out, error = process.communicate(timeout=PATIENCE)
    return out.decode(), error.decode()


CLIP = ("--source", clip.path(), "--loop", "--transcripts", clip.transcripts())
