"""Moves harmless messages of C libraries from standard error to the debug log."""

from __future__ import annotations

import logging
import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

log = logging.getLogger(__name__)

_QUIET: Final = threading.RLock()


@contextmanager
def quiet_stderr(chatter: re.Pattern[bytes]) -> Iterator[None]:
    """Sends lines on standard error that match `chatter` to the debug log instead; all others are printed at the end.

    It replaces the file descriptor of the whole process, so keep the block short.
    """
    with _QUIET, tempfile.TemporaryFile() as caught:
        _flush()
        try:
            kept = os.dup(2)
        except OSError:
            # Started without a standard error: there is nothing to filter.
            yield
            return
        try:
            os.dup2(caught.fileno(), 2)
            yield
        finally:
            _flush()
            os.dup2(kept, 2)
            os.close(kept)
            caught.seek(0)
            for line in caught.read().splitlines():
                if chatter.search(line):
                    log.debug("%s", line.decode("utf-8", "replace"))
                else:
                    os.write(2, line + b"\n")


def _flush() -> None:
    if sys.stderr is not None and not sys.stderr.closed:
        sys.stderr.flush()
