"""Runs the converting process and says in one line how it failed. The converter floods standard error."""

from __future__ import annotations

import re
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from converters.job import ERROR, REFUSED
from edge import child
from edge.errors import ConversionError

_LAST_LINES: Final = 1000
"""Lines of standard error that are kept: the reason of a crash is near the end."""


def run(folder: Path, what: str, progress: Callable[[str], None] | None) -> None:
    """Runs the job that lies in `folder` and waits for its end.

    Args:
        folder: Holds the job; results are written here.
        what: The conversion, as the start of an error message.
        progress: Called with one line for each step.

    Raises:
        ConversionError: The process refused or crashed; the message is one line.
    """
    errors: deque[str] = deque(maxlen=_LAST_LINES)
    process = subprocess.Popen(
        child.command(f"{__package__}._worker", folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,  # Ctrl-C reaches only this process, which ends the child below
    )
    assert process.stdout is not None
    assert process.stderr is not None
    drain = threading.Thread(target=errors.extend, args=(process.stderr,), daemon=True)
    drain.start()
    try:
        for line in process.stdout:
            if progress is not None:
                progress(line.strip())
        code = process.wait()
    finally:
        process.kill()
        process.wait()
        drain.join(timeout=5)
        process.stdout.close()
        process.stderr.close()
    if code == REFUSED:
        raise ConversionError(f"{what}: {(folder / ERROR).read_text(encoding='utf-8')}")
    if code:
        raise ConversionError(f"{what}: {_ending(code)}: {_last_meaningful(errors)}")


def _ending(code: int) -> str:
    if code > 0:
        return f"the converter ended with code {code}"
    hints = {
        signal.SIGSEGV: "; an LSTM or GRU needs unroll=True for int8",
        signal.SIGKILL: "; was it out of memory?",
    }
    return f"the converter crashed ({signal.Signals(-code).name}{hints.get(signal.Signals(-code), '')})"


def _last_meaningful(lines: Iterable[str]) -> str:
    noise = re.compile(
        r"^\s*$|^\s*File \"|^Traceback|^\s*[\^~]+\s*$|^[IW]\d{4} |^WARNING|^INFO|Warning: |warnings\.warn"
    )
    kept = [line.strip() for line in lines if not noise.search(line)]
    return kept[-1][:300] if kept else "it said nothing"
