"""A voice through a real-time microphone gives the same result as the replay of its file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support import virtual_microphone
from support.details import voice_detail
from support.virtual_microphone import RATE, VirtualMicrophone

from edge import clip, config
from edge.observation import AudioChunk, Observation
from edge.runtime import soak
from edge.runtime.ears import Ears

LISTEN = """
import json, sys, time
import msgspec
from edge import config
from edge.sources.microphone import Microphone
from edge.runtime.ears import Ears

ears = Ears.open(config.Voice(), config.Words(keywords=False))
found, overruns, started = [], 0, time.monotonic()
with Microphone(config.Microphone(rate=16000)) as microphone:
    microphone.read()
    print("recording", flush=True)
    while time.monotonic() - started < float(sys.argv[1]):
        chunk = microphone.read()
        overruns += chunk.overruns
        found += ears.hear(chunk)
found += ears.flush()
finals = [[seen.captured_at, seen.posterior, msgspec.structs.asdict(seen.detail)] for seen in found if seen.final]
print(json.dumps([overruns, len(found), finals]))
"""


@pytest.fixture
def sound_card() -> Iterator[VirtualMicrophone]:
    yield from virtual_microphone.running()


def as_in_the_file(sound: NDArray[np.float32], late: int) -> list[Observation]:
    """What is heard of it in pieces as the microphone gives them, `late` samples after a step of 10 ms began."""
    ears, size = Ears.open(config.Voice(), config.Words(keywords=False)), 512
    sound = np.concatenate([np.zeros(late, np.float32), sound])
    chunks = (AudioChunk(sound[at : at + size], RATE, at / RATE) for at in range(0, len(sound), size))
    return [seen for chunk in chunks for seen in ears.hear(chunk)] + list(ears.flush())


def between(value: Any, ways: list[Any], *, spare: float) -> bool:
    """Whether each number of `value` lies where it does in one of the `ways` or between two, or nearly."""
    return bool(np.all(np.min(ways, 0) - spare <= value) and np.all(value <= np.max(ways, 0) + spare))


@pytest.mark.timeout(180)
def test_played_in_real_time_it_is_heard_as_in_the_file(sound_card: VirtualMicrophone, tmp_path: Path) -> None:
    soundfile = pytest.importorskip("soundfile")
    sound = np.concatenate([chunk.samples for chunk in soak.decoded(clip.path())])
    wav = tmp_path / "clip.wav"
    soundfile.write(wav, np.concatenate([sound, np.zeros(RATE, np.float32)]), RATE, subtype="PCM_16")
    # Recording begins anywhere within a step of 10 ms: the limits of an utterance move by a step, and where a voice
    # leaps, the median of its pitch with them. So it may be heard in any of the ways that the file can be.
    replayed = [as_in_the_file(sound, late) for late in range(0, RATE // 100, RATE // 1000)]
    expected = [[seen for seen in way if seen.final] for way in replayed]
    assert len({len(way) for way in expected}) == 1

    listener = sound_card.python(LISTEN, str(len(sound) / RATE + 12))
    assert listener.stdout is not None
    assert listener.stdout.readline() == "recording\n"
    player = sound_card.play(wav)
    out, err = listener.communicate(timeout=120)
    player.wait(timeout=30)
    assert listener.returncode == 0, err
    overruns, count, finals = json.loads(out)
    if overruns:
        pytest.skip(f"this machine was too busy to record without loss ({overruns} times)")
    assert len(finals) == len(expected[0])
    # Which step falls into a pause decides whether an interim comes.
    assert between(count, [len(way) for way in replayed], spare=2)
    offset = finals[0][0] - expected[0][0].captured_at
    for (at, posterior, detail), ways in zip(finals, zip(*expected, strict=True), strict=True):
        assert between(at - offset, [seen.captured_at for seen in ways], spare=0.1)
        assert np.argmax(posterior) in {np.argmax(seen.posterior) for seen in ways}
        assert between(posterior, [seen.posterior for seen in ways], spare=0.1)
        assert between(detail["level_dbfs"], [voice_detail(seen).level_dbfs for seen in ways], spare=0.5)
        assert between(
            np.log(detail["pitch_hz"]), [np.log(voice_detail(seen).pitch_hz or np.nan) for seen in ways], spare=0.03
        )
