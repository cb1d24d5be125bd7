"""Segments speech into utterances: pure logic over steps of 10 ms."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.hearing.cleaning import STEP
from edge.hearing.noise import NoiseFloor, snr_db
from edge.hearing.vad import SILENT_DBFS, level_dbfs
from edge.hearing.word import ABOVE_FLOOR_DB as WORD_DB
from edge.hearing.word import PAUSE_STEPS, is_word

STEP_S: Final = 0.01
"""Length of a step in seconds."""
LONGEST_S: Final = 3.0
"""Maximum length of a segment in seconds; of a longer utterance, the end is kept."""
SHORTEST_S: Final = 0.4
"""Minimum seconds of speech in an utterance; a shorter one must be a single word (`edge.hearing.word`)."""

_MAX_STEPS: Final = round(LONGEST_S / STEP_S)
"""Maximum length of a segment in steps."""
_ONSET_STEPS: Final = 10
"""Number of consecutive steps with speech that begin an utterance."""
_INTERIM_STEPS: Final = 50
"""Minimum number of steps between two interim segments of an utterance."""
_LAG_STEPS: Final = 80
"""Number of steps before the detection that are searched for the onset, and that do not enter the noise floor yet: the
detector's lag and a margin."""
_LOOK_BACK_STEPS: Final = 125
"""Number of steps that are kept, and searched for a single word with the pauses around it."""
_LEAD_IN_STEPS: Final = 20
"""Number of steps that are kept before the first loud one, because they may contain soft consonants."""
_LEAD_OUT_STEPS: Final = 10
"""Number of steps of the final pause that are part of the utterance."""
_PAUSE_STEPS: Final = 20
"""A pause of more than this many steps ends the search for the onset."""
_EXAMINED_STEPS: Final = 5
"""Number of steps between two examinations of a sound that may be a single word."""
_CLIPPING_LEVEL: Final = 0.97
"""A sample whose magnitude is at least this counts as clipped.

It is below 1, because resampling and removal of an offset reduce the magnitude of clipped samples.
"""
_ABOVE_FLOOR_DB: Final = 4.0
"""A step that is more than this many dB above the noise floor counts as loud."""
ALIGN_STEPS: Final = 8
"""A long utterance is shortened by multiples of this many steps (80 ms).

A spectrogram whose hop divides 80 ms can then reuse its frames.
"""


@dataclass(frozen=True, slots=True, eq=False)
class SpeechSegment:
    """An utterance, or the part so far of an utterance in progress."""

    samples: NDArray[np.float32]
    """(n,) at 16 kHz, at most `LONGEST_S`."""
    position: int
    """Index of the first sample, counted over all sound that the segmenter received.

    Within an utterance it grows by multiples of `ALIGN_STEPS` steps.
    """
    ends_at: float
    """Time of the last sample in seconds."""
    final: bool
    """Whether the utterance has ended."""
    spoken_s: float
    """Seconds of voiced steps in the whole utterance."""
    level_dbfs: float
    """Level of the voiced steps in `samples`, in dB of full scale."""
    floor_dbfs: float
    """Level of the background noise during the utterance, in dB of full scale."""
    speech: float
    """Mean probability of speech in the voiced steps, 0…1."""
    clipped: float
    """Share of clipped samples in the voiced steps, 0…1."""
    snr_db: float
    """Signal-to-noise ratio in dB, −10…60: power of the voice without the noise over power of the noise."""


@dataclass(frozen=True, slots=True, eq=False)
class _Step:
    """One step of 10 ms."""

    samples: NDArray[np.float32]
    """(160,) at 16 kHz."""
    level: float
    """Level in dB of full scale."""
    probability: float
    """Probability of speech, 0…1."""
    voiced: bool
    """Whether the step counts as speech and is louder than the noise."""


