"""Decision fusion: right with any sense missing, stale or silent, and not moved by one odd frame."""

from __future__ import annotations

import itertools
import math

import pytest

from edge.config import Fusion
from edge.emotions import COUNT, LABELS
from edge.fusion.decision import DecisionFusion
from edge.observation import Estimate, Observation, Sense


def posterior(label: str, p: float = 0.8) -> tuple[float, ...]:
    return tuple(p if name == label else (1 - p) / (COUNT - 1) for name in LABELS)


def say(sense: Sense, label: str, at: float, *, p: float = 0.8, quality: float = 1.0, person: int = 0) -> Observation:
    return Observation(sense, at, posterior(label, p), quality, person)


def contribution(estimate: Estimate, sense: Sense):  # type: ignore[no-untyped-def]
    return next(part for part in estimate.contributions if part.sense == sense)


@pytest.fixture
def fusion() -> DecisionFusion:
    return DecisionFusion(Fusion())


def run(
    fusion: DecisionFusion, label: str, start: float, stop: float, step: float = 1 / 15, **kwargs: float
) -> Estimate:
    """A face shows `label` from `start` to `stop`, an estimate after each frame."""
    estimate = fusion.estimate(start)
    frames = round((stop - start) / step)
    for i in range(1, frames + 1):
        at = start + i * step
        fusion.add(say("face", label, at, **kwargs))  # type: ignore[arg-type]
        estimate = fusion.estimate(at)
    return estimate


def test_knowing_nothing_is_neutral_with_low_confidence_and_says_why(fusion: DecisionFusion) -> None:
    estimate = fusion.estimate(0.0)
    assert estimate.label == "neutral"
    assert estimate.confidence < 0.3
    assert math.isclose(sum(estimate.posterior), 1.0)
    assert [part.missing for part in estimate.contributions] == ["no face", "silence", "no words"]
    assert estimate.ages is None


@pytest.mark.parametrize("sense", ["face", "voice", "words"])
@pytest.mark.parametrize("label", LABELS)
def test_one_sense_alone_carries_the_estimate(fusion: DecisionFusion, sense: Sense, label: str) -> None:
    for i in range(40):
        fusion.add(say(sense, label, i * 0.1))
        estimate = fusion.estimate(i * 0.1)
    assert estimate.label == label
    assert contribution(estimate, sense).weight == pytest.approx(1.0)


def test_one_odd_frame_flips_nothing(fusion: DecisionFusion) -> None:
    run(fusion, "happiness", 0, 3)
    fusion.add(say("face", "anger", 3.05, p=0.99))
    labels = set()
    for i in range(20):
        fusion.add(say("face", "happiness", 3.1 + i / 15))
        labels.add(fusion.estimate(3.1 + i / 15).label)
    assert labels == {"happiness"}


def test_a_lasting_change_is_followed_within_two_seconds(fusion: DecisionFusion) -> None:
    assert run(fusion, "happiness", 0, 4).label == "happiness"
    assert run(fusion, "anger", 4, 6).label == "anger"


def test_evidence_fades_and_then_is_stale(fusion: DecisionFusion) -> None:
    run(fusion, "sadness", 0, 2)
    young = fusion.estimate(2.1)
    assert contribution(young, "face").age == pytest.approx(0.1)
    old = fusion.estimate(2 + 3 * Fusion().face_memory_s + 0.1)
    assert contribution(old, "face").missing == "stale"
    for i in range(50):
        last = fusion.estimate(5 + i * 0.2)
    assert last.label == "neutral"
    assert last.confidence < 0.3


def test_the_condition_is_the_reason_once_evidence_is_gone(fusion: DecisionFusion) -> None:
    run(fusion, "sadness", 0, 2)
    fusion.report("face", "camera /dev/video0 gone")
    assert contribution(fusion.estimate(2.1), "face").missing is None
    assert contribution(fusion.estimate(9.0), "face").missing == "camera /dev/video0 gone"
    fusion.report("face", None)
    fusion.add(say("face", "sadness", 9.1))
    assert contribution(fusion.estimate(9.1), "face").missing is None


