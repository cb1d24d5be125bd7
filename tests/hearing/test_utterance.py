"""Where utterances begin and end."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from edge.hearing.utterance import LONGEST_S, Segmenter, SpeechSegment
from edge.voice.logmel import HOP

VOICE = (np.sin(2 * np.pi * 200 * np.arange(160) / 16000) * 0.1).astype(np.float32)
NOISE = np.random.default_rng(3).normal(0, 1e-3, 160).astype(np.float32)


@dataclass
class Talk:
    """Feeds a segmenter: sound and the detector's verdict, in seconds."""

    segmenter: Segmenter = field(default_factory=Segmenter)
    now: float = 0.0
    found: list[SpeechSegment] = field(default_factory=list)

    def say(self, seconds: float, probability: float = 0.95) -> Talk:
        return self._push(VOICE, seconds, probability)

    def pause(self, seconds: float, probability: float = 0.0) -> Talk:
        return self._push(NOISE, seconds, probability)

    def _push(self, samples: np.ndarray, seconds: float, probability: float) -> Talk:
        for _ in range(round(seconds * 100)):
            self.now += 0.01
            stretch = self.segmenter.push(samples, probability, self.now)
            if stretch:
                self.found.append(stretch)
        return self

    @property
    def finals(self) -> list[SpeechSegment]:
        return [stretch for stretch in self.found if stretch.final]


def test_one_utterance_gives_interims_and_one_final() -> None:
    talk = Talk().pause(1).say(1.7).pause(1)
    assert [stretch.final for stretch in talk.found] == [False, False, False, True]
    final = talk.finals[0]
    assert final.spoken_s == pytest.approx(1.7, abs=0.05)
    assert final.ends_at == pytest.approx(2.7, abs=0.15)
    # 0.2 s before and 0.1 s behind the voice belong to it.
    assert len(final.samples) / 16000 == pytest.approx(2.0, abs=0.06)
    assert final.level_dbfs == pytest.approx(-23, abs=0.5)
    assert final.snr_db > 30
    assert final.speech == pytest.approx(0.95, abs=0.02)


def test_the_beginning_that_the_detector_missed_is_kept() -> None:
    talk = Talk().pause(1).say(0.4, probability=0.1).say(0.8).pause(1)
    assert talk.finals[0].spoken_s == pytest.approx(1.2, abs=0.05)
    assert len(talk.finals[0].samples) / 16000 == pytest.approx(1.5, abs=0.06)


def test_a_short_pause_ends_nothing_and_a_long_one_does() -> None:
    assert len(Talk().pause(1).say(1).pause(0.4).say(1).pause(1).finals) == 1
    assert len(Talk().pause(1).say(1).pause(0.7).say(1).pause(1).finals) == 2


def test_a_detector_that_falls_late_does_not_delay_the_end() -> None:
    talk = Talk().pause(1).say(1).pause(0.55, probability=0.9)
    assert len(talk.finals) == 1
    assert talk.now == pytest.approx(2.55)


def test_a_cough_gives_nothing() -> None:
    assert Talk().pause(1).say(0.25).pause(1).found == []


def test_noise_and_clicks_give_nothing() -> None:
    talk = Talk().pause(5)
    for _ in range(20):
        talk.say(0.05).pause(0.3)
    assert talk.found == []
    assert not talk.segmenter.speaking


def test_a_long_hangover_cuts_nothing_from_the_utterance() -> None:
    talk = Talk(Segmenter(hangover_s=2.0)).pause(1).say(5).pause(3)
    assert len(talk.finals) == 1
    assert LONGEST_S - 0.08 < len(talk.finals[0].samples) / 16000 <= LONGEST_S
    assert talk.finals[0].level_dbfs == pytest.approx(-23, abs=0.5)
    assert talk.finals[0].snr_db > 30
    assert talk.finals[0].ends_at == pytest.approx(6.1, abs=0.02)


def test_noise_that_began_with_the_voice_is_noise_under_it() -> None:
    """A tap that is turned on: what is heard after the utterance was there during it."""
    talk, tap = Talk().pause(2), NOISE * 20
    talk._push(VOICE + tap, 1.5, 0.95)
    talk._push(tap, 1.0, 0.0)
    # −23 against −34 dBFS, where the room had been at −60.
    assert talk.finals[0].snr_db == pytest.approx(11, abs=1.5)
    assert talk.segmenter.floor_dbfs > -45
    quiet_again = Talk().pause(2)
    quiet_again._push(VOICE + tap, 1.5, 0.95)
    assert quiet_again.pause(1).finals[0].snr_db > 30


def test_clipped_sound_is_reported() -> None:
    square = np.sign(VOICE).astype(np.float32)
    talk = Talk().pause(1)
    talk._push(square, 1.0, 0.95)
    assert talk.pause(1).finals[0].clipped > 0.9
    assert Talk().pause(1).say(1).pause(1).finals[0].clipped == 0


def test_a_monologue_of_ten_minutes_holds_three_seconds() -> None:
    talk = Talk().pause(1)
    sizes = set()
    for _ in range(60):
        talk.say(10)
        sizes.add(sum(len(step.samples) for step in talk.segmenter._steps))
    talk.pause(1)
    assert sizes == {(LONGEST_S + 0.5) * 16000}
    assert LONGEST_S - 0.08 < max(len(stretch.samples) for stretch in talk.found) / 16000 <= LONGEST_S
    assert len(talk.finals) == 1
    assert len(talk.found) == pytest.approx(1200, abs=2)
    assert talk.finals[0].spoken_s == pytest.approx(600, abs=0.5)


def test_positions_tell_where_in_the_stream_a_stretch_lies() -> None:
    talk = Talk()
    heard = np.concatenate([np.tile(NOISE, 100), np.tile(VOICE, 700), np.tile(NOISE, 60)])
    # Each sample of its own, so that a shift by one would show.
    heard += np.random.default_rng(1).normal(0, 1e-4, len(heard)).astype(np.float32)
    for index, step in enumerate(heard.reshape(-1, 160)):
        talk._push(step, 0.01, 0.95 if 100 <= index < 800 else 0.0)
    assert len(talk.found) > 10
    first = talk.found[0].position
    for stretch in talk.found:
        assert np.array_equal(stretch.samples, heard[stretch.position : stretch.position + len(stretch.samples)])
        assert (stretch.position - first) % HOP == 0
        assert stretch.position + len(stretch.samples) == pytest.approx(stretch.ends_at * 16000)
    assert talk.found[-1].position > first + 3 * 16000


def test_the_end_of_the_sound_ends_the_utterance() -> None:
    talk = Talk().pause(1).say(1)
    final = talk.segmenter.flush()
    assert final is not None
    assert final.final
    assert talk.segmenter.flush() is None


def test_the_floor_follows_the_room() -> None:
    talk = Talk().pause(5)
    assert talk.segmenter.floor_dbfs == pytest.approx(-60, abs=1)
