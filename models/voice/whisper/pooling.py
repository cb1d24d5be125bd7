"""Statistics over time of the encoder's output, over the steps that have sound."""

from __future__ import annotations

from typing import Any

from keras import ops

from edge.voice.whisper_mel import BANDS, FRAMES


def statistics(values: Any, mask: Any) -> Any:
    """Mean and standard deviation over the sounding steps.

    Args:
        values: (batch, steps, width).
        mask: (batch, steps, 1), 1 where the step has sound.

    Returns:
        (batch, 2 · width).
    """
    count = ops.maximum(ops.sum(mask, axis=1, keepdims=True), 1.0)
    mean = ops.sum(values * mask, axis=1, keepdims=True) / count
    variance = ops.sum(ops.square(values - mean) * mask, axis=1, keepdims=True) / count
    return ops.concatenate([mean, ops.sqrt(variance + 1e-6)], axis=2)[:, 0]


def sounding(mel: Any) -> Any:
    """(batch, 300, 80) log-mel → (batch, 150, 1): 1 for each step of 20 ms in which any band is above the floor."""
    loudest = ops.max(ops.reshape(mel, (-1, FRAMES // 2, 2 * BANDS)), axis=2, keepdims=True)
    return ops.cast(loudest > 0, "float32")
