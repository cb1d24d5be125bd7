from __future__ import annotations

import io
import logging
import os
import re
import time

import pytest
from support.payload_samples import blind_estimate, state

from edge.clock import REPLAY, Clock
from edge.emotions import LABELS
from edge.publish.encoding import state_payload
from edge.terminal.live_view import MAX_DEVICES, LiveView, NoteHandler
from edge.terminal.view import COLOURS, DeviceView, Style, age, bar, expired, line, render, style_of


def frame(view: DeviceView, style: Style, now: float = 12.6) -> str:
    return "\n".join(render([view], style, now))


ROBOT = DeviceView("robot", "online", state())


def test_a_frame_shows_all_there_is() -> None:
    text = frame(ROBOT, Style(colour=False))
    for part in ("robot", "online", "HAPPINESS", "70 %", "valence +0.", "arousal +0.", "person 3", "0.1 s old"):
        assert part in text
    rows = {row.split()[0]: row for row in text.splitlines() if row.strip()}
    for label in LABELS:
        assert rows[label].endswith("%")
    assert "weight 0.75" in rows["face"]
    assert "quality 0.90" in rows["face"]
    assert "1.2 s" in rows["voice"]
    assert "no words" in rows["words"]
    filled = {label: rows[label].count("█") for label in LABELS}
    assert max(filled, key=filled.__getitem__) == "happiness"


@pytest.mark.parametrize("width", [60, 80, 100, 200])
@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize("colour", [True, False])
def test_no_line_is_wider_than_the_terminal(width: int, unicode: bool, colour: bool) -> None:
    views = [ROBOT, DeviceView("x" * 64, "y" * 90), DeviceView("blind", None, _blind())]
    lines = render(views, Style(width, colour, unicode), 1e9, ["n" * 300])
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", text) for text in lines]
    assert max(map(len, plain)) < width
    assert any("\x1b[" in text for text in lines) == colour
    assert all(text.isascii() for text in lines) != unicode


def test_colour_is_that_of_the_emotion() -> None:
    assert f"38;5;{COLOURS['happiness']}mHAPPINESS" in frame(ROBOT, Style()).replace("\x1b[1;", "")


def test_expired_values_are_dimmed_and_marked() -> None:
    text = frame(ROBOT, Style(), now=100.0)
    assert "expired" in text
    assert f"38;5;{COLOURS['happiness']}" not in text
    assert expired(state(), 100.0)
    assert not expired(state(), 13.0)
    assert age(state(), 12.0) == 0.0


def test_missing_state_and_senses() -> None:
    assert "no state yet" in frame(DeviceView("robot"), Style(colour=False))
    text = frame(DeviceView("robot", "online", _blind()), Style(colour=False))
    for why in ("no face", "silence", "no words"):
        assert why in text


def test_nothing_from_the_network_steers_the_terminal() -> None:
    evil = DeviceView("robot", "\x1b[2J\x07on\nline", None)
    for text in (line(evil), *render([evil], Style(colour=False), 0.0, ["\x1b]0;x\x9b"])):
        assert text.isprintable()


@pytest.mark.parametrize(
    ("share", "drawn"), [(0.0, "    "), (1.0, "████"), (0.5, "██  "), (0.03125, "▏   "), (2.0, "████"), (-1.0, "    ")]
)
def test_bar(share: float, drawn: str) -> None:
    assert bar(share, 4) == drawn


def test_bar_in_plain_characters() -> None:
    assert bar(0.5, 4, unicode=False) == "##.."


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_style_follows_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    assert style_of(Terminal(), 80) == Style(80, colour=True, unicode=True)
    assert not style_of(io.StringIO(), 80).colour
    assert not style_of(io.TextIOWrapper(io.BytesIO(), "ascii"), 80).unicode
    monkeypatch.setenv("TERM", "dumb")
    assert not style_of(Terminal(), 80).colour
    monkeypatch.delenv("TERM")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not style_of(Terminal(), 80).colour


