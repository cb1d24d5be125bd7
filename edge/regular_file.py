"""Opens a file whose path comes from outside, without hanging and without acting on a device."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO


def open_regular(path: Path) -> BinaryIO:
    """Opens a regular file for reading bytes.

    Opening a FIFO waits for a writer, and opening some devices acts on them (a watchdog starts). So the file type is
    checked before the file is opened, and again afterwards, in case the path was replaced in between.

    Raises:
        OSError: The path is missing, not readable, a dangling link, or not a regular file; `strerror` gives the reason.
    """
    try:
        _require_regular(path.stat().st_mode, path)
    except FileNotFoundError:
        if path.is_symlink():
            text = f"a link to {path.readlink()}, which does not exist"
            raise FileNotFoundError(errno.ENOENT, text, str(path)) from None
        raise
    except ValueError as error:  # a null character in the path
        raise OSError(errno.EINVAL, "not a valid path", repr(str(path))) from error
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        _require_regular(os.fstat(descriptor).st_mode, path)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def size(file: BinaryIO) -> int:
    """Size of an open file in bytes, as the file system reports it."""
    return os.fstat(file.fileno()).st_size


def _require_regular(mode: int, path: Path) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "not a regular file but a device, a FIFO or a socket", str(path))
