"""Whose voice it is: attributes every observation of voice and words to a person, or to nobody in the image."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from edge.observation import Attribution, Mouth, Observation, Perceived, SoundLevel
from edge.speaker.direction import azimuth_of, log_ratio, mean_direction
from edge.speaker.memory import MEMORY_S, Memory
from edge.speaker.model import SpeakerModel
from edge.speaker.synchrony import LONGEST_S, features_of, sound_between
from edge.speaker.utterances import utterance_at

FIELD_OF_VIEW_DEG: Final = 62.0
"""Horizontal field of view assumed of the camera, in degrees: that of the Raspberry Pi Camera Module 2."""

_MARGIN_S: Final = 0.3
"""Seconds before and after an utterance that are compared, too: the mouth opens before it and closes after it."""
_REACH_S: Final = 3.0
"""An observation belongs to an utterance that ended at most this many seconds before it: transcripts come late."""
_LEAST_S: Final = 0.3
"""With fewer seconds of sound than this, nobody is named."""
_DIVIDED_S: Final = 1.6
"""A span of at least this many seconds is divided to see whether two people spoke in it."""
_OTHER: Final = 0.85
"""Least probability at which another person is taken to have spoken in one half of a span."""
_UNAVAILABLE: Final = Attribution("unavailable")
_UNKNOWN: Final = Attribution("unknown")


class Attributor:
    """Remembers mouths and sound for some seconds and decides who spoke. Reads no clock. Not thread-safe."""

    def __init__(self, model: SpeakerModel, field_of_view_deg: float = FIELD_OF_VIEW_DEG) -> None:
        """Makes an attributor without memory.

        Args:
            model: The learnt numbers.
            field_of_view_deg: Horizontal field of view of the camera, for sound with a direction.
        """
        self._model = model
        self._field_of_view = field_of_view_deg
        self._memory = Memory()

    def take(self, perceived: Perceived) -> Perceived:
        """Remembers mouths and sound of a result, and attributes its observations of voice and words.

        An observation that already has a person keeps it.
        """
        for mouth in perceived.mouths:
            self.see(mouth)
        for level in perceived.sound:
            self.hear(level)
        if not any(map(_open, perceived.observations)):
            return perceived
        return replace(perceived, observations=tuple(map(self._attributed, perceived.observations)))

    def see(self, mouth: Mouth) -> None:
        """Remembers the mouth of one face in one frame."""
        self._memory.see(mouth)

    def hear(self, level: SoundLevel) -> None:
        """Remembers the level of 10 ms of sound."""
        self._memory.hear(level)

    def speaker_at(self, moment: float) -> Attribution:
        """Decides who speaks at a moment (seconds), from all that was seen and heard so far.

        The whole utterance is compared, so the decision on a moment becomes surer while the utterance goes on.
        """
        return self._decide(moment, 0.0)

    def _attributed(self, observation: Observation) -> Observation:
        if not _open(observation):
            return observation
        found = self._decide(observation.captured_at, _REACH_S)
        return replace(observation, attribution=found, person=found.person)

    def _decide(self, moment: float, reach: float) -> Attribution:
        rows = self._memory.sound.array()
        if not self._memory.mouths(moment - MEMORY_S, moment + MEMORY_S):
            return _UNAVAILABLE
        utterance = utterance_at(rows, moment, reach + _MARGIN_S)
        if utterance is None:
            return _UNKNOWN
        # Of a long utterance the seconds before the moment are compared.
        end = min(utterance[1], max(moment, utterance[0] + LONGEST_S)) + _MARGIN_S
        begin = max(utterance[0] - _MARGIN_S, end - LONGEST_S)
        whole = self._compare(begin, end)
        if end - begin >= _DIVIDED_S:
            middle = (begin + end) / 2
            halves = (self._compare(begin, middle), self._compare(middle, end))
            if any(half.person not in (0, whole.person) and half.confidence >= _OTHER for half in halves):
                return Attribution("unknown", confidence=whole.confidence)
        return whole

    def _compare(self, begin: float, end: float) -> Attribution:
        """Decides who spoke between two times in seconds."""
        mouths = self._memory.mouths(begin, end)
        if not mouths:
            return _UNAVAILABLE
        sound = sound_between(self._memory.sound.array(), begin, end)
        if sound is None:
            return _UNKNOWN
        features, seconds = features_of(sound, mouths, self._model.scale)
        if not features or seconds < _LEAST_S:
            return _UNKNOWN
        persons = list(features)
        direction = self._direction(begin, end)
        evidence = None
        if direction is not None:
            azimuths = [azimuth_of(float(np.median(mouths[person][:, 6])), self._field_of_view) for person in persons]
            evidence = np.array([log_ratio(azimuth, direction) for azimuth in azimuths])
        probabilities = self._model.probabilities(np.array(list(features.values())), seconds, evidence)
        best = int(probabilities.argmax())
        confidence = float(probabilities[best])
        if best == 0:
            sure = confidence >= self._model.parameters.least_off_screen
            return Attribution("off_screen" if sure else "unknown", confidence=confidence)
        if confidence < self._model.parameters.least_person:
            return Attribution("unknown", confidence=confidence)
        return Attribution("person", persons[best - 1], confidence)

    def _direction(self, begin: float, end: float) -> float | None:
        rows = self._memory.azimuth.array()
        return mean_direction(rows[(rows[:, 0] >= begin) & (rows[:, 0] <= end), 1]) if len(rows) else None


def _open(observation: Observation) -> bool:
    """Whether it has to be decided whose voice this is."""
    return observation.sense != "face" and observation.person == 0 and observation.attribution is None
