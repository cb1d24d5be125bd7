"""A voice through a real-time microphone gives what replaying its file gives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import virtual_microphone
from virtual_microphone import RATE, VirtualMicrophone

from edge import clip, config, soak
from edge.observation import Observation
from edge.voice.ears import Ears

LISTEN = """
import json, sys, time
from edge import config
from edge.sources.microphone import Microphone
from edge.voice.ears import Ears

ears = Ears(config.Voice(), config.Words(keywords=False))
found, overruns, started = [], 0, time.monotonic()
with Microphone(config.Microphone(rate=16000)) as microphone:
    microphone.read()
    print("recording", flush=True)
    while time.monotonic() - started < float(sys.argv[1]):
        chunk = microphone.read()
        overruns += chunk.overruns
        found += ears.hear(chunk)
found += ears.flush()
finals = [[seen.captured_at, seen.posterior, dict(seen.detail)] for seen in found if seen.final]
print(json.dumps([overruns, len(found), finals]))
"""


@pytest.fixture
def sound_card() -> Iterator[VirtualMicrophone]:
    lacking = virtual_microphone.missing()
    if lacking:
        pytest.skip(lacking)
    card = VirtualMicrophone()
    try:
        yield card.start()
    finally:
        card.stop()


@pytest.mark.timeout(180)
def test_played_in_real_time_it_is_heard_as_in_the_file(sound_card: VirtualMicrophone, tmp_path: Path) -> None:
    soundfile = pytest.importorskip("soundfile")
    chunks = soak.decoded(clip.path())
    ears = Ears(config.Voice(), config.Words(keywords=False))
    replayed: list[Observation] = [seen for chunk in chunks for seen in ears.hear(chunk)] + list(ears.flush())
    expected = [seen for seen in replayed if seen.final]
    sound = np.concatenate([chunk.samples for chunk in chunks])
    wav = tmp_path / "clip.wav"
    soundfile.write(wav, np.concatenate([sound, np.zeros(RATE, np.float32)]), RATE, subtype="PCM_16")

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
    assert len(finals) == len(expected)
    # Which step falls into a pause decides whether an interim comes.
    assert abs(count - len(replayed)) <= len(finals)
    offset = finals[0][0] - expected[0].captured_at
    for (at, posterior, detail), seen in zip(finals, expected, strict=True):
        # Steps of 10 ms begin elsewhere in the sound, and so do the frames of the spectrogram.
        assert at - offset == pytest.approx(seen.captured_at, abs=0.15)
        assert np.argmax(posterior) == np.argmax(seen.posterior)
        assert posterior == pytest.approx(seen.posterior, abs=0.15)
        assert detail["level_dbfs"] == pytest.approx(seen.detail["level_dbfs"], abs=1.0)
        assert detail["pitch_hz"] == pytest.approx(seen.detail["pitch_hz"], rel=0.05)
