"""An output that breaks costs the message, not the loop."""

from __future__ import annotations

import logging

import pytest
from support.payload_samples import blind_estimate, observations

from edge.health import catalogue
from edge.health.registry import Registry
from edge.observation import Estimate, Observation
from edge.runtime.output_guard import GuardedOutput


class Moody:
    """Raises `error` if it is set; otherwise records its input."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.got: list[object] = []

    def _take(self, item: object) -> None:
        if self.error is not None:
            raise self.error
        self.got.append(item)

    def observed(self, observation: Observation) -> None:
        self._take(observation)

    def estimated(self, estimate: Estimate) -> None:
        self._take(estimate)

    def tick(self, now: float, missing: dict[str, str]) -> None:
        self._take((now, missing))


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), RuntimeError("a\nbug"), KeyError("x")])
def test_an_error_costs_one_message_and_is_counted(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    moody, registry = Moody(), Registry()
    output = GuardedOutput(moody, catalogue.TERMINAL_MESSAGES_FAILED, registry)
    observation, estimate = observations()[0], blind_estimate()
    for broken in (True, False, True, False):
        moody.error = error if broken else None
        output.observed(observation)
        output.estimated(estimate)
        output.tick(3.5, {"face": "no face"})
    assert moody.got == [observation, estimate, (3.5, {"face": "no face"})] * 2
    assert registry.snapshot().counters == {catalogue.TERMINAL_MESSAGES_FAILED: 6}
    # Six failures, one line: a full disk must not fill the log too.
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert record.getMessage().startswith(f"terminal: a message was lost: {type(error).__name__}: ")
    assert "\n" not in record.getMessage()


def test_a_fault_that_lasts_is_logged_again_with_the_number_of_losses(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("edge.runtime.output_guard.time.monotonic", lambda: now)
    moody = Moody()
    moody.error = OSError("full")
    output = GuardedOutput(moody, catalogue.TERMINAL_MESSAGES_FAILED, Registry())
    for now in (1000.0, 1030.0, 1059.0, 1061.0):  # noqa: B007 - read by the clock above
        output.estimated(blind_estimate())
    lines = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(lines) == 2
    assert lines[1].endswith("(and 2 more since the last message)")


def test_exceptions_that_end_the_process_still_end_it() -> None:
    class Ending(Moody):
        def _take(self, item: object) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        GuardedOutput(Ending(), catalogue.TERMINAL_MESSAGES_FAILED, Registry()).estimated(blind_estimate())
