"""The fusion's state of one person, or of the scene while nobody is attended to."""

from __future__ import annotations

from edge import config
from edge.fusion.evidence import Evidence
from edge.fusion.pool import SteadyPosterior


class PersonState:
    """The evidence of one face and the smoothed posterior that follows from it."""

    def __init__(self, settings: config.Fusion) -> None:
        self.face = Evidence(settings.face_memory_s)
        self.steady = SteadyPosterior(settings.smoothing_s, settings.switch_margin)

    def expired(self, now: float) -> bool:
        """Whether the evidence of this person's face is stale at `now` (seconds)."""
        return self.face.opinion(now) is None
