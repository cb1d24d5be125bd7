"""Pitch and pace: against tones whose pitch is known, and against recorded speakers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.voices import RATE, Sound, buzz

from edge.voice.pitch import HIGHEST_HZ, LOWEST_HZ, PitchStream, Track, pitch_track
from edge.voice.prosody import prosody, syllable_rate


@pytest.mark.parametrize("hertz", [65.0, 82.4, 110.0, 155.6, 220.0, 311.1, 440.0, 490.0])
def test_a_steady_voice_has_its_pitch(hertz: float) -> None:
    found = prosody(buzz(hertz))
    assert found.pitch_hz == pytest.approx(hertz, rel=0.005)
    assert found.pitch_range_semitones == pytest.approx(0, abs=0.1)


def test_a_missing_fundamental_is_heard_all_the_same() -> None:
    """As over a telephone, or from a loudspeaker of a toy."""
    t = np.arange(RATE) / RATE
    sound = sum(np.cos(2 * np.pi * 120 * k * t) for k in range(3, 12))
    assert prosody(np.asarray(0.05 * sound, np.float32)).pitch_hz == pytest.approx(120, rel=0.01)


def test_the_range_is_that_of_a_glide() -> None:
    octave = 150 * 2 ** np.linspace(0, 1, 2 * RATE)
    found = prosody(buzz(octave, 2.0))
    assert found.pitch_hz == pytest.approx(150 * 2**0.5, rel=0.03)
    # Nine tenths of twelve semitones.
    assert found.pitch_range_semitones == pytest.approx(10.8, abs=0.4)


def test_some_noise_does_no_harm() -> None:
    assert prosody(buzz(180.0, noise=0.01)).pitch_hz == pytest.approx(180, rel=0.01)


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(RATE),
        np.random.default_rng(2).normal(0, 0.1, RATE),
        np.zeros(0),
        np.full(1, 0.5),
        np.full(RATE, 0.3),
    ],
    ids=["silence", "hiss", "nothing", "one sample", "offset"],
)
def test_unvoiced_sound_has_no_pitch(sound: Sound) -> None:
    found = prosody(sound.astype(np.float32))
    assert found.pitch_hz is None
    assert found.pitch_range_semitones is None


def test_frames_are_voiced_where_the_voice_is() -> None:
    sound = np.concatenate([buzz(200.0, 0.5), np.zeros(RATE // 2, np.float32), buzz(200.0, 0.5)])
    track = pitch_track(sound)
    voiced = np.isfinite(track.hertz)
    assert voiced[:22].all()
    assert not voiced[26:48].any()
    assert ((track.hertz[voiced] >= LOWEST_HZ) & (track.hertz[voiced] <= HIGHEST_HZ)).all()
    assert track.power[:22].min() > 1e-4
    assert track.power[26:48].max() < 1e-12


def assert_same(found: Track, expected: Track) -> None:
    np.testing.assert_allclose(found.hertz, expected.hertz, rtol=1e-9)
    np.testing.assert_allclose(found.power, expected.power, rtol=1e-9)


def test_a_growing_and_sliding_stream_equals_the_batch_and_looks_at_each_frame_once() -> None:
    sound = np.concatenate(
        [buzz(200.0, 1.0), buzz(130.0, 2.0, noise=0.01), np.zeros(RATE, np.float32), buzz(90.0, 1.0)]
    )
    stream = PitchStream()
    for end in range(8000, len(sound), 8000):
        begin = max(0, end - 3 * RATE) // 1280 * 1280
        part = sound[begin:end]
        assert_same(stream.read(part, begin), pitch_track(part))
    assert stream.looked_at == len(pitch_track(sound[:end]).hertz)


@pytest.mark.parametrize(("begin", "position"), [(0, 16_000), (1280, 1281), (160, 160), (16_000, 0)])
def test_a_stream_equals_the_batch_whatever_comes_next(begin: int, position: int) -> None:
    sound = buzz(150 * 2 ** np.linspace(0, 1, 3 * RATE), 3.0)
    stream = PitchStream()
    stream.read(sound[: 2 * RATE], 0)
    found = stream.read(sound[begin:], position)
    assert_same(found, pitch_track(sound[begin:]))
    assert len(stream.read(sound[:100], 0).hertz) == 0


@pytest.mark.parametrize("syllables", [2, 3, 5, 7])
def test_syllables_are_counted(syllables: int) -> None:
    seconds = 2.0
    t = np.arange(round(seconds * RATE)) / RATE
    swell = 0.05 + np.sin(np.pi * syllables * t / seconds) ** 2
    rate = syllable_rate(np.asarray(buzz(150.0, seconds) * swell, np.float32))
    assert rate == pytest.approx(syllables / seconds)


def test_a_short_moment_or_silence_has_no_pace() -> None:
    assert syllable_rate(buzz(150.0, 0.2)) is None
    assert syllable_rate(np.zeros(RATE, np.float32)) is None


@pytest.mark.corpora
def test_men_and_women_and_the_pace_of_a_known_sentence(corpora: Path) -> None:
    """RAVDESS: odd actors are men; both sentences have seven syllables ("Kids are talking by the door")."""
    import soundfile

    pitch: dict[bool, list[float]] = {True: [], False: []}
    syllables = []
    for actor in range(1, 25):
        for emotion in ("01", "04"):
            path = corpora / "voice" / "ravdess" / f"Actor_{actor:02}" / f"03-01-{emotion}-01-01-01-{actor:02}.flac"
            sound, _ = soundfile.read(path, dtype="float32")
            found = prosody(sound)
            assert found.pitch_hz is not None
            assert found.rate_hz is not None
            pitch[actor % 2 == 1].append(found.pitch_hz)
            syllables.append(found.rate_hz * len(sound) / RATE)
    assert 90 < np.median(pitch[True]) < 150
    assert 170 < np.median(pitch[False]) < 260
    assert np.median(syllables) == pytest.approx(7, abs=1)


def bursts(count: int, *, cut_last: bool) -> Sound:
    """A number of loud syllables of 0.15 s with pauses of 0.1 s; the last may be cut off at its loudest."""
    syllable = buzz(150.0, 0.15) * np.hanning(round(0.15 * RATE)).astype(np.float32)
    pause = np.full(round(0.1 * RATE), 1e-4, np.float32)
    last = syllable[: len(syllable) // 2] if cut_last else np.concatenate([syllable, pause])
    return np.concatenate([pause, *[syllable, pause] * (count - 1), last])


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("cut_last", [False, True], ids=["whole", "unfinished"])
def test_every_syllable_counts_the_unfinished_last_one_too(count: int, cut_last: bool) -> None:
    sound = bursts(count, cut_last=cut_last)
    sound = np.concatenate([np.full(RATE // 2, 1e-4, np.float32), sound])
    rate = syllable_rate(sound)
    assert rate is not None
    assert rate * (len(sound) // 160) * 0.01 == pytest.approx(count)
