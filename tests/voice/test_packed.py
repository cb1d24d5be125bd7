"""The packed input of the small voice model: spectrogram and functionals in one array."""

from __future__ import annotations

import numpy as np
import pytest
from support.voices import RATE, speechlike

from edge.voice import packed
from edge.voice.bandwidth import filled
from edge.voice.front_end import FunctionalsInput, LogMelInput, open_front_end
from edge.voice.logmel import BANDS, FRAMES
from edge.voice.pitch import pitch_track
from edge.voice.standardizer import LIMIT, SIZE, Standardizer


def standard() -> Standardizer:
    rng = np.random.default_rng(3)
    return Standardizer(rng.normal(size=SIZE).astype(np.float32), rng.uniform(0.5, 2, SIZE).astype(np.float32))


def test_the_spectrogram_is_spread_over_the_range_of_the_functionals() -> None:
    mel = np.linspace(0, 1, FRAMES * BANDS, dtype=np.float32).reshape(FRAMES, BANDS)
    values = np.arange(SIZE, dtype=np.float32)
    found = packed.packed(mel, values)
    assert found.shape == (packed.SIZE,)
    assert (found[0], found[FRAMES * BANDS - 1]) == (-LIMIT, LIMIT)
    assert (np.diff(found[: FRAMES * BANDS]) > 0).all()
    assert (found[FRAMES * BANDS :] == values).all()
    assert (packed.packed(np.stack([mel, mel]), np.stack([values, values])) == found).all()


def test_the_front_end_packs_what_the_two_others_give() -> None:
    sound = speechlike(1.5, 2)
    track = pitch_track(sound)
    front_end = open_front_end(packed.front_end(standard()), "m")
    found = front_end.read(sound, 0, track)
    assert found.shape == (1, packed.SIZE)
    assert found.dtype == np.float32
    mel = filled(LogMelInput().read(sound, 0, track)[0, :, :, 0], standard().band_levels)
    values = FunctionalsInput(standard()).read(sound, 0, track)[0]
    np.testing.assert_allclose(found[0], packed.packed(mel.T, values), atol=1e-6)


def test_narrowband_sound_is_extended_in_both_parts() -> None:
    wide = speechlike(1.5, 2)
    spectrum = np.fft.rfft(wide)
    spectrum[round(len(wide) * 3500 / RATE) :] = 0
    narrow = np.fft.irfft(spectrum, len(wide)).astype(np.float32)
    front_end = open_front_end(packed.front_end(standard()), "m")
    mel = front_end.read(narrow, 0, pitch_track(narrow))[0, : FRAMES * BANDS].reshape(FRAMES, BANDS)
    plain = LogMelInput().read(narrow, 0, pitch_track(narrow))[0, :, :, 0].T
    assert not np.allclose((mel + LIMIT) / (2 * LIMIT), plain, atol=1e-3)


@pytest.mark.parametrize("repeats", [1, 2])
def test_the_front_end_forgets(repeats: int) -> None:
    front_end = open_front_end(packed.front_end(standard()), "m")
    one, other = speechlike(1.0, 1), speechlike(1.0, 5)
    expected = open_front_end(packed.front_end(standard()), "m").read(other, 0, pitch_track(other))
    for _ in range(repeats):
        front_end.read(one, 0, pitch_track(one))
        front_end.forget()
    np.testing.assert_array_equal(front_end.read(other, 0, pitch_track(other)), expected)
