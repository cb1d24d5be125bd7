"""The view of devices as it changes: drawn in place on a terminal, one line a change elsewhere."""

from __future__ import annotations

import logging
import shutil
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Final, Self, TextIO

from edge.publish.payloads import Contribution, State
from edge.terminal.view import DeviceView, line, render, style_of

# ECMA-48 and xterm control sequences.
# The alternate screen, no cursor, no wrapping of long lines, cleared; and back.
_ENTER: Final = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J"
_LEAVE: Final = "\x1b[?7h\x1b[?25h\x1b[?1049l"
_HOME: Final = "\x1b[H"
_TO_LINE_END: Final = "\x1b[K"
_TO_SCREEN_END: Final = "\x1b[J"
# Terminals that know it show the frame at once when it is complete; the others ignore it.
_HOLD, _RELEASE = "\x1b[?2026h", "\x1b[?2026l"

_NOTES: Final = 4
"""Notes kept below the view."""

MAX_DEVICES: Final = 50
"""Devices kept. Any client can publish under a new name; the one that was silent longest makes room."""

_NEWS: Final = 0.1
"""Without a terminal, a change of confidence of at least this much gets a new line."""


class LiveView:
    """`with LiveView(sys.stdout) as view:` shows devices until the block ends, then restores the terminal.

    Any thread may call its methods. On a terminal it draws on the alternate screen and leaves its last frame behind;
    elsewhere it writes a plain line whenever something changes.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stdout if stream is None else stream
        self._terminal = self._stream.isatty()
        self._views: dict[str, DeviceView] = {}
        self._printed: dict[str, DeviceView] = {}
        """Without a terminal: what the last line of each device said."""
        self._notes: deque[str] = deque(maxlen=_NOTES)
        self._lock = threading.Lock()
        self._open = False

    def update(self, device: str, state: State) -> None:
        """A new state of a device."""
        with self._lock:
            self._change(replace(self._of(device), state=state))

    def availability(self, device: str, availability: str) -> None:
        """What a device says of itself: `online`, `stopped` or `offline`."""
        with self._lock:
            self._change(replace(self._of(device), availability=availability))

    def note(self, text: str) -> None:
        """A line to show below the devices, such as a warning."""
        with self._lock:
            self._notes.append(text)
            if self._terminal:
                self._draw()
            else:
                self._write(text + "\n")

    def refresh(self) -> None:
        """Draws again, so that ages grow while no message comes; does nothing without a terminal."""
        with self._lock:
            if self._terminal:
                self._draw()

    def __enter__(self) -> Self:
        if self._terminal:
            self._open = True
            self._write(_ENTER)
            self.refresh()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            if self._open:
                self._open = False
                self._write(_LEAVE + "".join(f"{drawn}\n" for drawn in self._lines()))

    def _of(self, device: str) -> DeviceView:
        return self._views.get(device) or DeviceView(device)

    def _change(self, view: DeviceView) -> None:
        # Taken out first, so that the dictionary is in the order of the last change.
        self._views.pop(view.device, None)
        self._views[view.device] = view
        while len(self._views) > MAX_DEVICES:
            silent = next(iter(self._views))
            del self._views[silent]
            self._printed.pop(silent, None)
        if self._terminal:
            self._draw()
        elif _is_news(self._printed.get(view.device), view):
            self._printed[view.device] = view
            self._write(line(view) + "\n")

    def _draw(self) -> None:
        if not self._open:
            return
        # A frame longer than the screen would scroll, and home would no longer be its start.
        lines = self._lines()[: max(1, shutil.get_terminal_size().lines - 1)]
        drawn = "".join(f"{text}{_TO_LINE_END}\n" for text in lines)
        self._write(f"{_HOLD}{_HOME}{drawn}{_TO_SCREEN_END}{_RELEASE}")

    def _lines(self) -> list[str]:
        style = style_of(self._stream, shutil.get_terminal_size().columns)
        views = [self._views[device] for device in sorted(self._views)]
        return render(views, style, time.time(), self._notes)

    def _write(self, text: str) -> None:
        # A name or a reason from the network may hold what the terminal's encoding lacks.
        encoding = self._stream.encoding or "utf-8"
        self._stream.write(text.encode(encoding, "replace").decode(encoding))
        self._stream.flush()


class NoteHandler(logging.Handler):
    """Shows log records below the view, where a line on standard error would tear the frame.

    Once the view cannot be written any more, such as on a terminal that was closed, they go to standard error.
    """

    def __init__(self, view: LiveView) -> None:
        super().__init__()
        self._view = view

    def emit(self, record: logging.LogRecord) -> None:
        text = f"{record.levelname.lower()}: {record.getMessage()}"
        try:
            self._view.note(text)
        except (OSError, ValueError):
            # Raised from here, it would end whatever thread wanted to log.
            if sys.stderr is not None:
                with suppress(OSError, ValueError):
                    print(text, file=sys.stderr)


def _is_news(before: DeviceView | None, view: DeviceView) -> bool:
    if before is None or before.availability != view.availability:
        return True
    old, new = before.state, view.state
    if old is None or new is None:
        return old is not new
    return (
        old.label != new.label
        or abs(old.confidence - new.confidence) >= _NEWS
        or [part.missing for part in _parts(old)] != [part.missing for part in _parts(new)]
    )


def _parts(state: State) -> list[Contribution]:
    return [state.contributions.face, state.contributions.voice, state.contributions.words]
