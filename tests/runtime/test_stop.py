"""The wish to end: heard whenever the signal comes, handlers put back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from support.brokers import PATIENCE

from edge.runtime.stop import SIGNALS, StopRequest, on_signals

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


def test_a_signal_is_heard_wherever_it_falls() -> None:
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
