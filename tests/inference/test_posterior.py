"""From logits to probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from edge.inference.posterior import shares, sigmoid, softmax

LOGITS = np.array([[2.0, -1.0, -3.0], [-8.0, -9.0, -7.5], [0.0, 0.0, 0.0]])


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
