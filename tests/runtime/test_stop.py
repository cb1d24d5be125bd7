"""The request to end: made whenever the signal comes, handlers put back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from support.brokers import PATIENCE

from edge.runtime.stop import SIGNALS, Interrupted, StopRequest, interrupting, on_signals

# A process of its own: where the handler waits for a lock that the very thread it interrupts holds, nothing in that
# process can end the wait. Waits that are over at once make every instruction of `wait` a place the alarm may fall on.
STORM = """
import signal
from edge.runtime.stop import StopRequest

def handle(number, frame):
    stop.set()

stop = StopRequest()
signal.signal(signal.SIGALRM, handle)
for round in range(3000):
    stop = StopRequest()
    signal.setitimer(signal.ITIMER_REAL, 1e-5 + round % 100 * 1e-6)
    while not stop.wait(1e-6):
        pass
print("heard")
"""


def test_a_signal_is_handled_at_any_moment() -> None:
    done = subprocess.run([sys.executable, "-c", STORM], check=False, capture_output=True, timeout=PATIENCE)
    assert done.stdout == b"heard\n", done.stderr.decode()


def test_it_waits_no_longer_than_it_must() -> None:
    stop = StopRequest()
    assert not stop.wait(0.0)
    assert not stop.wait(-1.0)
    assert not stop.is_set()
    threading.Timer(0.05, stop.set).start()
    started = time.monotonic()
    assert stop.wait(PATIENCE)
    assert time.monotonic() - started < PATIENCE
    stop.set()
    assert stop.is_set()
    assert stop.wait(PATIENCE)
    assert stop.wait(0.0)


@pytest.mark.parametrize("number", SIGNALS)
def test_signals_ask_to_stop_and_former_handlers_come_back(number: signal.Signals) -> None:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    with on_signals() as stop:
        assert not stop.is_set()
        os.kill(os.getpid(), number)
        assert stop.wait(PATIENCE)
    assert {number: signal.getsignal(number) for number in SIGNALS} == before


def test_a_block_inside_another_shares_its_request() -> None:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    with on_signals() as outer:
        os.kill(os.getpid(), signal.SIGTERM)
        with on_signals() as inner:
            assert inner is outer
            assert inner.wait(PATIENCE)
        # Still ours after the inner block.
        os.kill(os.getpid(), signal.SIGINT)
        assert outer.signal == signal.SIGTERM
    assert {number: signal.getsignal(number) for number in SIGNALS} == before
    with on_signals() as later:
        assert not later.is_set()
        assert later.signal is None


@pytest.mark.parametrize("number", SIGNALS)
def test_a_command_that_may_be_interrupted_is_and_only_inside_the_block(number: signal.Signals) -> None:
    with on_signals() as stop:
        with pytest.raises(Interrupted) as interrupted, interrupting(stop):
            signal.raise_signal(number)
        assert interrupted.value.exit_code == 128 + number
        os.kill(os.getpid(), number)
        assert stop.signal == number


def test_a_signal_from_before_the_block_interrupts_at_its_start() -> None:
    with on_signals() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Interrupted), interrupting(stop):
            pytest.fail("never reached")


def test_afterwards_signals_can_be_ignored() -> None:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        with on_signals(ignore_afterwards=True):
            pass
        for number in SIGNALS:
            os.kill(os.getpid(), number)
            assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
