"""Who receives what the device finds out: MQTT, the terminal, later a page or ROS."""

from __future__ import annotations

from typing import Protocol

from edge.observation import Estimate, Observation


class Output(Protocol):
    """Called by the loop, always from the same thread. No method may block."""

    def observed(self, observation: Observation) -> None:
        """A single observation of one sense, as soon as the loop has it."""

    def estimated(self, estimate: Estimate) -> None:
        """The estimate about the attended person or the scene, `fusion.rate_hz` times a second."""

    def tick(self, now: float, missing: dict[str, str]) -> None:
        """After each estimate, for what is sent now and then.

        `now`: monotonic seconds; `missing`: sense → why it contributes nothing.
        """
