"""Decision fusion: right with any sense missing, stale or silent, and not moved by one odd frame."""

from __future__ import annotations

import itertools
import math

import pytest
from support.fusion_numbers import PRIOR, STALE_FACE_S, parameters

from edge import config
from edge.emotions import COUNT, LABELS
from edge.fusion.fusion import Fusion
from edge.observation import Estimate, Observation, Perceived, Sense


def posterior(label: str, p: float = 0.8) -> tuple[float, ...]:
    return tuple(p if name == label else (1 - p) / (COUNT - 1) for name in LABELS)


def say(sense: Sense, label: str, at: float, *, p: float = 0.8, quality: float = 1.0) -> Observation:
    return Observation(sense, at, posterior(label, p), quality)


def add(fusion: Fusion, observation: Observation) -> None:
    fusion.take(Perceived(observation.sense, (observation,)))


def estimate_of(fusion: Fusion, now: float) -> Estimate:
    """Of the attended person, or of the scene."""
    return fusion.estimates(now)[0]


def contribution(estimate: Estimate, sense: Sense):  # type: ignore[no-untyped-def]
    return next(part for part in estimate.contributions if part.sense == sense)


@pytest.fixture
def fusion() -> Fusion:
    return Fusion(config.Fusion(), numbers=parameters())


def run(fusion: Fusion, label: str, start: float, stop: float, step: float = 1 / 15, **kwargs: float) -> Estimate:
    """A face shows `label` from `start` to `stop`, an estimate after each frame."""
    estimate = estimate_of(fusion, start)
    frames = round((stop - start) / step)
    for i in range(1, frames + 1):
        at = start + i * step
        add(fusion, say("face", label, at, **kwargs))  # type: ignore[arg-type]
        estimate = estimate_of(fusion, at)
    return estimate


def test_without_evidence_the_state_is_neutral_with_low_confidence_and_a_reason(fusion: Fusion) -> None:
    estimate = estimate_of(fusion, 0.0)
    assert estimate.label == "neutral"
    assert estimate.posterior == pytest.approx(PRIOR)
    assert math.isclose(sum(estimate.posterior), 1.0)
    assert [part.missing for part in estimate.contributions] == ["no face", "silence", "no words"]
    assert estimate.ages is None


@pytest.mark.parametrize("sense", ["face", "voice", "words"])
@pytest.mark.parametrize("label", LABELS)
def test_one_sense_alone_carries_the_estimate(fusion: Fusion, sense: Sense, label: str) -> None:
    for i in range(40):
        add(fusion, say(sense, label, i * 0.1))
        estimate = estimate_of(fusion, i * 0.1)
    assert estimate.label == label
    assert contribution(estimate, sense).weight == pytest.approx(1.0)


def test_one_odd_frame_flips_nothing(fusion: Fusion) -> None:
    run(fusion, "happiness", 0, 3)
    add(fusion, say("face", "anger", 3.05, p=0.99))
    labels = set()
    for i in range(20):
        add(fusion, say("face", "happiness", 3.1 + i / 15))
        labels.add(estimate_of(fusion, 3.1 + i / 15).label)
    assert labels == {"happiness"}


def test_a_lasting_change_is_followed_within_two_seconds(fusion: Fusion) -> None:
    assert run(fusion, "happiness", 0, 4).label == "happiness"
    assert run(fusion, "anger", 4, 6).label == "anger"


def test_evidence_fades_and_then_is_stale(fusion: Fusion) -> None:
    run(fusion, "sadness", 0, 2)
    young = estimate_of(fusion, 2.1)
    assert contribution(young, "face").age == pytest.approx(0.1)
    old = estimate_of(fusion, 2 + STALE_FACE_S + 0.1)
    assert contribution(old, "face").missing == "stale"
    for i in range(50):
        last = estimate_of(fusion, 5 + i * 0.2)
    assert last.label == "neutral"
    assert last.posterior == pytest.approx(PRIOR)


def test_the_condition_is_the_reason_once_evidence_is_gone(fusion: Fusion) -> None:
    run(fusion, "sadness", 0, 2)
    fusion.report("face", "camera /dev/video0 gone")
    assert contribution(estimate_of(fusion, 2.1), "face").missing is None
    assert contribution(estimate_of(fusion, 9.0), "face").missing == "camera /dev/video0 gone"
    fusion.report("face", None)
    add(fusion, say("face", "sadness", 9.1))
    assert contribution(estimate_of(fusion, 9.1), "face").missing is None


def test_low_quality_weighs_less_than_high_quality(fusion: Fusion) -> None:
    for i in range(40):
        add(fusion, say("face", "anger", i * 0.1, quality=0.1))
        add(fusion, say("voice", "happiness", i * 0.1, quality=1.0))
        estimate = estimate_of(fusion, i * 0.1)
    assert estimate.label == "happiness"
    assert contribution(estimate, "face").weight < 0.2
    assert sum(part.weight for part in estimate.contributions) == pytest.approx(1.0)


def test_agreement_is_surer_than_one_sense(fusion: Fusion) -> None:
    alone = Fusion(config.Fusion(), numbers=parameters())
    for i in range(40):
        add(alone, say("face", "fear", i * 0.1, p=0.6))
        add(fusion, say("face", "fear", i * 0.1, p=0.6))
        add(fusion, say("voice", "fear", i * 0.1, p=0.6))
        one, both = estimate_of(alone, i * 0.1), estimate_of(fusion, i * 0.1)
    assert both.confidence > one.confidence


def test_a_zero_in_one_posterior_does_not_veto_a_label(fusion: Fusion) -> None:
    sure = tuple(1.0 if label == "neutral" else 0.0 for label in LABELS)
    for i in range(40):
        add(fusion, Observation("words", i * 0.1, sure, 0.2))
        add(fusion, say("face", "anger", i * 0.1, p=0.95))
        estimate = estimate_of(fusion, i * 0.1)
    assert estimate.label == "anger"


def test_a_worthless_observation_is_weighed_as_nothing(fusion: Fusion) -> None:
    add(fusion, say("voice", "anger", 0.0, quality=0.0))
    for i in range(20):
        estimate = estimate_of(fusion, i * 0.1)
    assert estimate.label == "neutral"
    assert all(math.isfinite(p) for p in estimate.posterior)


def test_two_labels_close_together_do_not_flap(fusion: Fusion) -> None:
    labels = []
    for i in range(200):
        near = tuple(
            0.36 if n == ("anger", "disgust")[i // 5 % 2] else 0.34 if n in ("anger", "disgust") else 0.06
            for n in LABELS
        )
        add(fusion, Observation("face", i / 15, near, 1.0))
        labels.append(estimate_of(fusion, i / 15).label)
    settled = labels[30:]
    assert sum(a != b for a, b in itertools.pairwise(settled)) == 0


def test_an_observation_older_by_many_memories_changes_nothing(fusion: Fusion) -> None:
    add(fusion, say("voice", "happiness", 200.0))
    before = contribution(estimate_of(fusion, 200.0), "voice").posterior
    add(fusion, say("voice", "anger", 1.0, p=0.99))
    assert contribution(estimate_of(fusion, 200.0), "voice").posterior == pytest.approx(before)


def test_time_that_runs_back_makes_no_evidence_older_or_newer(fusion: Fusion) -> None:
    run(fusion, "happiness", 0, 3)
    before = estimate_of(fusion, 3.0)
    back = estimate_of(fusion, 1.0)
    assert back.posterior == pytest.approx(before.posterior)
    assert contribution(back, "face").age == 0.0
    assert back.since == before.since
