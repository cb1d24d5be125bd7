"""Output whose reader has gone (`… | head`): the end of the program, without a traceback."""

from __future__ import annotations

import atexit
import os
import select
import sys
from types import TracebackType


def end_quietly_with_the_reader() -> None:
    """From now on a closed standard output ends the program in silence, with exit code 1. Other pipes are not meant."""
    sys.excepthook = _quiet
    # What is still buffered is otherwise written when nothing can catch the error any more.
    atexit.register(_gone)


def _quiet(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not (issubclass(kind, BrokenPipeError) and _gone()):
        sys.__excepthook__(kind, error, trace)


def _gone() -> bool:
    """Whether nobody reads standard output any more; then what is left goes nowhere."""
    try:
        output = sys.stdout.fileno()
    except (AttributeError, OSError, ValueError):
        # Closed, or replaced by something without a file.
        return False
    watch = select.poll()
    watch.register(output, 0)
    if not any(event & select.POLLERR for _, event in watch.poll(0)):
        return False
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, output)
    os.close(nowhere)
    return True
