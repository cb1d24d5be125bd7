"""Pitch from a log-mel: against YIN in the sound that it is of."""

from __future__ import annotations

import numpy as np
import pytest
from support.voices import RATE, buzz, speechlike

from edge.voice.intonation import intonation
from edge.voice.logmel import FRAMES, logmel
from edge.voice.pitch import pitch_track
from models.voice.nets import melpitch


def test_frames_of_both_stand_at_the_same_moments() -> None:
    sound = np.concatenate([np.zeros(RATE // 2, np.float32), buzz(200.0, 1.0), np.zeros(RATE // 2, np.float32)])
    found = melpitch.bins(pitch_track(sound))
    voiced = np.flatnonzero(found) * 256 / RATE
    assert voiced[0] == pytest.approx(0.5, abs=0.04)
    assert voiced[-1] == pytest.approx(1.5, abs=0.04)
    assert set(found[found > 0]) == {1 + round(24 * np.log2(200 / 60))}


def test_classes_of_a_track_are_decoded_to_the_same_track() -> None:
    sound = buzz(120 * 2 ** np.linspace(0, 1, 2 * RATE), 2.0)
    track, mel = pitch_track(sound), logmel(sound)
    sure = np.full((FRAMES, melpitch.BINS + 1), -30.0, np.float32)
    sure[np.arange(FRAMES), melpitch.bins(track)] = 30.0
    found = melpitch.track(mel, sure)
    assert len(found.hertz) == pytest.approx(len(track.hertz), abs=2)
    both = min(len(found.hertz), len(track.hertz))
    apart = 12 * np.log2(found.hertz[:both] / track.hertz[:both])
    assert np.nanmax(np.abs(apart)) < 0.6
    assert np.isfinite(apart).mean() > 0.95


def test_silence_has_no_pitch() -> None:
    heard = melpitch.MelPitch().track(np.zeros((64, FRAMES), np.float32))
    assert np.isnan(intonation(heard)).all()


@pytest.mark.parametrize("hertz", [110.0, 180.0, 260.0])
def test_the_trained_net_estimates_the_pitch_of_an_unseen_voice(hertz: float) -> None:
    sound = speechlike(2.0, hertz=hertz)
    found, track = melpitch.MelPitch().track(logmel(sound)), pitch_track(sound)
    assert np.nanmedian(found.hertz) == pytest.approx(np.nanmedian(track.hertz), rel=0.06)
