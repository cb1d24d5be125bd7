"""The labels of one person over time."""

from __future__ import annotations

from edge.fusion.history import MAX_SPANS, History, Span


def test_without_an_estimate_there_is_nothing() -> None:
    assert (History().since, History().spans) == (None, ())


def test_spans_follow_each_other() -> None:
    history = History()
    assert history.add("neutral", 0.5, 1.0) == 1.0
    assert history.add("neutral", 0.9, 2.0) == 1.0
    assert history.add("neutral", 0.6, 3.0) == 1.0
    assert history.add("anger", 0.7, 4.0) == 4.0
    assert history.since == 4.0
    assert history.spans == (Span("neutral", 1.0, 3.0, 0.9), Span("anger", 4.0, 4.0, 0.7))
    assert history.add("neutral", 0.3, 5.0) == 5.0
    assert history.spans[1:] == (Span("anger", 4.0, 4.0, 0.7), Span("neutral", 5.0, 5.0, 0.3))


def test_time_that_runs_back_counts_as_simultaneous() -> None:
    history = History()
    history.add("neutral", 0.5, 10.0)
    assert history.add("anger", 0.5, 3.0) == 10.0
    assert history.add("anger", 0.5, 11.0) == 10.0
    assert history.spans == (Span("neutral", 10.0, 10.0, 0.5), Span("anger", 10.0, 11.0, 0.5))


def test_the_oldest_spans_go_first() -> None:
    history = History()
    for number in range(3 * MAX_SPANS):
        history.add("anger" if number % 2 else "fear", 0.5, float(number))
    spans = history.spans
    assert len(spans) == MAX_SPANS + 1
    assert spans[0].since == 2 * MAX_SPANS - 1
    assert spans[-1].since == 3 * MAX_SPANS - 1
