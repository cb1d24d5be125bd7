"""The log-mel front end against an independent implementation and against the corpus stored in its form."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.hearing.cleaning import STEP
from edge.hearing.resample import Resampler
from edge.hearing.utterance import ALIGN_STEPS
from edge.voice.logmel import BANDS, FRAMES, HOP, RATE, LogMelStream, logmel, mel_filters


def slaney_mel(hertz: float) -> float:
    """Auditory Toolbox: 3 mel every 200 Hz up to 1 kHz, then 27 mel for every factor of 6.4."""
    return hertz * 3 / 200 if hertz <= 1000 else 15 + 27 * np.log(hertz / 1000) / np.log(6.4)


def slaney_hertz(mel: float) -> float:
    return mel * 200 / 3 if mel <= 15 else 1000 * 6.4 ** ((mel - 15) / 27)


def written_out(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """The same by the definitions, in double precision, frame by frame and band by band."""
    sound = np.zeros(3 * RATE)
    sound[: min(len(samples), 3 * RATE)] = samples[: 3 * RATE]
    padded = np.pad(sound, 512)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024) / 1024)
    power = np.array(
        [np.abs(np.fft.fft(padded[256 * t : 256 * t + 1024] * window)[:513]) ** 2 for t in range(len(sound) // 256 + 1)]
    )
    corners = [slaney_hertz(mel) for mel in np.linspace(0, slaney_mel(8000), 130)]
    mel = np.zeros((128, len(power)))
    for band in range(128):
        low, middle, high = corners[band : band + 3]
        for line in range(513):
            hertz = line * RATE / 1024
            if low < hertz < high:
                slope = (hertz - low) / (middle - low) if hertz <= middle else (high - hertz) / (high - middle)
                mel[band] += power[:, line] * slope * 2 / (high - low)
    decibels = np.maximum(10 * np.log10(np.maximum(mel, 1e-12 * mel.max()) / mel.max()), -80)
    pairs = 10 ** (decibels / 10)
    return (10 * np.log10((pairs[0::2] + pairs[1::2]) / 2) + 80) / 80


def speechlike(seconds: float, seed: int = 0) -> NDArray[np.float32]:
    """A voice-like buzz whose pitch and loudness move, over a little hiss."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(140 + 40 * np.sin(2 * np.pi * 1.3 * t)) / RATE
    buzz = sum(np.cos(k * phase) / k**1.2 for k in range(1, 25))
    swell = 0.02 + np.sin(2 * np.pi * 2.1 * t) ** 2
    return np.asarray(0.1 * buzz * swell + 1e-4 * rng.standard_normal(len(t)), np.float32)


@pytest.mark.parametrize("seconds", [3.0, 1.234, 0.4, 5.0])
def test_equals_the_definition_written_out(seconds: float) -> None:
    sound = speechlike(seconds)
    assert np.abs(logmel(sound) - written_out(sound)).max() < 0.02 / 80  # a fiftieth of a decibel


def test_shape_dtype_and_range() -> None:
    found = logmel(speechlike(2.0))
    assert found.shape == (BANDS, FRAMES) == (64, 188)
    assert found.dtype == np.float32
    assert found.min() == 0.0  # the padding is at the floor
    # The loudest cell of 128 bands is 0 dB; averaged with its neighbour it is at most 3 dB less.
    assert 1 - 3.02 / 80 <= found.max() <= 1.0


@pytest.mark.parametrize("gain", [1e-3, 0.1, 7.0])
def test_level_is_lost(gain: float) -> None:
    sound = speechlike(1.5)
    assert np.allclose(logmel(sound * np.float32(gain)), logmel(sound), atol=1e-4)


@pytest.mark.parametrize("length", [0, 1, 159, 48_000])
def test_digital_silence_of_any_length_is_the_floor(length: int) -> None:
    assert not logmel(np.zeros(length, np.float32)).any()


def test_one_sample_is_enough() -> None:
    found = logmel(np.ones(1, np.float32))
    assert np.isfinite(found).all()
    assert found[:, 4:].max() == 0.0