def test_low_quality_weighs_less_than_high_quality(fusion: DecisionFusion) -> None:
    for i in range(40):
        fusion.add(say("face", "anger", i * 0.1, quality=0.1))
        fusion.add(say("voice", "happiness", i * 0.1, quality=1.0))
        estimate = fusion.estimate(i * 0.1)
    assert estimate.label == "happiness"
    assert contribution(estimate, "face").weight < 0.2
    assert sum(part.weight for part in estimate.contributions) == pytest.approx(1.0)


def test_agreement_is_surer_than_one_sense(fusion: DecisionFusion) -> None:
    alone = DecisionFusion(Fusion())
    for i in range(40):
        alone.add(say("face", "fear", i * 0.1, p=0.6))
        fusion.add(say("face", "fear", i * 0.1, p=0.6))
        fusion.add(say("voice", "fear", i * 0.1, p=0.6))
        one, both = alone.estimate(i * 0.1), fusion.estimate(i * 0.1)
    assert both.confidence > one.confidence


def test_a_zero_in_one_posterior_is_no_veto(fusion: DecisionFusion) -> None:
    sure = tuple(1.0 if label == "neutral" else 0.0 for label in LABELS)
    for i in range(40):
        fusion.add(Observation("words", i * 0.1, sure, 0.3))
        fusion.add(say("face", "anger", i * 0.1, p=0.95))
        estimate = fusion.estimate(i * 0.1)
    assert estimate.label == "anger"


def test_only_the_attended_face_counts_and_a_new_one_starts_afresh(fusion: DecisionFusion) -> None:
    fusion.attend(1)
    for i in range(30):
        fusion.add(say("face", "anger", i * 0.1, person=1))
        fusion.add(say("face", "happiness", i * 0.1, person=2))
        estimate = fusion.estimate(i * 0.1)
    assert (estimate.label, estimate.person) == ("anger", 1)
    fusion.attend(2)
    assert contribution(fusion.estimate(3.0), "face").missing == "no face"
    labels = []
    for i in range(30):
        fusion.add(say("face", "happiness", 3 + i * 0.1, person=2))
        estimate = fusion.estimate(3 + i * 0.1)
        labels.append(estimate.label)
    assert (labels[-1], estimate.person) == ("happiness", 2)
    # Not for a moment is the anger of the one said of the other.
    assert "anger" not in labels


def test_a_worthless_observation_is_weighed_as_nothing(fusion: DecisionFusion) -> None:
    fusion.add(say("voice", "anger", 0.0, quality=0.0))
    for i in range(20):
        estimate = fusion.estimate(i * 0.1)
    assert estimate.label == "neutral"
    assert all(math.isfinite(p) for p in estimate.posterior)


def test_two_labels_close_together_do_not_flap(fusion: DecisionFusion) -> None:
    labels = []
    for i in range(200):
        near = tuple(
            0.36 if n == ("anger", "disgust")[i // 5 % 2] else 0.34 if n in ("anger", "disgust") else 0.06
            for n in LABELS
        )
        fusion.add(Observation("face", i / 15, near, 1.0))
        labels.append(fusion.estimate(i / 15).label)
    settled = labels[30:]
    assert sum(a != b for a, b in itertools.pairwise(settled)) == 0


def test_a_late_observation_neither_crashes_nor_rules(fusion: DecisionFusion) -> None:
    for i in range(30):
        fusion.add(say("voice", "happiness", 10 + i * 0.1))
    fusion.add(say("voice", "anger", 1.0, p=0.99))
    for i in range(20):
        estimate = fusion.estimate(13 + i * 0.1)
    assert estimate.label == "happiness"


@pytest.mark.parametrize("bad", [(0.5,) * 6, (math.nan,) * 7, (math.inf,) + (0.0,) * 6])
def test_an_observation_that_is_none_is_refused(bad: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="posterior"):
        Observation("face", 0.0, bad, 1.0)
    with pytest.raises(ValueError, match="quality"):
        Observation("face", 0.0, posterior("fear"), 1.5)
