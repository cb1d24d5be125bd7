"""The one-line report of a failed conversion, and the rows on which it is checked."""

from __future__ import annotations

from typing import Any

import pytest

from converters.process import _ending, _last_meaningful


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (1, "the converter ended with code 1"),
        (-11, "the converter crashed (SIGSEGV; an LSTM or GRU needs unroll=True for int8)"),
        (-9, "the converter crashed (SIGKILL; was it out of memory?)"),
        (-6, "the converter crashed (SIGABRT)"),
    ],
)
def test_the_end_of_a_process_in_words(code: int, text: str) -> None:
    assert _ending(code) == text


def test_the_last_meaningful_line_is_kept() -> None:
    noise = [
        "",
        "W0000 00:00 x",
        "I0000 x",
        "WARNING: x",
        "INFO: x",
        "  warnings.warn(",
        '  File "x.py", line 1',
        "  ^^^",
    ]
    assert _last_meaningful(["first", "ValueError: the reason", *noise]) == "ValueError: the reason"
    assert _last_meaningful(["x" * 301]) == "x" * 300
    assert _last_meaningful(noise) == "it said nothing"


def test_rows_are_spread_over_all_with_the_first_and_the_last() -> None:
    pytest.importorskip("tensorflow")
    from converters._worker import spread

    rows: Any = [(index,) for index in range(10)]
    expected: Any = [(0,), (3,), (6,), (9,)]
    assert spread(rows, 4) == expected
    assert spread(rows, 10) == spread(rows, 99) == rows
    assert spread([], 5) == []