class Segmenter:
    """Segments a stream into utterances; keeps about `LONGEST_S` of sound, however long an utterance is."""

    def __init__(self, threshold: float = 0.5, hangover_s: float = 0.5) -> None:
        """`threshold`: probability of speech, 0…1; `hangover_s`: seconds of pause that end an utterance."""
        self._threshold = threshold
        self._hangover = max(1, round(hangover_s / STEP_S))
        self._floor = NoiseFloor()
        self._steps_received = 0  # number of steps so far
        self._steps_before = 0  # number of steps before the utterance
        self.reset()

    def reset(self) -> None:
        """Discards an utterance in progress; the estimate of the noise floor is kept."""
        self._steps: deque[_Step] = deque(maxlen=_MAX_STEPS + self._hangover)
        self.speaking = False
        """Whether an utterance is in progress."""
        self._followed = 0  # number of steps before the utterance, of those kept, that the noise floor has followed
        self._word = False  # whether the utterance began as a single word
        self._speech_run = 0  # number of consecutive steps above the threshold
        self._pause = 0  # number of steps since the last voiced one
        self._spoken = 0  # number of voiced steps in the utterance
        self._since_interim = 0  # number of steps since the last interim segment
        self._ends_at = 0.0  # time of the newest step in seconds

    @property
    def floor_dbfs(self) -> float:
        """Level of the background noise, in dB of full scale."""
        return self._floor.dbfs

    def push(self, samples: NDArray[np.float32], probability: float, ends_at: float) -> SpeechSegment | None:
        """Processes one step of 10 ms.

        Args:
            samples: (160,) float32 at 16 kHz, −1…1.
            probability: Probability of speech, 0…1.
            ends_at: Time of the end of the step in seconds.

        Returns:
            An interim or final segment if this step completes one.
        """
        level = level_dbfs(samples)
        above = probability >= self._threshold
        # The detector's probability falls late, so a step that is not louder than the floor already counts as a pause.
        voiced = above and level > self._floor.dbfs + _ABOVE_FLOOR_DB
        step = _Step(samples, level, probability, voiced)
        self._steps.append(step)
        self._steps_received += 1
        self._ends_at = ends_at
        self._speech_run = self._speech_run + 1 if above else 0
        if not self.speaking:
            self._word = self._word_ended()
            if self._word or (self._speech_run >= _ONSET_STEPS and step.voiced):
                self._begin()
            else:
                self._age()
            return None
        self._since_interim += 1
        if step.voiced:
            self._spoken += 1
            self._pause = 0
        else:
            self._pause += 1
        if self._pause >= self._hangover:
            return self.flush()
        # A segment that ends in a pause would contain no new speech.
        if step.voiced and self._since_interim >= _INTERIM_STEPS and self._spoken * STEP_S >= SHORTEST_S:
            self._since_interim = 0
            return self._segment(final=False)
        return None

    def flush(self) -> SpeechSegment | None:
        """Ends an utterance in progress, as at the end of a file, and returns its final segment."""
        found = None
        if self.speaking:
            # The steps of the final pause, except those that are part of the utterance.
            after = list(self._steps)[len(self._steps) - max(0, self._pause - _LEAD_OUT_STEPS) :]
            if self._spoken * STEP_S >= SHORTEST_S or self._word or self._is_word():
                found = self._segment(final=True, after=after)
            for step in after:
                self._follow_floor(step)
        self.reset()
        return found

    def _age(self) -> None:
        """Lets the noise floor follow the steps that are old enough, and forgets those beyond the look-back."""
        while len(self._steps) - self._followed > _LAG_STEPS:
            self._follow_floor(self._steps[self._followed])
            self._followed += 1
        while len(self._steps) > _LOOK_BACK_STEPS:
            self._steps.popleft()
            self._followed -= 1

    def _word_ended(self) -> bool:
        """Whether a single word has ended that has not moved the detector enough, or not for long enough."""
        if self._steps_received % _EXAMINED_STEPS or not self._floor.known:
            return False
        recent = list(self._steps)[-PAUSE_STEPS:]
        return not any(step.level > self._floor.dbfs + WORD_DB for step in recent) and self._is_word()

    def _is_word(self) -> bool:
        steps = list(self._steps)
        return is_word(
            [step.samples for step in steps],
            [step.level for step in steps],
            [step.probability for step in steps],
            self._floor.dbfs,
        )

    def _begin(self) -> None:
        steps = list(self._steps)
        loud = [step.level > self._floor.dbfs + _ABOVE_FLOOR_DB for step in steps]
        # A single word may have ended before this step.
        self._pause = loud[::-1].index(True)
        first, pause = len(steps) - 1 - self._pause, 0
        reach = 0 if self._word else max(0, len(steps) - _LAG_STEPS)
        for at in range(first, reach - 1, -1):
            if loud[at]:
                first, pause = at, 0
            else:
                pause += 1
                if pause > _PAUSE_STEPS:
                    break
        self.speaking = True
        self._since_interim = 0
        self._spoken = sum(loud[first:])
        # The detector's probability rises late, so loud steps before the detection get its peak and count as voiced.
        peak = max(step.probability for step in steps)
        begun = [
            replace(step, probability=max(step.probability, peak) if voiced else step.probability, voiced=voiced)
            for step, voiced in zip(steps[first:], loud[first:], strict=True)
        ]
        for step in steps[self._followed : max(self._followed, first - _LEAD_IN_STEPS)]:
            self._follow_floor(step)
        lead_in = steps[max(0, first - _LEAD_IN_STEPS) : first]
        self._steps.clear()
        self._steps.extend(lead_in + begun)
        self._steps_before = self._steps_received - len(self._steps)

    def _segment(self, final: bool, after: Sequence[_Step] = ()) -> SpeechSegment:
        """The segment of the steps that are kept; `after`: the steps at their end that follow the utterance."""
        steps = list(self._steps)[: len(self._steps) - len(after)]
        cut = max(0, len(steps) - _MAX_STEPS)
        first = self._steps_received - len(self._steps)
        cut += (self._steps_before - first - cut) % ALIGN_STEPS
        steps = steps[cut:]
        voiced = [step for step in steps if step.voiced] or steps
        power = sum(10 ** (step.level / 10) for step in voiced) / len(voiced)
        levels = [step.level for step in steps]
        floor = self._floor.under(levels, [step.level for step in after])
        first_voiced = steps.index(voiced[0])
        last_voiced = len(steps) - 1 - steps[::-1].index(voiced[-1])
        return SpeechSegment(
            samples=np.concatenate([step.samples for step in steps]),
            position=(first + cut) * STEP,
            ends_at=self._ends_at - len(after) * STEP_S,
            final=final,
            spoken_s=self._spoken * STEP_S,
            level_dbfs=max(SILENT_DBFS, 10 * math.log10(power)),
            floor_dbfs=floor,
            speech=min(1.0, sum(step.probability for step in voiced) / len(voiced)),
            clipped=float(np.mean(np.abs(np.concatenate([step.samples for step in voiced])) >= _CLIPPING_LEVEL)),
            snr_db=snr_db(levels[first_voiced : last_voiced + 1], len(voiced), floor),
        )

    def _follow_floor(self, step: _Step) -> None:
        # The detector has rated these steps despite its lag; those that may be speech do not enter the floor.
        if step.probability < 0.5 * self._threshold:
            self._floor.follow(step.level)


def steps(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Splits (m,) samples at 16 kHz into whole steps, (n, 160)."""
    whole = len(samples) // STEP
    return samples[: whole * STEP].reshape(whole, STEP)
