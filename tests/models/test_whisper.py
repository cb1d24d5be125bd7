"""Whisper's encoder: its file format, its arithmetic against plain NumPy, and the statistics over sounding steps."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.errors import ModelError
from models.voice.whisper import weights


def text(name: str) -> bytes:
    return struct.pack("<H", len(name) + 1) + name.encode() + b"\0"


def variable(name: str, values: NDArray[Any], kind: int) -> bytes:
    shape = struct.pack(f"<{values.ndim}I", *values.shape)
    return (
        text(name) + struct.pack("<B", values.ndim) + shape + struct.pack("<BI", kind, values.nbytes) + values.tobytes()
    )


def file(*variables: bytes, version: int = 6) -> bytes:
    head = struct.pack("<I", version) + text("WhisperSpec") + struct.pack("<II", 3, len(variables))
    return head + b"".join(variables) + struct.pack("<I", 0)


KERNEL = np.arange(6, dtype=np.float16).reshape(2, 3)


def test_arrays_of_the_encoder_are_read() -> None:
    other = variable("decoder/kernel", KERNEL, 4)
    heads = variable("encoder/num_heads", np.array(6, np.int16), 2)
    found = weights.unpack(file(other, heads, variable("encoder/conv1/weight", KERNEL, 4)))
    assert list(found) == ["conv1/weight"]
    assert (found["conv1/weight"] == KERNEL).all()


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"not a model",
        file(variable("encoder/a", KERNEL, 4), version=5),
        file(variable("encoder/a", KERNEL, 4))[:-6],
        file(variable("encoder/a", KERNEL, 0)),
        file(variable("encoder/a", KERNEL, 99)),
    ],
)
def test_a_damaged_file_is_refused_in_one_line(damaged: bytes) -> None:
    with pytest.raises(ModelError, match="not a CTranslate2 model") as refused:
        weights.unpack(damaged)
    assert "\n" not in str(refused.value)


def made_up(depth: int) -> weights.Weights:
    """Random weights of the sizes of `tiny.en`."""
    rng = np.random.default_rng(5)

    def some(*shape: int, scale: float = 0.05) -> NDArray[np.float16]:
        return (scale * rng.standard_normal(shape)).astype(np.float16)

    found = {
        "conv1/weight": some(384, 80, 3),
        "conv1/bias": some(384),
        "conv2/weight": some(384, 384, 3),
        "conv2/bias": some(384),
        "position_encodings/encodings": some(1500, 384, scale=1.0),
    }
    for number in range(depth):
        part = f"layer_{number}"
        for norm in ("self_attention", "ffn"):
            found[f"{part}/{norm}/layer_norm/gamma"] = some(384) + np.float16(1)
            found[f"{part}/{norm}/layer_norm/beta"] = some(384)
        for name, outputs, inputs in (
            ("self_attention/linear_0", 1152, 384),
            ("self_attention/linear_1", 384, 384),
            ("ffn/linear_0", 1536, 384),
            ("ffn/linear_1", 384, 1536),
        ):
            found[f"{part}/{name}/weight"], found[f"{part}/{name}/bias"] = some(outputs, inputs), some(outputs)
        found[f"{part}/self_attention/linear_0/bias"][384:768] = 0  # Whisper's keys have no bias
    return found


def plain(mel: NDArray[np.float64], given: weights.Weights) -> list[NDArray[np.float64]]:
    """The encoder's first layers as the paper describes them, on (300, 80) values in Whisper's own scale."""
    w = {name: value.astype(np.float64) for name, value in given.items()}

    def gelu(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))))

    def conv(x: NDArray[np.float64], name: str, stride: int) -> NDArray[np.float64]:
        padded = np.pad(x, ((1, 1), (0, 0)))
        steps = range(0, len(x), stride)
        columns = np.stack([padded[i : i + 3].T.ravel() for i in steps])
        return np.asarray(columns @ w[f"{name}/weight"].reshape(384, -1).T + w[f"{name}/bias"])

    def norm(x: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        scaled = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)
        return np.asarray(scaled * w[f"{name}/layer_norm/gamma"] + w[f"{name}/layer_norm/beta"])

    def dense(x: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        return np.asarray(x @ w[f"{name}/weight"].T + w[f"{name}/bias"])

    x = gelu(conv(gelu(conv(mel, "conv1", 1)), "conv2", 2)) + w["position_encodings/encodings"][:150]
    found = [x]
    while f"layer_{len(found) - 1}/ffn/linear_0/bias" in w:
        part = f"layer_{len(found) - 1}"
        query, key, value = np.split(dense(norm(x, f"{part}/self_attention"), f"{part}/self_attention/linear_0"), 3, 1)
        mixed = []
        for head in range(6):
            of = slice(64 * head, 64 * head + 64)
            likeness = query[:, of] @ key[:, of].T / 8
            likeness = np.exp(likeness - likeness.max(1, keepdims=True))
            mixed.append(likeness / likeness.sum(1, keepdims=True) @ value[:, of])
        x = x + dense(np.concatenate(mixed, 1), f"{part}/self_attention/linear_1")
        x = x + dense(gelu(dense(norm(x, f"{part}/ffn"), f"{part}/ffn/linear_0")), f"{part}/ffn/linear_1")
        found.append(x)
    return found


def test_the_encoder_computes_what_the_paper_describes() -> None:
    from models.voice.whisper import encoder

    given = made_up(2)
    model = encoder.build(2)
    encoder.load(model, given, 2)
    mel = np.random.default_rng(1).random((300, 80))
    expected = plain((8 * (mel - 1) + encoder.PEAK + 4) / 4, given)
    for found, wanted in zip(model(mel[None].astype(np.float32)), expected, strict=True):
        assert np.asarray(found)[0] == pytest.approx(wanted, abs=2e-3 * np.abs(wanted).max())


def test_statistics_leave_out_what_lies_behind_the_sound() -> None:
    from models.voice.whisper.pooling import sounding, statistics

    mel = np.zeros((1, 300, 80), np.float32)
    mel[0, :101, 3] = 0.5
    mask = np.asarray(sounding(mel))
    assert mask.sum() == 51  # the step that is half sound counts
    values = np.random.default_rng(2).standard_normal((1, 150, 5)).astype(np.float32)
    found = np.asarray(statistics(values, mask))[0]
    assert found[:5] == pytest.approx(values[0, :51].mean(0), abs=1e-5)
    assert found[5:] == pytest.approx(values[0, :51].std(0), abs=1e-3)
    assert np.isfinite(np.asarray(statistics(values, 0 * mask))).all()


def test_a_coarse_spectrogram_is_spread_over_the_finer_one() -> None:
    from support.voices import speechlike

    from edge.voice.logmel import logmel
    from models.voice.whisper import mels

    sound = speechlike(1.5, 4)
    fine, coarse = mels.fine(sound), mels.fine(logmel(sound))
    assert coarse.shape == fine.shape
    assert coarse.max() == 1
    assert abs(int((coarse > 0).any(1).sum()) - 150) < 20
    assert np.corrcoef(fine[:130].ravel(), coarse[:130].ravel())[0, 1] > 0.8
    assert not mels.from_coarse(np.zeros((64, 188), np.float32)).any()


def test_long_clips_are_covered_by_windows_and_variants_differ() -> None:
    from support.voices import RATE, speechlike

    from models.voice.whisper import mels

    sound = speechlike(5.2, 4)
    parts = mels.windows(sound)
    assert [len(part) for part in parts] == [3 * RATE] * 3
    assert (parts[-1] == sound[-3 * RATE :]).all()
    assert len(mels.windows(sound[: 2 * RATE])) == 1
    one, other = (mels.variant(sound, np.random.default_rng(seed), in_noise=True) for seed in (1, 2))
    assert one.shape == (300, 80)
    assert one.max() == pytest.approx(1)
    assert np.abs(one - other).mean() > 0.02
