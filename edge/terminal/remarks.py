"""What a state says beside its label, as short sentences: who or what decided it, contradictions, other persons."""

from __future__ import annotations

from typing import Final

from edge.emotions import LABELS
from edge.observation import SENSES
from edge.publish.payloads import Contribution, State

LEAST_CONFLICT: Final = 0.1
"""Smallest amount of conflict that is shown; senses never agree entirely."""
MAX_OTHERS: Final = 4
"""Number of other persons that are named; further ones are only counted."""

_ALONE: Final = 0.95
"""Share of the evidence from which one sense counts as the only one."""
_MOSTLY: Final = 0.55
"""Share of the evidence from which one sense counts as the main one."""


def remarks(state: State) -> list[str]:
    """The remarks on a state, the most important first; empty if there is nothing to remark."""
    found = (mostly(state), _second(state), _conflict(state), _baseline(state), _others(state))
    return [remark for remark in found if remark]


def mostly(state: State) -> str:
    """Which sense contributed most, such as `mostly the voice`; empty without evidence."""
    shares = {sense: _part(state, sense).weight for sense in SENSES if _part(state, sense).weight > 0}
    if not shares:
        return ""
    largest = max(shares, key=shares.__getitem__)
    if shares[largest] >= _ALONE or len(shares) == 1:
        return f"only the {largest}"
    if shares[largest] >= _MOSTLY:
        return f"mostly the {largest}"
    *first, last = shares
    return f"{', '.join(first)} and {last} together"


def _second(state: State) -> str:
    second = state.second
    return "" if second is None else f"beside it {second} {getattr(state.probabilities, second):.0%}"


def _conflict(state: State) -> str:
    conflict = state.conflict
    if conflict is None or conflict.amount < LEAST_CONFLICT:
        return ""
    sides = (f"{sense} {label}" for sense in conflict.between if (label := _part(state, sense).label))
    return f"conflict {conflict.amount:.2f}: {' against '.join(sides)}"


def _baseline(state: State) -> str:
    used = [f"{sense} {part.baseline:.0%}" for sense in SENSES if (part := _part(state, sense)).baseline > 0]
    if not used:
        return ""
    without = state.without_baseline
    if without is None:
        return f"baseline: {', '.join(used)}"
    label = max(LABELS, key=lambda name: float(getattr(without, name)))
    return f"baseline: {', '.join(used)}; without it {label} {getattr(without, label):.0%}"


def _others(state: State) -> str:
    if not state.others:
        return ""
    named = [f"person {other.person} {other.label} {other.confidence:.0%}" for other in state.others[:MAX_OTHERS]]
    more = len(state.others) - len(named)
    return f"also here: {', '.join(named)}{f' and {more} more' if more else ''}"


def _part(state: State, sense: str) -> Contribution:
    part: Contribution = getattr(state.contributions, sense)
    return part
