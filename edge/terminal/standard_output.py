"""Standard output whose write errors are an `EdgeEmotionError`, so that the command ends with one line instead of a
traceback."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

from edge.errors import EdgeEmotionError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class OutputError(EdgeEmotionError, OSError):
    """Standard output cannot be written, because the disk is full or it was closed."""


class _CheckedFile(io.FileIO):
    """A file whose write errors are `OutputError`, except `BrokenPipeError` when the reader has gone."""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(f"standard output: {error.strerror}") from error


class _Closed(io.TextIOBase):
    """Replaces a standard output that was closed before the process began. Every write raises `OutputError`."""

    encoding = "utf-8"

    @property
    def buffer(self) -> _Closed:
        return self

    def isatty(self) -> bool:
        return False

    def write(self, _text: str | bytes, /) -> int:
        raise OutputError("standard output is closed")


def guard() -> None:
    """Replaces `sys.stdout` by a stream of the same kind that raises `OutputError`.

    Does nothing if `sys.stdout` was replaced before, as in a test that captures it.
    """
    if sys.stdout is None:
        sys.stdout = _Closed()  # type: ignore[assignment]
        return
    if sys.stdout is not sys.__stdout__ or not isinstance(sys.stdout, io.TextIOWrapper):
        return
    plain = sys.stdout
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(_CheckedFile(plain.fileno(), "wb", closefd=False)),
        encoding=plain.encoding,
        errors=plain.errors,
        line_buffering=plain.line_buffering,
    )


def abandon() -> None:
    """Redirects standard output to the null device. Otherwise the interpreter would try to write the buffered output
    again at exit, and fail."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def is_journal(stream: TextIO | None, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether `stream` is connected to systemd's journal.

    systemd sets JOURNAL_STREAM to device and inode of the journal's socket; see systemd.exec(5). Comparing both with
    the stream excludes a process that inherited the variable and writes elsewhere, such as to a terminal.
    """
    device, _, inode = environ.get("JOURNAL_STREAM", "").partition(":")
    if stream is None:
        return False
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return (device, inode) == (str(status.st_dev), str(status.st_ino))
