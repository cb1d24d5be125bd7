"""Renders states as text: a frame of bars for a terminal, or one line for a log. Free of side effects."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TextIO

from edge.clock import parse_rfc3339
from edge.emotions import LABELS
from edge.observation import SENSES
from edge.publish.payloads import Contribution, State
from edge.publish.topics import OFFLINE, ONLINE, STOPPED
from edge.terminal.remarks import remarks

WIDTHS: Final = (59, 99)
"""Smallest and largest width of a frame, in columns."""

COLOURS: Final = {
    "anger": 203,
    "disgust": 107,
    "fear": 141,
    "happiness": 220,
    "neutral": 250,
    "sadness": 75,
    "surprise": 215,
}
"""Label → its colour as an index into the 256-colour palette."""

_AVAILABILITY_COLOURS: Final = {ONLINE: 78, STOPPED: 250, OFFLINE: 203}
"""Availability → its colour as an index into the 256-colour palette."""

_DIM: Final = "2"
"""SGR parameter for dim text."""

_BOLD: Final = "1"
"""SGR parameter for bold text."""

_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
"""Block characters that fill 0 to 8 eighths of a cell."""

_GAP: Final = "   "
"""Gap between two remarks on one line."""


@dataclass(frozen=True, slots=True)
class DeviceView:
    """What a view shows of one device."""

    device: str
    """Name of the device."""
    availability: str | None = None
    """`online`, `stopped` or `offline`; None if the device has not published it."""
    state: State | None = None
    """The newest state; None if there is none yet."""


@dataclass(frozen=True, slots=True)
class Style:
    """What a frame may use."""

    width: int = 80
    """Width of the terminal in columns."""
    colour: bool = True
    """The frame may use colours, bold and dim text."""
    unicode: bool = True
    """The frame may use block characters and other characters outside ASCII."""


def style_of(stream: TextIO, width: int) -> Style:
    """The style that `stream` supports. `width`: its width in columns.

    Colour is used on a terminal unless NO_COLOR is set (no-color.org) or TERM is `dumb`. Block characters are used if
    the encoding has them.
    """
    colour = stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    try:
        (_EIGHTHS + "●─").encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return Style(width, colour, unicode=False)
    return Style(width, colour, unicode=True)


def render(views: Sequence[DeviceView], style: Style, now: float, notes: Sequence[str] = ()) -> list[str]:
    """Renders one frame.

    Args:
        views: the devices, from top to bottom.
        style: width and characters of the frame.
        now: current time in seconds since the epoch.
        notes: lines to show below the devices.

    Returns:
        Lines of at most `style.width - 1` columns, within the limits `WIDTHS`.
    """
    width = min(max(style.width - 1, WIDTHS[0]), WIDTHS[1])
    lines: list[str] = []
    for view in views:
        lines += [*_device(view, style, width, now), ""]
    lines += [_paint(_clip(_clean(note), width), style, _DIM) for note in notes]
    return lines


def line(view: DeviceView) -> str:
    """Renders one device as one plain line, for a log or a pipe."""
    parts = [_clip(_clean(view.device), 64), _clip(_clean(view.availability or "unknown"), 64)]
    state = view.state
    if state is None:
        return "  ".join([*parts, "no state yet"])
    parts += [state.captured_at, f"{state.label} {state.confidence:.2f}"]
    parts += [f"valence {state.valence:+.2f}", f"arousal {state.arousal:+.2f}"]
    for sense in SENSES:
        part: Contribution = getattr(state.contributions, sense)
        summary = (
            f"{part.label} {part.weight:.2f}"
            if part.label and part.weight > 0
            else _clip(_clean(part.missing or "-"), 200)
        )
        parts.append(f"{sense}: {summary}")
    parts += [_clip(_clean(remark), 200) for remark in remarks(state)]
    return "  ".join(parts)


def age(state: State, now: float) -> float:
    """Seconds since the time that the estimate is about; 0 if the clock of the device is ahead of ours.

    `now`: current time in seconds since the epoch.
    """
    return max(0.0, now - parse_rfc3339(state.captured_at))


def expired(state: State, now: float) -> bool:
    """Whether the state should no longer be acted on. `now`: current time in seconds since the epoch."""
    return now > parse_rfc3339(state.valid_until)


def bar(share: float, cells: int, *, unicode: bool = True) -> str:
    """Renders a bar.

    Args:
        share: filled share of the bar, clamped to 0…1.
        cells: length of the bar in columns.
        unicode: fill in steps of an eighth of a cell; otherwise whole cells with `#`.
    """
    share = min(max(share, 0.0), 1.0)
    if not unicode:
        filled = round(share * cells)
        return "#" * filled + "." * (cells - filled)
    eighths = round(share * cells * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(cells)


def _device(view: DeviceView, style: Style, width: int, now: float) -> list[str]:
    state = view.state
    availability = view.availability or "unknown"
    dot = "●" if style.unicode else "*"
    rule = ("─" if style.unicode else "-") * (width - 2)
    stale = state is not None and expired(state, now)
    right = "" if state is None else f"estimate {_age(age(state, now))} old{', expired' if stale else ''}"
    name = _clip(_clean(view.device), 24)
    shown_availability = _clip(_clean(availability), 10)
    gap = max(1, width - 6 - len(name) - len(shown_availability) - len(right)) if right else 0
    head = (
        f" {_paint(name, style, _BOLD)}  {_paint(dot, style, _colour(_AVAILABILITY_COLOURS.get(availability, 250)))} "
        f"{shown_availability}{' ' * gap}{_paint(right, style, _colour(203) if stale else _DIM)}"
    )
    lines = [head, " " + _paint(rule, style, _DIM)]
    if state is None:
        return [*lines, "  " + _paint("no state yet", style, _DIM)]
    # An expired state is shown without colour, so that nobody mistakes it for the present.
    return [*lines, *_state(state, Style(style.width, style.colour and not stale, style.unicode), width)]


def _state(state: State, style: Style, width: int) -> list[str]:
    colour = _colour(COLOURS[state.label])
    title = f"{state.label.upper()}  {state.confidence:4.0%}".replace("%", " %")
    facts = f"valence {state.valence:+.2f}   arousal {state.arousal:+.2f}"
    person = f"   person {state.person}" if state.person else ""
    available = width - 4 - len(title)
    facts = facts + person if len(facts + person) <= available else facts
    gap = available + 1 - len(facts)
    lines = [f"  {_paint(title, style, f'{_BOLD};{colour}')}{' ' * gap}{_paint(facts, style, _DIM)}", ""]
    cells = width - 21
    for label in LABELS:
        share: float = getattr(state.probabilities, label)
        drawn = _paint(bar(share, cells, unicode=style.unicode), style, _colour(COLOURS[label]))
        name = _paint(f"{label:<9}", style, _BOLD if label == state.label else "")
        lines.append(f"  {name}  {drawn}{share * 100:5.0f} %")
    lines.append("")
    for sense in SENSES:
        lines.append(_sense(sense, getattr(state.contributions, sense), style, width))
    shown = _packed([_clip(_clean(remark), width - 2) for remark in remarks(state)], width - 2)
    return [*lines, *(_paint(f"  {packed}", style, _DIM) for packed in shown)]


def _packed(parts: Sequence[str], width: int) -> list[str]:
    """Lines of at most `width` columns, each with as many parts as fit, so that the frame fits a small terminal."""
    lines: list[str] = []
    for part in parts:
        longer = f"{lines[-1]}{_GAP}{part}" if lines else part
        if lines and len(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(part)
    return lines


def _sense(sense: str, part: Contribution, style: Style, width: int) -> str:
    cells = width - 55
    if part.label is None or part.weight <= 0:
        why = _clip(_clean(part.missing or "says nothing"), width - 11)
        return _paint(f"  {sense:<6} {'–' if style.unicode else '-'} {why}", style, _DIM)
    drawn = _paint(bar(part.weight, cells, unicode=style.unicode), style, _colour(COLOURS[part.label]))
    old = "" if part.age_ms is None else f"{_age(part.age_ms / 1000):>7}"
    return f"  {sense:<6} {part.label:<9}  {drawn} weight {part.weight:.2f}  quality {part.quality:.2f} {old}"


def _age(seconds: float) -> str:
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    if seconds < 2 * 3600:
        return f"{seconds / 60:.0f} min"
    if seconds < 2 * 86400:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 86400:.0f} d"


def _paint(text: str, style: Style, code: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if style.colour and code and text.strip() else text


def _colour(index: int) -> str:
    return f"38;5;{index}"


def _clip(text: str, columns: int) -> str:
    return text if len(text) <= columns else text[: max(0, columns - 2)] + ".."


def _clean(text: str) -> str:
    """Replaces control characters in text from the network, which could control the terminal, by question marks."""
    return "".join(char if unicodedata.category(char)[0] != "C" else "?" for char in text)
