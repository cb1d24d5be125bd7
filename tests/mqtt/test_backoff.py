"""Waits between attempts, take-overs by a second client, and which failure is news."""

from __future__ import annotations

import pytest

from edge.mqtt.backoff import STABLE_S, SUSPICIOUS_S, TAKEOVER_MAX_S, Backoff, Takeovers
from edge.mqtt.failure_log import FailureLog


def test_waits_double_up_to_the_longest_and_start_again() -> None:
    backoff = Backoff(1.0, 5.0, chance=lambda: 0.0)
    for _ in range(2):
        assert [backoff.wait() for _ in range(5)] == [1.0, 2.0, 4.0, 5.0, 5.0]
        backoff.reset()


def test_chance_shortens_a_wait_and_not_the_next() -> None:
    chances = iter([1.0, 0.5, 0.0])
    backoff = Backoff(2.0, 60.0, jitter=0.5, chance=lambda: next(chances))
    assert [backoff.wait() for _ in range(3)] == [1.0, 3.0, 8.0]


def test_a_first_wait_above_the_longest_is_cut() -> None:
    assert Backoff(1.0, 0.5, chance=lambda: 0.0).wait() == 0.5


def test_the_wait_after_a_take_over_is_shorter_than_a_stable_connection() -> None:
    # Otherwise two devices of one name would look stable to each other and be logged again and again.
    assert TAKEOVER_MAX_S < STABLE_S


def test_an_explicit_takeover_reason_of_the_broker_is_used_at_once() -> None:
    takeovers = Takeovers()
    assert takeovers.closed(1000.0, certain=True, by_peer=True)
    # Afterwards a closure without a reason counts, too, until a connection was stable.
    assert takeovers.closed(50.0, certain=False, by_peer=True)
    assert not takeovers.closed(STABLE_S, certain=False, by_peer=True)
    assert not takeovers.closed(SUSPICIOUS_S, certain=False, by_peer=True)


def test_without_a_reason_two_early_closures_in_a_row_are_a_take_over() -> None:
    for _ in range(2):
        takeovers = Takeovers()
        assert not takeovers.closed(SUSPICIOUS_S - 1, certain=False, by_peer=True)
        assert takeovers.closed(SUSPICIOUS_S - 1, certain=False, by_peer=True)
        # The other one waits longer and longer, and so do we.
        assert takeovers.closed(60.0, certain=False, by_peer=True)


@pytest.mark.parametrize(("held", "by_peer"), [(SUSPICIOUS_S, True), (0.1, False)])
def test_a_later_closure_or_a_silent_network_is_not_a_take_over(held: float, by_peer: bool) -> None:
    takeovers = Takeovers()
    assert not takeovers.closed(0.1, certain=False, by_peer=True)
    assert not takeovers.closed(held, certain=False, by_peer=by_peer)
    assert not takeovers.closed(0.1, certain=False, by_peer=True)


def test_a_failure_is_news_once_until_a_connection_was_stable() -> None:
    failures = FailureLog()
    assert failures.is_news("refused")
    assert not failures.is_news("refused")
    assert failures.is_news("lost")
    failures.held(STABLE_S - 0.1)
    assert not failures.is_news("lost")
    failures.held(STABLE_S)
    assert failures.is_news("lost")
    assert failures.is_news("refused")
    assert not failures.is_news("refused")


def test_a_connection_is_news_at_first_and_after_news_of_a_failure() -> None:
    failures = FailureLog()
    assert failures.connected()
    assert not failures.connected()
    failures.is_news("lost")
    assert failures.connected()
    failures.is_news("lost")
    assert not failures.connected()
