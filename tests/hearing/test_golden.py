"""Golden vectors of hearing: a scripted evening of talk, noise and pauses, with everything that comes of it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from support.clip_sound import clip_sound
from support.golden import assert_golden

from edge.health import catalogue
from edge.health.registry import Registry
from edge.hearing.cleaning import STEP, Cleaner
from edge.hearing.hearing import Hearing
from edge.hearing.listener import Step
from edge.hearing.noise import NoiseFloor, snr_db
from edge.hearing.resample import Resampler
from edge.hearing.utterance import Segmenter, SpeechSegment
from edge.hearing.vad import SpeechDetector, level_dbfs
from edge.observation import AudioChunk, Observation

_PIECES = (
    # seconds, level of the voice, level of the noise, probability of speech
    (0.3, 0.0, 0.001, 0.0),
    (0.25, 0.1, 0.001, 0.1),
    (0.62, 0.1, 0.001, 0.9),
    (0.14, 0.0, 0.001, 0.6),
    (0.41, 0.05, 0.001, 0.8),
    (0.19, 0.0, 0.001, 0.7),
    (0.33, 0.08, 0.002, 0.95),
    (1.1, 0.0, 0.002, 0.05),
    (0.08, 0.3, 0.002, 0.9),
    (0.7, 0.0, 0.004, 0.1),
    (0.3, 0.06, 0.004, 0.85),
    (0.9, 0.0, 0.03, 0.2),
    (4.3, 0.99, 0.02, 0.97),
    (0.45, 0.0, 0.02, 0.55),
    (0.5, 0.2, 0.02, 0.75),
    (0.8, 0.0, 0.01, 0.0),
    (1.0, 0.03, 0.02, 0.6),
    (0.2, 0.0, 0.01, 0.0),
)


def script() -> list[tuple[NDArray[np.float32], float]]:
    """Steps of 10 ms with the detector's verdict on each."""
    rng = np.random.default_rng(7)
    wave = np.sin(2 * np.pi * 203 * np.arange(STEP) / 16_000)
    steps = []
    for seconds, voice, noise, probability in _PIECES:
        for number in range(round(seconds * 100)):
            swell = 0.7 + 0.3 * np.sin(number / 9)
            samples = voice * swell * wave + noise * rng.standard_normal(STEP)
            wobble = float(np.clip(probability + 0.04 * np.sin(number), 0, 1))
            steps.append((np.clip(samples, -1, 1).astype(np.float32), wobble))
    return steps


def row(segment: SpeechSegment) -> list[float]:
    return [
        *(segment.position, len(segment.samples), segment.ends_at, float(segment.final), segment.spoken_s),
        *(segment.level_dbfs, segment.floor_dbfs, segment.speech, segment.clipped, segment.snr_db),
        *(float(segment.samples[0]), float(segment.samples[-1])),
    ]


@pytest.mark.parametrize(("threshold", "hangover_s"), [(0.5, 0.5), (0.8, 0.3)])
def test_segments(threshold: float, hangover_s: float) -> None:
    segmenter = Segmenter(threshold, hangover_s)
    rows, speaking, floors = [], [], []
    for number, (samples, probability) in enumerate(script()):
        segment = segmenter.push(samples, probability, (number + 1) * 0.01)
        speaking.append(segmenter.speaking)
        floors.append(segmenter.floor_dbfs)
        if segment is not None:
            rows.append(row(segment))
    last = segmenter.flush()
    if last is not None:
        rows.append(row(last))
    assert segmenter.flush() is None
    name = f"segments_{round(10 * threshold)}"
    assert_golden(name, rows)
    assert_golden(f"{name}_speaking", np.flatnonzero(np.diff(np.asarray(speaking, int))))
    assert_golden(f"{name}_floor", floors[::5])


def test_without_arguments_the_documented_defaults_hold() -> None:
    plain, explicit = Segmenter(), Segmenter(threshold=0.5, hangover_s=0.5)
    for number, (samples, probability) in enumerate(script()):
        found, expected = (one.push(samples, probability, number * 0.01) for one in (plain, explicit))
        assert (found is None) == (expected is None)


def test_noise_floor() -> None:
    floor, found = NoiseFloor(), []
    levels = [-90.0, -48, -50, *[-52.0 + 3 * np.sin(i) for i in range(30)], -5, -4, -30, *[-75.0] * 10, *[-15.0] * 250]
    for level in levels:
        floor.follow(level)
        found.append(floor.dbfs)
    assert_golden("noise_floor", found)
    under = [floor.under(levels[a:b], levels[c:d]) for a, b, c, d in ((0, 9, 0, 0), (3, 30, 5, 24), (3, 30, 5, 25))]
    fresh = NoiseFloor()
    for level in levels[:19]:
        fresh.follow(level)
    under += [fresh.under([-30.0] * 40), fresh.under([-31.0] * 40, [-40.0] * 20)]
    fresh.follow(-60.0)
    under += [fresh.under([-30.0] * 40), fresh.under([-31.0] * 40, [-29.0] * 20)]
    assert_golden("noise_under", under)


