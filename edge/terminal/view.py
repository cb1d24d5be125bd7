"""States as text for people: a frame of bars for a terminal, one line for a log. Pure."""

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

WIDTHS: Final = (59, 99)
"""Narrowest and widest frame, in columns."""

COLOURS: Final = {
    "anger": 203,
    "disgust": 107,
    "fear": 141,
    "happiness": 220,
    "neutral": 250,
    "sadness": 75,
    "surprise": 215,
}
"""Label → colour of the 256-colour palette."""

_AVAILABILITY_COLOURS: Final = {ONLINE: 78, STOPPED: 250, OFFLINE: 203}
_DIM: Final = "2"
_BOLD: Final = "1"

_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"


@dataclass(frozen=True, slots=True)
class DeviceView:
    """What is known of one device."""

    device: str
    availability: str | None = None
    """`online`, `stopped`, `offline`; None when it has not said."""
    state: State | None = None


@dataclass(frozen=True, slots=True)
class Style:
    """How a frame may look."""

    width: int = 80
    colour: bool = True
    unicode: bool = True


def style_of(stream: TextIO, width: int) -> Style:
    """What `stream` can show: colour on a terminal unless NO_COLOR is set (no-color.org) or TERM is `dumb`, block
    characters where its encoding has them."""
    colour = stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    try:
        (_EIGHTHS + "●─").encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return Style(width, colour, unicode=False)
    return Style(width, colour, unicode=True)


def render(views: Sequence[DeviceView], style: Style, now: float, notes: Sequence[str] = ()) -> list[str]:
    """The lines of one frame, none wider than `style.width` columns. `now`: seconds since the epoch; `notes`: lines to
    show below."""
    width = min(max(style.width - 1, WIDTHS[0]), WIDTHS[1])
    lines: list[str] = []
    for view in views:
        lines += [*_device(view, style, width, now), ""]
    lines += [_paint(_clip(_clean(note), width), style, _DIM) for note in notes]
    return lines


def line(view: DeviceView) -> str:
    """One device in one plain line, for a log or a pipe."""
    parts = [_clip(_clean(view.device), 64), _clip(_clean(view.availability or "unknown"), 64)]
    state = view.state
    if state is None:
        return "  ".join([*parts, "no state yet"])
    parts += [state.captured_at, f"{state.label} {state.confidence:.2f}"]
    parts += [f"valence {state.valence:+.2f}", f"arousal {state.arousal:+.2f}"]
    for sense in SENSES:
        part: Contribution = getattr(state.contributions, sense)
        says = (
            f"{part.label} {part.weight:.2f}"
            if part.label and part.weight > 0
            else _clip(_clean(part.missing or "-"), 200)
        )
        parts.append(f"{sense}: {says}")
    return "  ".join(parts)


def age(state: State, now: float) -> float:
    """Seconds since the moment an estimate is about; 0 when its clock is ahead of ours. `now`: since the epoch."""
    return max(0.0, now - parse_rfc3339(state.captured_at))


def expired(state: State, now: float) -> bool:
    """Whether the state should no longer be acted on. `now`: seconds since the epoch."""
    return now > parse_rfc3339(state.valid_until)


def bar(share: float, cells: int, *, unicode: bool = True) -> str:
    """A bar of `cells` columns, filled to `share` (0…1) in eighths of a cell, or in whole cells of `#`."""
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
    says = _clip(_clean(availability), 10)
    gap = max(1, width - 6 - len(name) - len(says) - len(right)) if right else 0
    head = (
        f" {_paint(name, style, _BOLD)}  {_paint(dot, style, _colour(_AVAILABILITY_COLOURS.get(availability, 250)))} "
        f"{says}{' ' * gap}{_paint(right, style, _colour(203) if stale else _DIM)}"
    )
    lines = [head, " " + _paint(rule, style, _DIM)]
    if state is None:
        return [*lines, "  " + _paint("no state yet", style, _DIM)]
    # What is past is shown, but pale, so that nobody takes it for the present.
    return [*lines, *_state(state, Style(style.width, style.colour and not stale, style.unicode), width)]


def _state(state: State, style: Style, width: int) -> list[str]:
    colour = _colour(COLOURS[state.label])
    title = f"{state.label.upper()}  {state.confidence:4.0%}".replace("%", " %")
    facts = f"valence {state.valence:+.2f}   arousal {state.arousal:+.2f}"
    person = f"   person {state.person}" if state.person else ""
    room = width - 4 - len(title)
    facts = facts + person if len(facts + person) <= room else facts
    gap = room + 1 - len(facts)
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
    """Text from the network without what would steer the terminal."""
    return "".join(char if unicodedata.category(char)[0] != "C" else "?" for char in text)
