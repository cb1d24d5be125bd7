"""Where an utterance begins and ends: pure logic over steps of 10 ms."""

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

STEP_S: Final = 0.01
LONGEST_S: Final = 3.0
"""Only the last seconds of an utterance are kept."""
SHORTEST_S: Final = 0.4
"""Less speech than this counts as a cough, not as an utterance."""

_LONGEST_STEPS: Final = round(LONGEST_S / STEP_S)
_ONSET_STEPS: Final = 10
"""Steps in a row with speech that begin an utterance."""
_INTERIM_STEPS: Final = 50
"""Steps between two interim segments of an utterance."""
_LOOK_BACK_STEPS: Final = 80
"""Steps before the detector's verdict that are searched for the beginning: the detector's lag and a reserve."""
_LEAD_IN_STEPS: Final = 20
"""Steps that are kept before the first loud one, because they may hold soft consonants."""
_LEAD_OUT_STEPS: Final = 10
"""Steps of the final pause that belong to the utterance."""
_PAUSE_STEPS: Final = 20
"""A pause of more steps than this ends the search for the beginning."""
_FULL_SCALE: Final = 0.97
"""A sample of this size counts as clipped; resampling and removal of an offset move clipped samples below 1."""
_ABOVE_FLOOR_DB: Final = 4.0
"""A step this far above the noise floor counts as loud."""
ALIGN_STEPS: Final = 8
"""A long utterance loses its oldest sound in pieces of 80 ms: a spectrogram whose hop divides 80 ms can be reused."""


@dataclass(frozen=True, slots=True, eq=False)
class SpeechSegment:
    """An utterance, or its beginning while it still goes on."""

    samples: NDArray[np.float32]
    """(n,) at 16 kHz, at most `LONGEST_S`."""
    position: int
    """Index of the first sample, counted over everything the segmenter heard.

    Within an utterance it moves by multiples of `ALIGN_STEPS`."""
    ends_at: float
    """Seconds, of the last sample."""
    final: bool
    """The utterance is over."""
    spoken_s: float
    """Seconds of the whole utterance in which a voice was heard."""
    level_dbfs: float
    """Of the steps with a voice among `samples`."""
    floor_dbfs: float
    """Of the noise under the voice."""
    speech: float
    """0…1: mean probability of speech in the steps with a voice."""
    clipped: float
    """0…1: share of the samples with a voice that reach full scale."""
    snr_db: float
    """Signal-to-noise ratio: the voice without the noise in it, against the noise; −10…60."""


@dataclass(frozen=True, slots=True, eq=False)
class _Step:
    samples: NDArray[np.float32]
    level: float
    probability: float
    voiced: bool