def test_signal_to_noise_ratio() -> None:
    cases = [
        ([-20.0] * 50, 50, -60.0),
        ([-20.0] * 50, 10, -40.0),
        ([-20.0, -50.0] * 20, 20, -52.0),
        ([-39.0] * 30, 30, -40.0),
        ([-41.0] * 30, 30, -40.0),
        ([0.0] * 9, 9, -70.0),
    ]
    assert_golden("snr", [snr_db(*case) for case in cases])


def test_cleaning() -> None:
    rng = np.random.default_rng(3)
    cleaner = Cleaner()
    sound = (0.05 * rng.standard_normal((40 * STEP, 2)) + np.linspace(0, 0.3, 40 * STEP)[:, None]).astype(np.float32)
    sound[100:110] = np.nan
    sound[200:230, 0] = 1.7
    sound[3000:3100, 1] = -np.inf
    mono = cleaner.mono(sound)
    levelled = np.stack([cleaner.level(step) for step in mono.reshape(-1, STEP)])
    assert_golden("cleaned", levelled[:, ::16])
    assert (cleaner.nan_samples, cleaner.clipped_samples, cleaner.offset_steps) == (120, 30, 26)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_resampling(rate: int) -> None:
    time = np.arange(rate // 4) / rate
    sound = np.sin(2 * np.pi * (300 * time + 2500 * time**2)).astype(np.float32)
    resampler = Resampler(rate)
    parts = [resampler.push(sound[start : start + 331]) for start in range(0, len(sound), 331)]
    assert_golden(f"resampled_{rate}", np.concatenate(parts)[::7], atol=1e-5)
    assert_golden(f"resampled_{rate}_backlog", resampler.backlog, atol=1e-7)


def test_speech_detection() -> None:
    detector = SpeechDetector()
    steps = clip_sound()[: 5 * 16_000].reshape(-1, STEP)
    found = [detector.probability(step * np.float32(0.05 if index > 300 else 1)) for index, step in enumerate(steps)]
    assert_golden("speech_probability", found[::4], atol=5e-3)
    detector.reset()
    assert [detector.probability(step) for step in steps[:50]] == pytest.approx(
        [SpeechDetector().probability(steps[0]), *found[1:50]], abs=5e-3
    )


@pytest.mark.parametrize(("samples", "level"), [(np.zeros(160), -100), (np.full(160, 0.5), -6.0206), (np.ones(1), 0)])
def test_level(samples: NDArray[np.float64], level: float) -> None:
    assert level_dbfs(samples.astype(np.float32)) == pytest.approx(level, abs=1e-3)
    assert level_dbfs(np.zeros(0, np.float32)) == -100


class Log:
    """A listener that records its input."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.ends: list[SpeechSegment | None] = []

    def on_step(self, step: Step) -> tuple[Observation, ...]:
        self.steps.append(step)
        return ()

    def on_end(self, segment: SpeechSegment | None) -> tuple[Observation, ...]:
        self.ends.append(segment)
        return ()


def test_listeners_hear_every_step_at_its_time_and_all_hear_the_same() -> None:
    first, second = Log(), Log()
    hearing = Hearing([first, second])
    sound = clip_sound()[: 4 * 16_000]
    for start in range(0, len(sound), 701):
        hearing.hear(AudioChunk(sound[start : start + 701], 16_000, 20 + start / 16_000))
    assert first.ends == []
    hearing.flush()
    assert len(first.steps) == len(sound) // STEP
    assert [step.starts_at for step in first.steps] == pytest.approx([20 + i * 0.01 for i in range(len(first.steps))])
    assert [step.ends_at for step in first.steps[:-1]] == pytest.approx([step.starts_at for step in first.steps[1:]])
    assert [step.samples is other.samples for step, other in zip(first.steps, second.steps, strict=True)]
    segments = [step.segment for step in first.steps if step.segment is not None]
    assert_golden("hearing_segments", [row(segment) for segment in segments], atol=1e-2)
    assert len(first.ends) == 1
    speaking = [step.speaking for step in first.steps]
    assert True in speaking
    assert False in speaking


def test_every_interruption_ends_the_utterance() -> None:
    log = Log()
    registry = Registry()
    hearing = Hearing([log], registry=registry)
    now = 0.0
    for times in (1, 2, 3):
        for start in range(0, 2 * 16_000, 480):
            hearing.hear(AudioChunk(clip_sound()[16_000 + start : 16_480 + start], 16_000, now))
            now += 0.03
        assert hearing.speaking
        hearing.hear(AudioChunk(np.zeros(480, np.float32), 16_000, now, overruns=1))
        now += 0.03
        assert not hearing.speaking
        assert len(log.ends) == times
        segment = log.ends[-1]
        assert segment is not None
        assert segment.final
        assert segment.ends_at == pytest.approx(now - 0.06, abs=0.035)
    assert registry.count(catalogue.VOICE_OVERRUNS) == 3
    assert registry.count(catalogue.VOICE_GAPS) == 0
