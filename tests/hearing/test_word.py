"""Single words: what of a sound between two pauses makes it a word."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.hearing.hearing import Hearing
from edge.hearing.listener import Step
from edge.hearing.utterance import Segmenter, SpeechSegment
from edge.hearing.vad import level_dbfs
from edge.hearing.voicing import voiced
from edge.hearing.word import is_word, last_sound
from edge.observation import AudioChunk

RATE = 16_000
Sound = NDArray[np.float32]


def vowel(seconds: float, dbfs: float = -26.0, pitch: float = 140.0) -> Sound:
    """A vowel with the jitter of a voice, made of harmonics, at a level in dB of full scale."""
    rng = np.random.default_rng(1)
    count = round(seconds * RATE)
    drift = np.cumsum(rng.normal(0, 0.02, count)) / 20
    phase = 2 * np.pi * np.cumsum(pitch * (1 + 0.1 * np.linspace(0, 1, count) + drift)) / RATE
    sound = sum(np.sin(number * phase) / number for number in range(1, 12)) + rng.normal(0, 0.25, count)
    return np.asarray(sound * 10 ** (dbfs / 20) / np.sqrt(np.mean(np.square(sound))), np.float32)


def hiss(seconds: float, dbfs: float = -65.0) -> Sound:
    return np.random.default_rng(2).normal(0, 10 ** (dbfs / 20), round(seconds * RATE)).astype(np.float32)


def tone(hertz: float, seconds: float) -> Sound:
    return np.asarray(0.1 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE), np.float32)


def knock(hertz: float = 150.0, decay_s: float = 0.03) -> Sound:
    time = np.arange(RATE // 4) / RATE
    return np.asarray(0.3 * np.sin(2 * np.pi * hertz * time) * np.exp(-time / decay_s), np.float32)


def judged(sound: Sound, probability: float = 0.3, before_s: float = 0.5, after_s: float = 0.3) -> bool:
    """Whether a sound between two stretches of hiss is a word, with this probability after its first step."""
    room = np.concatenate([hiss(before_s), sound, hiss(after_s)])
    steps = list(room[: len(room) // 160 * 160].reshape(-1, 160))
    probabilities = [0.0] * round(before_s * 100 + 1) + [probability] * len(steps)
    return is_word(steps, [level_dbfs(step) for step in steps], probabilities[: len(steps)], -65.0)


def test_a_vowel_of_a_quarter_of_a_second_is_a_word() -> None:
    assert judged(vowel(0.25))
    assert judged(vowel(0.15))
    assert not judged(vowel(0.08))


@pytest.mark.parametrize(("level", "probability", "word"), [(-45, 0.11, True), (-45, 0.09, False), (-35, 0.04, True)])
def test_a_word_of_which_the_detector_is_unsure_must_stand_out(level: float, probability: float, word: bool) -> None:
    assert judged(vowel(0.25, level), probability) is word


def test_a_word_that_does_not_move_the_detector_is_none() -> None:
    assert not judged(vowel(0.25), 0.02)


def test_a_faint_word_is_not_told_from_the_noise() -> None:
    assert not judged(vowel(0.25, -53), 0.9)


@pytest.mark.parametrize("hertz", [150.0, 440.0, 1000.0, 2000.0])
def test_a_beep_is_no_word(hertz: float) -> None:
    assert not judged(tone(hertz, 0.3), 0.9)


def test_a_cough_and_a_clap_are_no_words() -> None:
    assert not judged(hiss(0.25, -20.0), 0.9)
    assert not judged(hiss(0.06, -10.0), 0.9)


def test_a_knock_rings_down_and_is_no_word() -> None:
    assert not judged(knock(), 0.15)
    # A vowel of which the detector is as unsure is one.
    assert judged(vowel(0.2), 0.15)


def test_a_word_stands_alone() -> None:
    assert not judged(vowel(0.25), before_s=0.0)
    levels = [-65.0] * 30 + [-30.0] * 20 + [-65.0] * 12 + [-30.0] * 5 + [-65.0] * 20
    # A closure of twelve steps belongs to the word, a longer one separates.
    assert last_sound(levels, -65.0) == (30, 67)
    assert last_sound([*levels[:50], -65.0, *levels[50:]], -65.0) == (63, 68)
    assert last_sound([-65.0] * 50, -65.0) is None
    assert last_sound([-30.0] * 50, -65.0) is None


def test_voicing_counts_the_steps_of_a_vowel_and_none_of_noise_tones_and_silence() -> None:
    assert voiced(vowel(0.3)) >= 20
    assert voiced(hiss(0.3, -20.0)) <= 3
    assert voiced(tone(300.0, 0.3)) == 0
    assert voiced(np.zeros(4800, np.float32)) == voiced(np.zeros(100, np.float32)) == 0


def segments(sound: Sound, probability: list[float]) -> list[tuple[float, SpeechSegment]]:
    """Segments with the time in seconds at which they were given."""
    segmenter, found = Segmenter(), []
    for number, step in enumerate(sound[: len(sound) // 160 * 160].reshape(-1, 160)):
        segment = segmenter.push(step, probability[min(number, len(probability) - 1)], (number + 1) / 100)
        if segment:
            found.append(((number + 1) / 100, segment))
    return found


def test_an_utterance_of_one_word_has_its_onset_and_ends_after_the_hangover() -> None:
    sound = np.concatenate([hiss(2.0), vowel(0.25), hiss(1.5)])
    ((given_at, found),) = segments(sound, [0.0] * 210 + [0.2] * 40 + [0.0])
    assert found.final
    assert found.spoken_s == pytest.approx(0.25, abs=0.03)
    assert found.ends_at == pytest.approx(2.35, abs=0.03)
    # 0.2 s before and 0.1 s behind the word belong to it.
    assert found.position / RATE == pytest.approx(1.8, abs=0.03)
    assert len(found.samples) / RATE == pytest.approx(0.55, abs=0.04)
    assert given_at == pytest.approx(2.75, abs=0.06)
    assert found.snr_db > 30


def test_two_words_with_a_pause_of_a_second_are_two_utterances() -> None:
    sound = np.concatenate([hiss(2.0), vowel(0.25), hiss(1.2), vowel(0.25, pitch=200.0), hiss(1.2)])
    found = segments(sound, ([0.0] * 205 + [0.3] * 40 + [0.0] * 105 + [0.3] * 40 + [0.0]))
    assert [segment.ends_at for _, segment in found] == pytest.approx([2.35, 3.8], abs=0.03)


class Counter:
    def __init__(self) -> None:
        self.finals: list[SpeechSegment] = []

    def on_step(self, step: Step) -> tuple[()]:
        return self.on_end(step.segment)

    def on_end(self, segment: SpeechSegment | None) -> tuple[()]:
        self.finals += [segment] if segment and segment.final else []
        return ()


@pytest.mark.parametrize("noise", [tone(440.0, 0.3), knock(), hiss(0.2, -20.0), hiss(0.01, -6.0)])
def test_the_real_detector_takes_beeps_knocks_coughs_and_clicks_for_no_words(noise: Sound) -> None:
    counter = Counter()
    hearing = Hearing([counter])
    sound = np.concatenate([hiss(2.5), noise, hiss(1.2)])
    for start in range(0, len(sound), 512):
        hearing.hear(AudioChunk(sound[start : start + 512], RATE, start / RATE))
    hearing.flush()
    assert counter.finals == []
