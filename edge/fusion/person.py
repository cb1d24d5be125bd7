"""The fusion's state of one person, or of the scene while nobody is attended to."""

from __future__ import annotations

from edge.fusion.evidence import Evidence
from edge.fusion.filter import EmotionFilter
from edge.fusion.parameters import Parameters, Reliability


class PersonState:
    """The evidence of one face and the emotion that follows from it."""

    def __init__(self, numbers: Parameters, face: Reliability, prior: tuple[float, ...]) -> None:
        """Starts without evidence.

        Args:
            numbers: The numbers of the fusion.
            face: Reliability of the face model.
            prior: How often each of the seven labels occurs.
        """
        self.face = Evidence(numbers.sense("face"), face)
        self.emotion = EmotionFilter(numbers, prior)

    def expired(self, now: float) -> bool:
        """Whether the evidence of this person's face is stale at `now` (seconds)."""
        return self.face.opinion(now) is None
