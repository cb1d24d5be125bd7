"""The voice's baseline: the mean embedding of what a speaker has said so far, as an input of the voice model."""

from __future__ import annotations

from typing import Final

_HALF_TRUST: Final = 2.0
"""Number of utterances whose mean is trusted by one half."""


def trust(count: int) -> float:
    """Trust in the mean of `count` utterances, 0…1: count / (count + 2), as the models have learnt it."""
    return count / (count + _HALF_TRUST)
