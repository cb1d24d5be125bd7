"""From logits to probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edge.inference.posterior import shares, sigmoid, softmax

LOGITS = np.array([[2.0, -1.0, -3.0], [-8.0, -9.0, -7.5], [0.0, 0.0, 0.0]])


@pytest.mark.parametrize(
    ("function", "temperature", "expected"),
    [
        (softmax, 1.0, [0.7053845, 0.2594965, 0.0351190]),
        (softmax, 2.0, [0.5465494, 0.3314990, 0.1219517]),
        (sigmoid, 1.0, [0.7310586, 0.5, 0.1192029]),
        (sigmoid, 2.0, [0.6224593, 0.5, 0.2689414]),
        (shares, 1.0, [0.5414200, 0.3702986, 0.0882814]),
        (shares, 2.0, [0.4473616, 0.3593501, 0.1932883]),
    ],
)
def test_golden_values(function: Any, temperature: float, expected: list[float]) -> None:
    """Of logits 1, 0 and −2, computed apart from this code with `math.exp`."""
    logits = np.array([1.0, 0.0, -2.0], np.float32)
    np.testing.assert_allclose(function(logits, temperature), expected, atol=1e-7)
    # Rows do not influence each other: the sum runs along the last axis.
    both = function(np.stack([logits, [5.0, 5.0, 9.0]]), temperature)
    np.testing.assert_allclose(both[0], expected, atol=1e-7)
    assert both.dtype == np.float64


def test_a_temperature_softens() -> None:
    assert softmax(LOGITS).sum(1) == pytest.approx(1)
    assert softmax(LOGITS, 2.0)[0, 0] < softmax(LOGITS)[0, 0]
    assert softmax(LOGITS[2]) == pytest.approx(1 / 3)


def test_shares_are_the_sigmoids_over_their_sum() -> None:
    alone = sigmoid(LOGITS, 0.8)
    assert shares(LOGITS, 0.8) == pytest.approx(alone / alone.sum(1, keepdims=True))
    assert (shares(LOGITS).argmax(1) == LOGITS.argmax(1)).all()


def test_no_logit_is_too_large() -> None:
    far = np.array([-2000.0, -2001.0, 900.0])
    assert shares(far) == pytest.approx([0, 0, 1])
    assert shares(far[:2]) == pytest.approx(softmax(far[:2]))
    assert np.isfinite(softmax(far)).all()