def test_live_view_draws_from_the_top_without_clearing_and_restores_the_terminal() -> None:
    stream = Terminal()
    with LiveView(stream) as view:
        clock = Clock.live()
        for label in ("anger", "happiness"):
            view.update("robot", state(label, clock=clock, at=time.monotonic()))
        view.note("warning: something")
        drawn = stream.getvalue()
    assert drawn.count("\x1b[2J") == 1  # at the start only: clearing each frame would flicker
    assert drawn.count("\x1b[H") == 4
    assert "\x1b[?25h" not in drawn
    last = stream.getvalue()[len(drawn) :]
    assert last.startswith("\x1b[?7h\x1b[?25h\x1b[?1049l")
    assert "HAPPINESS" in last
    assert "something" in last


def test_of_a_frame_that_is_too_long_the_notes_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    for rows in (24, 12, 4, 2):
        monkeypatch.setattr("shutil.get_terminal_size", lambda rows=rows: os.terminal_size((80, rows)))
        stream = Terminal()
        with LiveView(stream) as view:
            view.update("robot", state())
            for number in range(4):
                view.note(f"warning {number}")
            frame = stream.getvalue().rpartition("\x1b[H")[2]
        shown = frame.count("\x1b[K\n")
        assert shown <= rows - 1
        assert "warning 3" in frame
        assert ("HAPPINESS" in frame) == (rows >= 12)


def test_live_view_restores_the_terminal_after_an_error() -> None:
    stream = Terminal()
    with pytest.raises(RuntimeError), LiveView(stream):
        raise RuntimeError
    assert "\x1b[?25h\x1b[?1049l" in stream.getvalue()


def test_without_a_terminal_the_live_view_prints_changes() -> None:
    stream = io.StringIO()
    with LiveView(stream) as view:
        for confidence in (0.7, 0.72, 0.75, 0.9):
            view.update("robot", state("anger", confidence))
        view.update("robot", _blind())
        view.availability("robot", "offline")
        view.refresh()
        view.availability("robot", "offline")
    lines = stream.getvalue().splitlines()
    assert ["0.70" in lines[0], "0.90" in lines[1], "no face" in lines[2], "offline" in lines[3]] == [True] * 4
    assert len(lines) == 4


def test_live_view_keeps_a_bounded_number_of_devices() -> None:
    stream = Terminal()
    with LiveView(stream) as view:
        view.update("robot", state("anger"))
        for i in range(3 * MAX_DEVICES):
            view.availability(f"d{i}", "online")
            view.availability("robot", "online")
    shown = stream.getvalue().rpartition("\x1b[?1049l")[2]
    assert shown.count("online") == MAX_DEVICES
    # The one that was heard last stays, with all that is known of it.
    assert "ANGER" in shown
    assert f"d{3 * MAX_DEVICES - 1}\x1b" in shown


def test_without_a_terminal_an_evicted_device_is_printed_again() -> None:
    stream = io.StringIO()
    with LiveView(stream) as view:
        for _ in range(2):
            for i in range(MAX_DEVICES + 1):
                view.availability(f"d{i}", "online")
    assert stream.getvalue().count("d0  online") == 2


def test_a_log_record_that_cannot_be_drawn_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    class Closed(Terminal):
        full = False

        def write(self, text: str) -> int:
            if self.full:
                raise OSError(5, "Input/output error")
            return super().write(text)

    stream = Closed()
    view = LiveView(stream)
    record = logging.LogRecord("edge", logging.WARNING, "", 0, "the %s has gone", ("broker",), None)
    with view:
        handler = NoteHandler(view)
        for full in (False, True, True, False):
            stream.full = full
            handler.handle(record)
    assert capsys.readouterr().err == "warning: the broker has gone\n" * 2
    assert "the broker has gone" in stream.getvalue()


def test_unprintable_characters_are_replaced() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, "ascii")
    with LiveView(stream) as view:
        view.availability("robot", "schön \ud800")
    stream.flush()
    assert raw.getvalue() == b"robot  sch?n ?  no state yet\n"


def test_a_plain_line_is_short_whatever_the_network_says() -> None:
    assert len(line(DeviceView("x" * 10_000, "y" * 10_000))) < 200


def _blind():  # type: ignore[no-untyped-def]
    return state_payload(blind_estimate(), REPLAY, valid_for=1.0)
