"""Ends a program without a traceback when the reader of its output closes the pipe (`… | head`)."""

from __future__ import annotations

import atexit
import os
import select
import sys
from types import TracebackType


def end_quietly_with_the_reader() -> None:
    """From now on a closed standard output ends the program silently with exit code 1; other pipes are unaffected."""
    sys.excepthook = _quiet
    # Python flushes buffered output after the last exception handler has gone, so redirect it before that.
    atexit.register(_redirect_if_closed)


def _quiet(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not (issubclass(kind, BrokenPipeError) and _redirect_if_closed()):
        sys.__excepthook__(kind, error, trace)


def _redirect_if_closed() -> bool:
    """Whether the reader of standard output has closed it; if so, the rest of the output goes to the null device."""
    try:
        output = sys.stdout.fileno()
    except (AttributeError, OSError, ValueError):
        # Standard output is closed, or replaced by an object without a file descriptor.
        return False
    watch = select.poll()
    watch.register(output, 0)
    if not any(event & select.POLLERR for _, event in watch.poll(0)):
        return False
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, output)
    os.close(nowhere)
    return True
