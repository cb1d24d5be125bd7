"""The noise under a voice: its level, and how far the voice stands out of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.hearing.cleaning import STEP, Cleaner
from edge.hearing.noise import HIGHEST_DBFS, LEAST_SNR_DB, LOWEST_DBFS, MOST_SNR_DB, NoiseFloor, snr_db
from edge.hearing.utterance import Segmenter, SpeechSegment
from edge.hearing.vad import SpeechDetector, level_dbfs
from edge.voice.sense import quality
from models.voice.training.levels import active_power

Sound = NDArray[np.float32]


def hiss(dbfs: float, seconds: float) -> list[float]:
    """Levels of the steps of white noise."""
    sound = np.random.default_rng(4).normal(0, 10 ** (dbfs / 20), (round(seconds * 100), STEP)).astype(np.float32)
    return [level_dbfs(step) for step in sound]


@pytest.mark.parametrize("dbfs", [-65.0, -50.0, -30.0])
def test_the_floor_is_known_within_half_a_second(dbfs: float) -> None:
    floor = NoiseFloor()
    for level in hiss(dbfs, 0.5):
        floor.follow(level)
    assert floor.dbfs == pytest.approx(dbfs, abs=0.5)


def test_the_floor_follows_a_fan_switched_on_and_off() -> None:
    floor = NoiseFloor()
    for dbfs in (-55.0, -35.0, -55.0):
        for level in hiss(dbfs, 3.0):
            floor.follow(level)
        assert floor.dbfs == pytest.approx(dbfs, abs=1)


def test_a_click_does_not_lift_it() -> None:
    floor = NoiseFloor()
    for level in [*hiss(-50, 2), 0.0, *hiss(-50, 0.2)]:
        floor.follow(level)
    assert floor.dbfs == pytest.approx(-50, abs=1)


def test_it_stays_in_its_range() -> None:
    loud, silent = NoiseFloor(), NoiseFloor()
    for _ in range(100):
        loud.follow(0.0)
        silent.follow(-100.0)
    assert (loud.dbfs, silent.dbfs) == (HIGHEST_DBFS, LOWEST_DBFS)


def test_without_earlier_noise_the_pauses_give_the_noise_floor() -> None:
    levels = [-50.0] * 30 + [-25.0] * 100
    assert NoiseFloor().under(levels) == -50
    known = NoiseFloor()
    for level in hiss(-60, 2):
        known.follow(level)
    assert known.under(levels) == pytest.approx(-60, abs=0.5)
    # Noise that ended before the speech does not count as noise during it.
    assert known.under([-68.0] * 30 + [-25.0] * 100) == -68


@pytest.mark.parametrize("snr", [-3.0, 0.0, 5.0, 20.0, 40.0])
def test_the_noise_in_the_voice_is_taken_off(snr: float) -> None:
    noisy = 10 * np.log10(10 ** ((-60 + snr) / 10) + 1e-6)
    assert snr_db([noisy] * 100, 100, -60) == pytest.approx(snr, abs=1e-6)


def test_the_ratio_stays_in_its_range() -> None:
    assert snr_db([-60.0] * 10, 10, -50) == LEAST_SNR_DB
    assert snr_db([0.0] * 10, 10, -70) == MOST_SNR_DB


def heard(sound: Sound) -> list[SpeechSegment]:
    """Finals of a sound at 16 kHz."""
    cleaner, detector, segmenter = Cleaner(), SpeechDetector(), Segmenter()
    found = []
    for index, step in enumerate(sound[: len(sound) // STEP * STEP].reshape(-1, STEP)):
        level = cleaner.level(cleaner.mono(step))
        found.append(segmenter.push(level, detector.probability(level), (index + 1) / 100))
    return [stretch for stretch in (*found, segmenter.flush()) if stretch and stretch.final]


@pytest.mark.corpora
@pytest.mark.parametrize("noise", ["pink_noise", "running_tap", "exercise_bike"])
def test_speech_in_real_noise_is_rated_as_it_was_mixed(corpora: Path, noise: str) -> None:
    import soundfile

    room, _ = soundfile.read(corpora / "noise" / "speech_commands_background" / f"{noise}.opus", dtype="float32")
    room = room[8_000:]
    errors: dict[int, list[float]] = {20: [], 10: [], 5: [], 0: []}
    trust: dict[int, float] = {}
    clips = sorted((corpora / "voice" / "ravdess").glob("Actor_*/*.flac"))[7::480]
    lead = 2 * 16_000
    for snr, found in errors.items():
        qualities = []
        for clip in clips:
            speech, _ = soundfile.read(clip, dtype="float32")
            speech *= np.sqrt(10**-2.6 / active_power(speech))
            sound = room[: lead + len(speech) + 16_000].copy()
            under = sound[lead : lead + len(speech)]
            sound *= np.sqrt(10 ** (-2.6 - snr / 10) / float(np.mean(under**2)))
            sound[lead : lead + len(speech)] += speech
            finals = [stretch for stretch in heard(sound) if stretch.ends_at > 2.3]
            found += [stretch.snr_db - snr for stretch in finals[:1]]
            # A voice that is not found gives nothing to trust.
            qualities.append(quality(finals[0]) if finals else 0.0)
        trust[snr] = float(np.mean(qualities))
    assert len(errors[20]) == len(clips)
    assert len(errors[10]) == len(clips)
    assert np.abs(errors[20]).mean() < 1.5
    assert np.abs(errors[10]).mean() < 2.5
    assert all(error < 6 for error in errors[5] + errors[0])
    assert trust[20] > trust[10] > trust[5] >= trust[0]
    assert trust[5] < 0.6 * trust[20]