def test_a_tone_lies_in_its_band_and_moves_up_with_its_pitch() -> None:
    t = np.arange(RATE) / RATE
    rows = [
        int(logmel(np.sin(2 * np.pi * hertz * t).astype(np.float32)).mean(1).argmax()) for hertz in (220, 880, 3520)
    ]
    corners = np.array([slaney_hertz(mel) for mel in np.linspace(0, slaney_mel(8000), 130)])
    expected = [int(np.abs(corners[1:-1] - hertz).argmin()) // 2 for hertz in (220, 880, 3520)]
    assert all(abs(row - wanted) <= 1 for row, wanted in zip(rows, expected, strict=True)), (rows, expected)


def test_every_filter_has_the_same_area() -> None:
    # In the continuous limit; the narrow low filters see only a line or two.
    areas = mel_filters()[60:].sum(1) * RATE / 1024
    assert np.allclose(areas, 1.0, atol=0.05)


def test_sound_after_three_seconds_is_ignored() -> None:
    sound = speechlike(4.0)
    louder = sound.copy()
    louder[3 * RATE + 512 :] *= 100
    assert np.array_equal(logmel(sound), logmel(louder))


def test_a_growing_and_sliding_stream_equals_the_batch_and_transforms_each_frame_once() -> None:
    sound, stream = speechlike(20.0), LogMelStream()
    beginnings = []
    for end in range(6_400, len(sound) + 1, 8_000):
        first = max(0, -(-(end - 3 * RATE) // 1280) * 1280)
        beginnings.append(first)
        piece = sound[first:end]
        assert np.abs(stream.read(piece, first) - logmel(piece)).max() < 1e-4
    assert max(beginnings) > 16 * RATE
    # Each inner frame once; at each reading at most 2 that reach over the beginning and 5 over the end.
    inner = len(sound) // HOP
    assert inner - 5 <= stream.transformed <= inner + 7 * len(beginnings)


def test_a_loud_moment_that_slides_out_of_a_stream_changes_the_reference() -> None:
    sound, stream = speechlike(6.0), LogMelStream()
    sound[8_000:8_400] *= 30
    for first in (0, 1280, 12_800, 25_600):
        piece = sound[first : first + 3 * RATE]
        assert np.abs(stream.read(piece, first) - logmel(piece)).max() < 1e-4


@pytest.mark.parametrize(
    ("first", "end", "position"),
    [
        (0, 20_000, 0),  # the same beginning, cut shorter
        (0, 30_000, 256 * 50),  # the sound does not match the position
        (256 * 7, 30_000, 0),
        (300, 40_000, 300),  # between two frames
        (256 * 3, 40_000, 256 * 3),
        (0, 300, 0),  # shorter than a frame
        (0, 0, 0),
        (256 * 117, 256 * 117 + 1_000, 256 * 117),  # almost nothing in common
        (40_000, 60_000, 40_192),
        (0, 80_000, 0),  # longer than the evaluated three seconds
    ],
)
def test_a_stream_equals_the_batch_whatever_comes_next(first: int, end: int, position: int) -> None:
    sound, stream = speechlike(5.0), LogMelStream()
    stream.read(sound[:30_000], 0)
    for _ in range(2):
        assert np.abs(stream.read(sound[first:end], position) - logmel(sound[first:end])).max() < 1e-4


def test_a_stream_keeps_no_hold_of_the_callers_array() -> None:
    sound, stream = speechlike(1.0), LogMelStream()
    stream.read(sound, 0)
    sound[:] = speechlike(1.0, seed=5)
    assert np.abs(stream.read(sound, 0) - logmel(sound)).max() < 1e-4


@pytest.mark.corpora
def test_a_waveform_gives_what_the_stored_corpus_looks_like(corpora: Path) -> None:
    """CREMA-D is stored as spectrograms only: another corpus through our front end must look alike, band by band."""
    import soundfile

    folder = corpora / "voice"
    with np.load(folder / "crema_d" / "logmel64_webp.npz", allow_pickle=False) as file:
        blob, offset = file["blob"], file["offset"]
    stored = np.stack(
        [
            np.asarray(cv2.imdecode(blob[offset[i] : offset[i + 1]], cv2.IMREAD_GRAYSCALE)) / 63.0
            for i in range(0, len(offset) - 1, 60)
        ]
    )
    clips = sorted((folder / "ravdess").glob("Actor_*/*.flac"))[::12]
    ours = np.stack([logmel(soundfile.read(clip, dtype="float32")[0]) for clip in clips])
    profiles = [np.array([mel[:, mel.max(0) > 0].mean(1) for mel in corpus]).mean(0) for corpus in (stored, ours)]
    # Voices have the same profile over the bands whoever recorded them; a wrong scale, window or order would not.
    assert np.corrcoef(*profiles)[0, 1] > 0.8
    # Both reach the top of the range and no further.
    assert np.median(stored.max((1, 2))) > 0.97
    assert np.median(ours.max((1, 2))) > 0.97


def sound_of(clip: Path) -> NDArray[np.float32]:
    """The sound track of a file, at 16 kHz."""
    import av

    with av.open(str(clip)) as container:
        rate = container.streams.audio[0].rate
        sound = np.concatenate([frame.to_ndarray().mean(0) for frame in container.decode(audio=0)])
    return Resampler(rate).push(np.concatenate([sound, np.zeros(rate // 10)]).astype(np.float32))


@pytest.mark.corpora
def test_a_clip_of_crema_d_gives_its_stored_spectrogram(corpora: Path) -> None:
    """Of four clips the sound is at hand: what we make of it is what is stored, to the precision that has."""
    pytest.importorskip("av")
    folder = corpora
    with np.load(folder / "voice" / "crema_d" / "logmel64_webp.npz", allow_pickle=False) as file:
        blob, offset, names = file["blob"], file["offset"], list(file["name"])
    clips = sorted((folder / "av" / "crema_d").glob("*.flv"))
    assert len(clips) == 4
    for clip in clips:
        i = names.index(clip.stem)
        stored = np.asarray(cv2.imdecode(blob[offset[i] : offset[i + 1]], cv2.IMREAD_GRAYSCALE)) / 63.0
        ours = logmel(sound_of(clip))
        errors = []
        for shift in range(-6, 7):  # the films' sound lies some encoder frames later than the corpus's
            moved = np.roll(ours, shift, 1)
            heard = (stored > 0.3) & (moved > 0)
            errors.append(80 * np.abs(stored[heard] - moved[heard]).mean())
        assert min(errors) < 3.0, (clip.stem, errors)  # decibels, after two lossy codings


def test_an_utterance_moves_by_whole_frames() -> None:
    """Hearing cuts the beginning of a long utterance in pieces that the spectrogram can follow."""
    assert ALIGN_STEPS * STEP % HOP == 0