class Segmenter:
    """Cuts a stream into utterances; holds `LONGEST_S` of sound however long somebody talks."""

    def __init__(self, threshold: float = 0.5, hangover_s: float = 0.5) -> None:
        """`threshold`: probability of speech, 0…1; `hangover_s`: pause that ends an utterance."""
        self._threshold = threshold
        self._hangover = max(1, round(hangover_s / STEP_S))
        self._floor = NoiseFloor()
        self._heard = 0  # steps so far
        self._begun = 0  # of these, before the utterance
        self.reset()

    def reset(self) -> None:
        """Drops an utterance that was going on; the floor stays known."""
        self._steps: deque[_Step] = deque(maxlen=_LONGEST_STEPS + self._hangover)
        self.speaking = False
        self._run = 0  # steps above the threshold in a row
        self._pause = 0  # steps since the last voiced one
        self._spoken = 0
        self._since_interim = 0
        self._ends_at = 0.0

    @property
    def floor_dbfs(self) -> float:
        """Level of what is heard while nobody speaks."""
        return self._floor.dbfs

    def push(self, samples: NDArray[np.float32], probability: float, ends_at: float) -> SpeechSegment | None:
        """One step of 10 ms, (160,) at 16 kHz. Returns a segment when there is one to read."""
        level = level_dbfs(samples)
        above = probability >= self._threshold
        # The detector falls late: what is no louder than the floor is a pause already.
        voiced = above and level > self._floor.dbfs + _ABOVE_FLOOR_DB
        step = _Step(samples, level, probability, voiced)
        self._steps.append(step)
        self._heard += 1
        self._ends_at = ends_at
        self._run = self._run + 1 if above else 0
        if not self.speaking:
            if self._run >= _ONSET_STEPS and step.voiced:
                self._begin()
            else:
                while len(self._steps) > _LOOK_BACK_STEPS:
                    self._follow_floor(self._steps.popleft())
            return None
        self._since_interim += 1
        if step.voiced:
            self._spoken += 1
            self._pause = 0
        else:
            self._pause += 1
        if self._pause >= self._hangover:
            return self.flush()
        # Not in a pause: nothing new has been said.
        if step.voiced and self._since_interim >= _INTERIM_STEPS and self._spoken * STEP_S >= SHORTEST_S:
            self._since_interim = 0
            return self._segment(final=False)
        return None

    def flush(self) -> SpeechSegment | None:
        """Ends an utterance that is going on, as at the end of a file."""
        found = None
        if self.speaking:
            # The pause that ended it, less a moment that belongs to it.
            after = list(self._steps)[len(self._steps) - max(0, self._pause - _LEAD_OUT_STEPS) :]
            if self._spoken * STEP_S >= SHORTEST_S:
                found = self._segment(final=True, after=after)
            for step in after:
                self._follow_floor(step)
        self.reset()
        return found

    def _begin(self) -> None:
        steps = list(self._steps)
        first, pause = len(steps) - 1, 0
        for at in range(len(steps) - 1, -1, -1):
            if steps[at].level > self._floor.dbfs + _ABOVE_FLOOR_DB:
                first, pause = at, 0
            else:
                pause += 1
                if pause > _PAUSE_STEPS:
                    break
        self.speaking = True
        self._pause = 0
        self._since_interim = 0
        loud = [step.level > self._floor.dbfs + _ABOVE_FLOOR_DB for step in steps[first:]]
        self._spoken = sum(loud)
        # The detector had not yet seen these, but it speaks of them: they count as voiced.
        peak = max(step.probability for step in steps)
        begun = [
            replace(step, probability=max(step.probability, peak) if voiced else step.probability, voiced=voiced)
            for step, voiced in zip(steps[first:], loud, strict=True)
        ]
        for step in steps[: max(0, first - _LEAD_IN_STEPS)]:
            self._follow_floor(step)
        lead_in = steps[max(0, first - _LEAD_IN_STEPS) : first]
        self._steps.clear()
        self._steps.extend(lead_in + begun)
        self._begun = self._heard - len(self._steps)

    def _segment(self, final: bool, after: Sequence[_Step] = ()) -> SpeechSegment:
        """What is held of the utterance; `after`: the last of the steps, which are no part of it any more."""
        steps = list(self._steps)[: len(self._steps) - len(after)]
        cut = max(0, len(steps) - _LONGEST_STEPS)
        first = self._heard - len(self._steps)
        cut += (self._begun - first - cut) % ALIGN_STEPS
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
            clipped=float(np.mean(np.abs(np.concatenate([step.samples for step in voiced])) >= _FULL_SCALE)),
            snr_db=snr_db(levels[first_voiced : last_voiced + 1], len(voiced), floor),
        )

    def _follow_floor(self, step: _Step) -> None:
        # Only what lies so far back that the detector, late as it is, has had its say about it.
        if step.probability < 0.5 * self._threshold:
            self._floor.follow(step.level)


def steps(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, 160): the whole steps of (m,) samples at 16 kHz."""
    whole = len(samples) // STEP
    return samples[: whole * STEP].reshape(whole, STEP)
