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

_LOCK: Final = threading.RLock()
"""Held while standard error is redirected, because the file descriptor is shared by the whole process."""


@contextmanager
def quiet_stderr(chatter: re.Pattern[bytes]) -> Iterator[None]:
    """Redirects lines on standard error that match `chatter` to the debug log; other lines are printed after the block.

    It replaces the file descriptor of the whole process, so keep the block short.
    """
    with _LOCK, tempfile.TemporaryFile() as captured:
        _flush()
        try:
            original = os.dup(2)
        except OSError:
            # The process was started without standard error, so there is nothing to filter.
            yield
            return
        try:
            os.dup2(captured.fileno(), 2)
            yield
        finally:
            _flush()
            os.dup2(original, 2)
            os.close(original)
            captured.seek(0)
            for line in captured.read().splitlines():
                if chatter.search(line):
                    log.debug("%s", line.decode("utf-8", "replace"))
                else:
                    os.write(2, line + b"\n")


def _flush() -> None:
    if sys.stderr is not None and not sys.stderr.closed:
        sys.stderr.flush()
