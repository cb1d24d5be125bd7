"""Functionals of the pitch for glides, steps and pauses with known pitch."""

from __future__ import annotations

import numpy as np
import pytest
from support.voices import speechlike

from edge.voice.intonation import SIZE, intonation
from edge.voice.pitch import Track, pitch_track

MEAN, LOW, MEDIAN, HIGH = 0, 1, 3, 5
HIGHEST, LOWEST, DEVIATION, RANGE = 6, 7, 8, 9
STEP, STEP_DEVIATION, RISE, FALL, UPWARD, UNREST = range(13, 19)
VOICED, STRETCHES, LENGTH, LONGEST = range(19, 23)
BEGINNING, MIDDLE, END, SLOPE = range(23, 27)
WITH_LEVEL, PEAK_AT, FIRST, LAST = range(33, 37)


def flat(hertz: float, frames: int = 50) -> Track:
    return Track(np.full(frames, hertz), np.ones(frames))


def test_a_steady_pitch_has_a_level_and_nothing_else() -> None:
    found = intonation(flat(200.0))
    assert found.shape == (SIZE,)
    assert found.dtype == np.float32
    assert found[[MEAN, LOW, MEDIAN, HIGH, HIGHEST, LOWEST]] == pytest.approx(np.full(6, 12.0))
    assert found[VOICED] == 1
    moving = [DEVIATION, RANGE, STEP, STEP_DEVIATION, RISE, FALL, UNREST, SLOPE, BEGINNING, MIDDLE, END, FIRST, LAST]
    assert found[moving] == pytest.approx(np.zeros(len(moving)), abs=1e-5)


def test_a_rising_glide_rises() -> None:
    semitones = np.linspace(0, 6, 61)
    found = intonation(Track(100 * 2 ** (semitones / 12), np.ones(61)))
    assert found[MEAN] == pytest.approx(3, abs=1e-4)
    assert found[[LOWEST, HIGHEST]] == pytest.approx([0, 6], abs=1e-4)
    assert found[RANGE] == pytest.approx(5.4, abs=0.11)
    assert found[[STEP, RISE]] == pytest.approx([0.1, 0.1], abs=1e-4)
    assert found[FALL] == 0
    assert found[UPWARD] == 1
    # Semitones from beginning to end of the utterance.
    assert found[SLOPE] == pytest.approx(6.1, abs=0.05)
    assert found[BEGINNING] < -1.5 < 1.5 < found[END]
    assert found[PEAK_AT] == pytest.approx(60 / 61)
    assert found[FIRST] == -found[LAST]
    fall = intonation(Track(100 * 2 ** (semitones[::-1] / 12), np.ones(61)))
    assert fall[SLOPE] == pytest.approx(-found[SLOPE], abs=1e-4)


def test_pauses_part_stretches_of_voice() -> None:
    hertz = np.full(40, 150.0)
    hertz[10:20] = np.nan
    found = intonation(Track(hertz, np.ones(40)))
    assert found[[VOICED, STRETCHES, LENGTH, LONGEST]] == pytest.approx([0.75, 0.5, 1.5, 2.0])


def test_pitch_that_follows_the_level_is_detected() -> None:
    semitones = 4 * np.sin(np.linspace(0, 9, 80))
    track = Track(200 * 2 ** (semitones / 12), 10 ** (semitones / 10))
    assert intonation(track)[WITH_LEVEL] == pytest.approx(1, abs=1e-6)
    assert intonation(Track(track.hertz, 1 / track.power))[WITH_LEVEL] == pytest.approx(-1, abs=1e-6)


def test_silence_around_and_level_change_little() -> None:
    voice = speechlike(1.5)
    plain, other = intonation(pitch_track(voice)), intonation(pitch_track(speechlike(1.5, hertz=230.0)))
    padded = np.concatenate([np.zeros(6400, np.float32), voice, np.zeros(6400, np.float32)])
    # In units of how much two voices differ.
    unit = np.abs(plain - other).mean()
    assert np.abs(intonation(pitch_track(padded)) - plain).mean() < 0.2 * unit
    assert intonation(pitch_track(0.1 * voice)) == pytest.approx(plain, abs=1e-3)


@pytest.mark.parametrize(
    "track",
    [
        Track(np.empty(0), np.empty(0)),
        Track(np.full(50, np.nan), np.zeros(50)),
        Track(np.full(50, np.nan), np.ones(50)),
        flat(100.0, frames=7),
    ],
    ids=["nothing", "silence", "hiss", "too short"],
)
def test_unvoiced_sound_has_no_pitch(track: Track) -> None:
    assert np.isnan(intonation(track)).all()


def test_an_error_of_an_octave_is_left_out() -> None:
    hertz = np.full(50, 120.0)
    hertz[::10] = 240.0
    assert intonation(Track(hertz, np.ones(50)))[HIGHEST] == pytest.approx(12 * np.log2(1.2), abs=1e-5)
