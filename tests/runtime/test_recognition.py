"""The input of a speech recogniser: all clean sound, in blocks, with interruptions marked."""

from __future__ import annotations

import numpy as np
import pytest

from edge.hearing.hearing import Hearing
from edge.hearing.listener import Step
from edge.observation import AudioChunk
from edge.runtime.recognition import RecogniserFeed


def step(number: int) -> Step:
    return Step(np.full(160, number, np.float32), number * 0.01, speaking=False)


def test_ten_steps_are_handed_on_at_once_and_the_rest_at_the_end() -> None:
    blocks: list[AudioChunk] = []
    feed = RecogniserFeed(blocks.append)
    for number in range(25):
        assert feed.on_step(step(number)) == ()
    assert [len(block.samples) for block in blocks] == [1600, 1600]
    assert feed.on_end(None) == ()
    assert [len(block.samples) for block in blocks] == [1600, 1600, 800]
    assert [block.captured_at for block in blocks] == pytest.approx([0.0, 0.1, 0.2])
    assert np.concatenate([block.samples for block in blocks])[::160].tolist() == list(range(25))
    feed.on_end(None)
    assert len(blocks) == 3


def test_each_interruption_is_marked_once_on_the_block_that_follows() -> None:
    blocks: list[AudioChunk] = []
    feed = RecogniserFeed(blocks.append)
    feed.on_end(None)  # nothing was heard before: no interruption
    for _ in range(3):
        for number in range(20):
            feed.on_step(step(number))
        feed.on_end(None)
    assert [block.overruns for block in blocks] == [0, 0, 1, 0, 1, 0]


def test_it_can_be_connected_anew() -> None:
    first: list[AudioChunk] = []
    second: list[AudioChunk] = []
    feed = RecogniserFeed(first.append)
    for number in range(10):
        feed.on_step(step(number))
    feed.connect(second.append)
    for number in range(10):
        feed.on_step(step(number))
    assert (len(first), len(second)) == (1, 1)


@pytest.mark.parametrize(("rate", "channels"), [(16_000, 1), (48_000, 2), (44_100, 1), (8_000, 1)])
def test_any_microphone_becomes_sixteen_kilohertz_mono(rate: int, channels: int) -> None:
    blocks: list[AudioChunk] = []
    hearing = Hearing([RecogniserFeed(blocks.append)])
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(2 * rate) / rate)
    sound = np.repeat(tone[:, None], channels, axis=1).astype(np.float32)
    for start in range(0, len(sound), rate // 50):
        hearing.hear(AudioChunk(sound[start : start + rate // 50], rate, 100 + start / rate))
    hearing.flush()
    assert {block.rate for block in blocks} == {16_000}
    heard = np.concatenate([block.samples for block in blocks])
    assert len(heard) == pytest.approx(32_000, abs=200)
    spectrum = np.abs(np.fft.rfft(heard[8000:24_000]))
    assert np.argmax(spectrum) == 440
    assert blocks[0].captured_at == pytest.approx(100, abs=0.001)
    ends = [block.captured_at + block.duration for block in blocks]
    assert [block.captured_at for block in blocks[1:]] == pytest.approx(ends[:-1], abs=1e-3)
