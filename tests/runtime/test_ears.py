"""The ears end to end: real speech in, observations out; and the effect of bad sound."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.clip_sound import clip_sound

from edge import config, shipped
from edge.detail import VoiceDetail
from edge.emotions import LABELS
from edge.errors import ModelError, SourceError
from edge.extras import install_command
from edge.health import catalogue
from edge.health.registry import Registry
from edge.observation import AudioChunk, Observation
from edge.runtime.ears import Ears
from edge.runtime.mailbox import BoundedQueue

Sound = NDArray[np.float32]
NO_KEYWORDS = config.Words(keywords=False)


@pytest.fixture(scope="session")
def voice(tmp_path_factory: pytest.TempPathFactory) -> config.Voice:
    """The shipped model; in a tree without one a small stand-in, converted like any other."""
    if shipped.model("voice", "voice").exists():
        return config.Voice()
    return config.Voice(model=str(stand_in(tmp_path_factory.mktemp("voice") / "stand_in.tflite")))


def stand_in(path: Path) -> Path:
    import keras

    from converters import cards, tflite
    from edge.voice.logmel import FRONT_END

    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((64, 188, 1)),
            keras.layers.Conv2D(4, 5, strides=4, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(len(LABELS)),
        ]
    )
    rows = np.random.default_rng(1).random((8, 64, 188, 1)).astype(np.float32)
    data = tflite.convert(model, "int8", [(row,) for row in rows])
    card = cards.make_card(
        data, file=path.name, name="stand-in", task="voice", labels=LABELS, output_kind="logits", front_end=FRONT_END
    )
    cards.save(data, card, path)
    return path


@pytest.fixture(scope="session")
def speech() -> Sound:
    """The speech of the built-in clip, 16 kHz mono."""
    return clip_sound()


def chunks(sound: Sound, rate: int = 16000, size: int = 480, starts_at: float = 0.0) -> Iterator[AudioChunk]:
    for start in range(0, len(sound), size):
        yield AudioChunk(sound[start : start + size], rate, starts_at + start / rate)


def listen(ears: Ears, sound: Sound, rate: int = 16000, size: int = 480) -> list[Observation]:
    return [seen for chunk in chunks(sound, rate, size) for seen in ears.hear(chunk)] + list(ears.flush())


def finals(found: list[Observation]) -> list[Observation]:
    return [seen for seen in found if seen.final and seen.sense == "voice"]


def test_speech_is_found_and_read(voice: config.Voice, speech: Sound) -> None:
    registry = Registry()
    ears = Ears.open(voice, NO_KEYWORDS, registry)
    found = listen(ears, speech)
    assert finals(found)
    assert {seen.sense for seen in found} == {"voice"}
    assert any(not seen.final for seen in found)
    for seen in found:
        assert sum(seen.posterior) == pytest.approx(1)
        assert 0 <= seen.captured_at <= len(speech) / 16000 + 0.01
        assert isinstance(seen.detail, VoiceDetail)
    assert max(seen.quality for seen in found) > 0.3
    assert set(registry.snapshot().histograms) == {catalogue.RESAMPLE, catalogue.VAD, *catalogue.VOICE_STAGES}
    assert ears.voice is not None
    assert [card.task for card in ears.cards] == [ears.voice.card.task]


def test_the_size_of_the_chunks_changes_nothing(voice: config.Voice, speech: Sound) -> None:
    sound = speech[: 16000 * 4]
    large, odd, single = (listen(Ears.open(voice, NO_KEYWORDS), sound, size=size) for size in (16000, 333, 1))
    for other in (odd, single):
        assert [round(seen.captured_at, 3) for seen in other] == [round(seen.captured_at, 3) for seen in large]
        np.testing.assert_allclose([seen.posterior for seen in other], [seen.posterior for seen in large], atol=1e-6)
    assert finals(large)


def test_the_same_sound_gives_the_same_observations(voice: config.Voice, speech: Sound) -> None:
    assert listen(Ears.open(voice, NO_KEYWORDS), speech) == listen(Ears.open(voice, NO_KEYWORDS), speech)


def test_the_condition_reports_silence(voice: config.Voice, speech: Sound) -> None:
    ears = Ears.open(voice, NO_KEYWORDS)
    assert ears.condition == "silence"
    conditions = set()
    for chunk in chunks(speech):
        ears.hear(chunk)
        conditions.add(ears.condition)
    assert conditions == {"silence", None}
    ears.flush()
    assert ears.condition == "silence"


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(16000 * 5, np.float32),
        np.full(16000 * 5, 0.4, np.float32),
        np.random.default_rng(5).normal(0, 0.05, 16000 * 5).astype(np.float32),
        np.full(16000 * 5, np.nan, np.float32),
    ],
    ids=["silence", "offset", "noise", "nan"],
)
def test_sound_without_speech_gives_no_observation(voice: config.Voice, sound: Sound) -> None:
    assert listen(Ears.open(voice, NO_KEYWORDS), sound) == []


def test_an_offset_and_a_second_channel_do_no_harm(voice: config.Voice, speech: Sound) -> None:
    plain = finals(listen(Ears.open(voice, NO_KEYWORDS), speech))
    stereo = finals(listen(Ears.open(voice, NO_KEYWORDS), np.stack([speech + np.float32(0.2)] * 2, axis=1)))
    assert len(stereo) == len(plain)
    assert [seen.captured_at for seen in stereo] == pytest.approx([seen.captured_at for seen in plain], abs=0.1)


def test_quiet_speech_is_found_too(voice: config.Voice, speech: Sound) -> None:
    assert len(finals(listen(Ears.open(voice, NO_KEYWORDS), speech * np.float32(0.03)))) >= 2


def test_faults_of_the_sound_are_counted(voice: config.Voice, speech: Sound) -> None:
    sound = np.clip(speech * 50, -1, 1)
    sound[1000:1010] = np.nan
    registry = Registry()
    ears = Ears.open(voice, NO_KEYWORDS, registry)
    listen(ears, sound)
    assert registry.count(catalogue.VOICE_NAN_SAMPLES) == 10
    assert registry.count(catalogue.VOICE_CLIPPED_SAMPLES) > 1000
    assert (registry.count(catalogue.VOICE_GAPS), registry.count(catalogue.VOICE_OVERRUNS)) == (0, 0)


def speaking(ears: Ears, speech: Sound) -> float:
    """Feeds speech until somebody has spoken for a second; gives the time."""
    heard = 0
    for chunk in chunks(speech):
        ears.hear(chunk)
        heard = heard + 1 if ears.condition is None else 0
        if heard >= 33:
            return chunk.captured_at + chunk.duration
    raise AssertionError("nobody spoke")


def test_a_gap_ends_the_utterance_and_is_counted(voice: config.Voice, speech: Sound) -> None:
    registry = Registry()
    ears = Ears.open(voice, NO_KEYWORDS, registry)
    now = speaking(ears, speech)
    found = ears.hear(AudioChunk(np.zeros(480, np.float32), 16000, now + 3))
    assert [seen.final for seen in found] == [True]
    assert found[0].captured_at <= now + 1e-6
    assert ears.condition == "silence"
    assert registry.count(catalogue.VOICE_GAPS) == 1


@pytest.mark.parametrize("late", [0.02, 0.12])
def test_clock_jitter_is_not_a_gap(voice: config.Voice, speech: Sound, late: float) -> None:
    found: list[Observation] = []
    registry = Registry()
    ears = Ears.open(voice, NO_KEYWORDS, registry)
    for index, chunk in enumerate(chunks(speech)):
        found += ears.hear(AudioChunk(chunk.samples, chunk.rate, chunk.captured_at + late * (index % 2)))
    found += ears.flush()
    assert registry.count(catalogue.VOICE_GAPS) == 0
    # Nor does it cut the speech: the same utterances, their ends within the jitter.
    steady = finals(listen(Ears.open(voice, NO_KEYWORDS), speech))
    ends = [seen.captured_at for seen in steady]
    assert [seen.captured_at for seen in finals(found)] == pytest.approx(ends, abs=late + 0.01)


def test_an_overrun_ends_the_utterance_and_is_counted(voice: config.Voice, speech: Sound) -> None:
    registry = Registry()
    ears = Ears.open(voice, NO_KEYWORDS, registry)
    now = speaking(ears, speech)
    assert [seen.final for seen in ears.hear(AudioChunk(speech[:480], 16000, now, overruns=2))] == [True]
    assert registry.count(catalogue.VOICE_OVERRUNS) == 2


def test_a_change_of_rate_starts_afresh(voice: config.Voice, speech: Sound) -> None:
    registry = Registry()
    ears = Ears.open(voice, NO_KEYWORDS, registry)
    now = speaking(ears, speech)
    double = np.repeat(speech, 2)
    found = [seen for chunk in chunks(double, 32000, 960, now) for seen in ears.hear(chunk)]
    assert finals(found)[0].captured_at <= now + 1e-6
    assert len(finals(found)) >= 3
    assert registry.count(catalogue.VOICE_RATE_CHANGES) == 1


def test_speech_before_an_unsupported_rate_is_still_reported(voice: config.Voice, speech: Sound) -> None:
    ears = Ears.open(voice, NO_KEYWORDS)
    now = speaking(ears, speech)
    assert [seen.final for seen in ears.hear(AudioChunk(np.zeros(160, np.float32), 4000, now))] == [True]
    with pytest.raises(SourceError, match="4000 Hz"):
        ears.hear(AudioChunk(np.zeros(160, np.float32), 4000, now + 0.04))
    assert ears.flush() == ()


def test_chunks_dropped_by_a_full_queue_end_the_utterance(voice: config.Voice, speech: Sound) -> None:
    queue: BoundedQueue[AudioChunk] = BoundedQueue(40, AudioChunk.after_loss)
    registry = Registry()
    ears = Ears.open(voice, NO_KEYWORDS, registry)
    now = speaking(ears, speech)
    for chunk in chunks(np.resize(speech, 60 * 480), starts_at=now):
        queue.put(chunk)
    assert queue.dropped == 20
    first = queue.take(0)
    assert first is not None
    assert [seen.final for seen in ears.hear(first)] == [True]
    assert registry.count(catalogue.VOICE_OVERRUNS) == 20
    second = queue.take(0)
    assert second is not None
    assert second.overruns == 0


def test_narrow_sound_is_read_more_as_the_wide(
    voice: config.Voice, speech: Sound, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As from a telephone: 8 kHz, so that the upper half of the spectrum is empty."""
    spectrum = np.fft.rfft(speech)
    spectrum[len(spectrum) // 2 :] = 0
    narrow = np.fft.irfft(spectrum, len(speech)).astype(np.float32)[::2]
    wide = finals(listen(Ears.open(voice, NO_KEYWORDS), speech))

    def distance() -> float:
        found = finals(listen(Ears.open(voice, NO_KEYWORDS), narrow, 8000, 240))
        assert len(found) == len(wide)
        return float(np.mean([np.abs(np.subtract(a.posterior, b.posterior)) for a, b in zip(found, wide, strict=True)]))

    filled = distance()
    monkeypatch.setattr("edge.voice.front_end.filled", lambda mel, _: mel)
    assert filled < 0.5 * distance()


def test_invalid_sound_is_refused(voice: config.Voice) -> None:
    ears = Ears.open(voice, NO_KEYWORDS)
    with pytest.raises(SourceError, match="shape"):
        ears.hear(AudioChunk(np.zeros((2, 2, 2), np.float32), 16000, 0.0))
    with pytest.raises(SourceError, match="rate"):
        ears.hear(AudioChunk(np.zeros(10, np.float32), 4000, 0.0))


def test_an_empty_chunk_gives_nothing(voice: config.Voice) -> None:
    assert Ears.open(voice, NO_KEYWORDS).hear(AudioChunk(np.zeros(0, np.float32), 16000, 0.0)) == ()


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"gone\.json"):
        Ears.open(config.Voice(model=str(tmp_path / "gone.tflite")), NO_KEYWORDS)


def test_without_pocketsphinx_the_voice_goes_on(
    voice: config.Voice, speech: Sound, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    with caplog.at_level(logging.WARNING):
        ears = Ears.open(voice, config.Words())
    assert [record.message for record in caplog.records] == [
        "spoken keywords are left out: spotting spoken keywords needs an optional package: "
        + install_command("keywords")
    ]
    assert finals(listen(ears, speech))


@pytest.mark.corpora
@pytest.mark.parametrize("corpus", ["ravdess/Actor_*", "emodb"])
def test_every_recorded_sentence_is_one_utterance(voice: config.Voice, corpora: Path, corpus: str) -> None:
    import soundfile

    files = sorted((corpora / "voice").glob(f"{corpus}/*.flac"))[::60]
    assert files
    hiss = np.random.default_rng(2).normal(0, 3e-4, 16000).astype(np.float32)
    counts = []
    for file in files:
        sound, rate = soundfile.read(file, dtype="float32")
        counts.append(len(finals(listen(Ears.open(voice, NO_KEYWORDS), np.concatenate([hiss, sound, hiss]), rate))))
    assert np.mean(np.array(counts) == 1) > 0.9
