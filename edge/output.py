"""The interface of outputs, which receive observations and estimates: MQTT, the terminal, later a page or ROS."""

from __future__ import annotations

from typing import Protocol

from edge.observation import Estimate, Observation


class Output(Protocol):
    """Receives results from the live loop, always on the same thread. No method may block."""

    def observed(self, observation: Observation) -> None:
        """Receives a single observation of one sense, as soon as the loop has it."""

    def estimated(self, estimate: Estimate) -> None:
        """Receives the estimate of the attended person or the scene, `fusion.rate_hz` times a second."""

    def tick(self, now: float, missing: dict[str, str]) -> None:
        """Called after each estimate, for messages that are sent less often.

        `now`: monotonic seconds; `missing`: sense → why it contributes nothing.
        """
