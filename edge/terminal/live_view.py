"""The live view of devices: a frame redrawn in place on a terminal, and one line for each change elsewhere."""

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

# The control sequences are those of ECMA-48 and xterm.
_ENTER: Final = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J"
"""Switches to the alternate screen, hides the cursor, turns off line wrapping and clears the screen."""

_LEAVE: Final = "\x1b[?7h\x1b[?25h\x1b[?1049l"
"""Turns on line wrapping, shows the cursor and switches back to the normal screen."""

_HOME: Final = "\x1b[H"
"""Moves the cursor to the top left corner."""

_CLEAR_LINE: Final = "\x1b[K"
"""Clears from the cursor to the end of the line."""

_CLEAR_SCREEN: Final = "\x1b[J"
"""Clears from the cursor to the end of the screen."""

_BEGIN_UPDATE: Final = "\x1b[?2026h"
"""Begins a synchronized update: the terminal shows the frame only when it is complete. Other terminals ignore it."""

_END_UPDATE: Final = "\x1b[?2026l"
"""Ends a synchronized update."""

_MAX_NOTES: Final = 4
"""Number of notes that are kept and shown below the devices."""

MAX_DEVICES: Final = 50
"""Number of devices that are kept, since any client can publish under new names. A further device evicts the one that
was silent longest."""

_CONFIDENCE_CHANGE: Final = 0.1
"""Smallest change of confidence that is written as a new line where the output is not a terminal."""


class LiveView:
    """`with LiveView(sys.stdout) as view:` shows devices until the block ends, then restores the terminal.

    On a terminal it draws on the alternate screen, and prints the last frame when the block ends. Elsewhere it writes a
    plain line for each change. Any thread may call its methods.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stdout if stream is None else stream
        self._terminal = self._stream.isatty()
        self._views: dict[str, DeviceView] = {}
        self._printed: dict[str, DeviceView] = {}
        """Device → the view that its last line was made from. Used where the output is not a terminal."""
        self._notes: deque[str] = deque(maxlen=_MAX_NOTES)
        self._lock = threading.Lock()
        self._open = False

    def update(self, device: str, state: State) -> None:
        """Shows a new state of a device."""
        with self._lock:
            self._change(replace(self._of(device), state=state))

    def availability(self, device: str, availability: str) -> None:
        """Shows the availability that a device published: `online`, `stopped` or `offline`."""
        with self._lock:
            self._change(replace(self._of(device), availability=availability))

    def note(self, text: str) -> None:
        """Shows a line, such as a warning, below the devices."""
        with self._lock:
            self._notes.append(text)
            if self._terminal:
                self._draw()
            else:
                self._write(text + "\n")

    def refresh(self) -> None:
        """Draws the frame again, so that ages grow while no message arrives. Without a terminal, it does nothing."""
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
        # Removing the device first keeps the dictionary in the order of the last change.
        self._views.pop(view.device, None)
        self._views[view.device] = view
        while len(self._views) > MAX_DEVICES:
            longest_silent = next(iter(self._views))
            del self._views[longest_silent]
            self._printed.pop(longest_silent, None)
        if self._terminal:
            self._draw()
        elif _is_news(self._printed.get(view.device), view):
            self._printed[view.device] = view
            self._write(line(view) + "\n")

    def _draw(self) -> None:
        if not self._open:
            return
        # A frame longer than the screen would scroll, so that the home position is no longer its start.
        rows = max(1, shutil.get_terminal_size().lines - 1)
        lines = self._lines()
        # Of a frame that is too long the end of the devices is left out, so that the notes stay visible.
        notes = lines[len(lines) - len(self._notes) :]
        lines = lines if len(lines) <= rows else [*lines[: max(0, rows - len(notes))], *notes[-rows:]]
        drawn = "".join(f"{text}{_CLEAR_LINE}\n" for text in lines)
        self._write(f"{_BEGIN_UPDATE}{_HOME}{drawn}{_CLEAR_SCREEN}{_END_UPDATE}")

    def _lines(self) -> list[str]:
        style = style_of(self._stream, shutil.get_terminal_size().columns)
        views = [self._views[device] for device in sorted(self._views)]
        return render(views, style, time.time(), self._notes)

    def _write(self, text: str) -> None:
        # Text from the network may contain characters that the terminal's encoding lacks.
        encoding = self._stream.encoding or "utf-8"
        self._stream.write(text.encode(encoding, "replace").decode(encoding))
        self._stream.flush()


class NoteHandler(logging.Handler):
    """Shows log records below the devices, since lines on standard error would break the frame.

    If the view cannot be written any more, such as on a closed terminal, the records go to standard error.
    """

    def __init__(self, view: LiveView) -> None:
        super().__init__()
        self._view = view

    def emit(self, record: logging.LogRecord) -> None:
        text = f"{record.levelname.lower()}: {record.getMessage()}"
        try:
            self._view.note(text)
        except (OSError, ValueError):
            # An exception raised here would end the thread that logs.
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
        or abs(old.confidence - new.confidence) >= _CONFIDENCE_CHANGE
        or [part.missing for part in _parts(old)] != [part.missing for part in _parts(new)]
    )


def _parts(state: State) -> list[Contribution]:
    return [state.contributions.face, state.contributions.voice, state.contributions.words]
