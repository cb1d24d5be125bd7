"""Keeps C libraries from talking on standard error of what is no news."""

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
    """Keeps lines that match `chatter` off standard error (they go to the debug log); all else comes out at the end.

    It has to take the file descriptor, which is the whole process's: keep what is done inside short.
    """
    with _QUIET, tempfile.TemporaryFile() as caught:
        _flush()
        try:
            kept = os.dup(2)
        except OSError:
            # Started without a standard error: nothing to keep quiet.
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
