"""What a person's neutral state teaches, and how far it may correct, against values computed by hand."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from support.fusion_numbers import NEUTRAL_MEANS, baseline, parameters

from edge import config
from edge.emotions import LABELS, NEUTRAL
from edge.fusion.baseline import Baseline, BaselineNumbers
from edge.fusion.fusion import Fusion
from edge.fusion.person import LONGEST_STEP_S
from edge.inference.card import Card, Tensor
from edge.observation import Attribution, Contribution, Estimate, Observation, Perceived, Sense

SADNESS = LABELS.index("sadness")
ANGER = LABELS.index("anger")

SAD_NEUTRAL = (0.02, 0.02, 0.02, 0.02, 0.72, 0.18, 0.02)
"""A neutral state that looks sad to the model."""


def deviation(posterior: tuple[float, ...]) -> np.ndarray:  # type: ignore[type-arg]
    return np.log(np.asarray(posterior)) - np.asarray(NEUTRAL_MEANS)


def test_nothing_is_corrected_before_something_is_known() -> None:
    fresh = Baseline(baseline())
    assert (fresh.strength, fresh.correction) == (0.0, None)
    assert fresh.correct(SAD_NEUTRAL) is SAD_NEUTRAL


def test_the_deviation_is_shrunk_by_how_little_is_known() -> None:
    one = Baseline(baseline())
    assert one.learn(SAD_NEUTRAL, 1.0, 1.0)
    weight = 0.72
    expected = 0.5 * weight / (weight + 2.0) * deviation(SAD_NEUTRAL)
    expected[NEUTRAL] = 0.0
    assert one.correction == pytest.approx(expected)
    assert one.strength == pytest.approx(0.5 * weight / (weight + 2.0))
    one.learn(SAD_NEUTRAL, 0.5, 4.0)
    weight += 0.72 * 0.5 * 4.0
    expected = 0.5 * weight / (weight + 2.0) * deviation(SAD_NEUTRAL)
    expected[NEUTRAL] = 0.0
    assert one.correction == pytest.approx(expected)


def test_a_correction_moves_the_emotions_and_keeps_a_distribution() -> None:
    one = Baseline(baseline())
    for _ in range(30):
        one.learn(SAD_NEUTRAL, 1.0, 1.0)
    assert one.correction is not None
    corrected = one.correct(SAD_NEUTRAL)
    expected = np.asarray(SAD_NEUTRAL) * np.exp(-np.asarray(one.correction))
    assert corrected == pytest.approx(tuple(expected / expected.sum()))
    assert corrected[SADNESS] < SAD_NEUTRAL[SADNESS]
    assert corrected[NEUTRAL] > SAD_NEUTRAL[NEUTRAL]
    assert one.correction[NEUTRAL] == 0.0


def test_a_zero_is_neither_learnt_nor_corrected_without_bound() -> None:
    one = Baseline(baseline(bound=5.0, strength=1.0))
    sure = tuple(float(label == "neutral") for label in LABELS)
    for _ in range(100):
        one.learn(sure, 1.0, 1.0)
    assert one.correction is not None
    assert np.abs(one.correction).max() < -np.log(1e-3) + 3
    assert all(0 < p < 1 for p in one.correct(sure))


def test_the_correction_is_bounded() -> None:
    one = Baseline(baseline(bound=0.25, strength=1.0))
    for _ in range(1000):
        one.learn((0.001, 0.001, 0.001, 0.001, 0.745, 0.25, 0.001), 1.0, 10.0)
    assert one.correction is not None
    assert one.correction[SADNESS] == 0.25
    assert one.correction[ANGER] == -0.25


def test_only_neutral_teaches_by_the_other_senses_or_else_by_itself() -> None:
    one = Baseline(baseline())
    doubtful = (0.06, 0.06, 0.06, 0.06, 0.64, 0.06, 0.06)
    assert not one.learn(doubtful, 1.0, 1.0)
    assert not one.learn((0.05, 0.05, 0.05, 0.05, 0.7, 0.05, 0.05), 1.0, 1.0)
    assert one.learn((0.04, 0.05, 0.05, 0.05, 0.71, 0.05, 0.05), 1.0, 1.0)
    one = Baseline(baseline())
    assert not one.learn(SAD_NEUTRAL, 1.0, 1.0, other_neutral=0.5)
    assert one.learn(doubtful, 1.0, 1.0, other_neutral=0.51)
    assert one.strength == pytest.approx(0.5 * 0.51 / 2.51)
    # Where the observation itself all but excludes neutral, the others are not believed.
    assert not one.learn((0.51, 0.1, 0.1, 0.1, 0.09, 0.05, 0.05), 1.0, 1.0, other_neutral=0.9)
    assert one.learn((0.5, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05), 1.0, 1.0, other_neutral=0.9)


def test_each_way_of_telling_neutral_has_its_own_population() -> None:
    apart = baseline(own_neutral=(-1.0, *NEUTRAL_MEANS[1:]))
    by_itself, by_others = Baseline(apart), Baseline(apart)
    by_itself.learn(SAD_NEUTRAL, 1.0, 1.0)
    by_others.learn(SAD_NEUTRAL, 1.0, 1.0, other_neutral=0.72)
    assert by_itself.correction is not None
    assert by_others.correction is not None
    share = 0.5 * 0.72 / 2.72
    assert by_itself.correction[ANGER] == pytest.approx(max(-1.0, share * (np.log(0.02) + 1.0)))
    assert by_others.correction[ANGER] == pytest.approx(share * (np.log(0.02) + 3.0))


def test_poor_evidence_freezes_it() -> None:
    one = Baseline(baseline())
    assert not one.learn(SAD_NEUTRAL, 0.29, 1.0)
    assert not one.learn(SAD_NEUTRAL, 1.0, 0.0)
    assert not one.learn(SAD_NEUTRAL, 1.0, -1.0)
    assert one.correction is None
    assert one.learn(SAD_NEUTRAL, 0.3, 1.0)


def test_a_negligible_correction_is_none() -> None:
    usual = tuple(np.exp(NEUTRAL_MEANS) / np.exp(NEUTRAL_MEANS).sum())
    one = Baseline(baseline(neutral=tuple(np.log(usual)), own_neutral=tuple(np.log(usual)), own_gate=0.5))
    assert one.learn(usual, 1.0, 5.0)
    assert one.correction is None
    assert one.correct(usual) is usual


def test_old_evidence_fades_so_that_a_slow_change_is_followed() -> None:
    changing = Baseline(baseline(most_amount=5.0, bound=5.0))
    for _ in range(200):
        changing.learn(SAD_NEUTRAL, 1.0, 1.0)
    assert changing.strength == pytest.approx(0.5 * 5 / 7)
    angry_neutral = (0.18, 0.02, 0.02, 0.02, 0.72, 0.02, 0.02)
    for _ in range(60):
        changing.learn(angry_neutral, 1.0, 1.0)
    fresh = Baseline(baseline(most_amount=5.0, bound=5.0))
    for _ in range(200):
        fresh.learn(angry_neutral, 1.0, 1.0)
    assert changing.correction == pytest.approx(fresh.correction, abs=0.01)


@pytest.mark.parametrize(
    "change",
    [
        {"neutral": (0.0,) * 6},
        {"neutral": (0.1, *NEUTRAL_MEANS[1:])},
        {"half_amount": 0},
        {"strength": 1.1},
        {"bound": -0.1},
        {"other_gate": 2},
        {"most_amount": "5"},
        {"half_amont": 3},
    ],
)
def test_numbers_out_of_range_are_refused(change: dict[str, object]) -> None:
    given = msgspec.to_builtins(baseline())
    assert msgspec.convert(given, BaselineNumbers, strict=False) == baseline()
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**given, **change}, BaselineNumbers)


# In the fusion


def fusion(*, on: bool = True, cards: dict[Sense, Card] | None = None) -> Fusion:
    return Fusion(config.Fusion(baseline=on), cards, numbers=parameters(baseline(), baseline()))


def look(at: float, posterior: tuple[float, ...], quality: float = 0.9, person: int = 1) -> Perceived:
    return Perceived("face", (Observation("face", at, posterior, quality, person),), attended=1, live=frozenset({1, 2}))


def speak(at: float, posterior: tuple[float, ...], *, final: bool = True, kind: Attribution | None = None) -> Perceived:
    by = kind or Attribution("person", 1, 0.9)
    return Perceived("voice", (Observation("voice", at, posterior, 0.9, by.person, final=final, attribution=by),))


def learnt(one: Fusion, sense: Sense = "face", person: int = 1) -> float:
    """Amount of evidence that a person's baseline rests on."""
    baseline = one._persons[person].senses[sense].baseline
    assert baseline is not None
    return baseline._amount


def part(estimate: Estimate, sense: Sense) -> Contribution:
    return next(each for each in estimate.contributions if each.sense == sense)


def watch(one: Fusion, seconds: float, posterior: tuple[float, ...] = SAD_NEUTRAL, step: float = 0.1) -> float:
    at = 0.0
    for tick in range(round(seconds / step) + 1):
        at = tick * step
        one.take(look(at, posterior), at)
    return at


def test_both_estimates_are_visible_once_the_baseline_corrects_something() -> None:
    one = fusion()
    first = one.estimates(watch(one, 0.1))[0]
    assert (part(first, "face").baseline, first.without_baseline) == (0.0, None)
    at = watch(one, 20.0)
    later = one.estimates(at)[0]
    assert later.without_baseline is not None
    assert 0.3 < part(later, "face").baseline < 0.5
    assert later.posterior[SADNESS] < later.without_baseline[SADNESS]
    off = fusion(on=False)
    watch(off, 20.0)
    without = off.estimates(at)[0]
    assert without.posterior == pytest.approx(later.without_baseline)
    assert (without.without_baseline, part(without, "face").baseline) == (None, 0.0)


def test_a_face_teaches_by_the_seconds_it_is_seen_and_a_gap_for_half_a_second_at_most() -> None:
    dense, sparse = fusion(), fusion()
    watch(dense, 3.0, step=0.1)
    watch(sparse, 3.0, step=1.0)
    amounts = [learnt(dense), learnt(sparse)]
    assert amounts == pytest.approx([3.0 * 0.72 * 0.9, 3 * LONGEST_STEP_S * 0.72 * 0.9])


def test_a_second_frame_of_the_same_or_an_earlier_time_teaches_nothing() -> None:
    one = fusion()
    at = watch(one, 1.0)
    before = learnt(one)
    for earlier in (0.0, 0.5):
        one.take(look(at - earlier, SAD_NEUTRAL), at)
    assert learnt(one) == before


def test_an_utterance_counts_once_when_it_is_final() -> None:
    one = fusion()
    one.take(look(0.0, SAD_NEUTRAL), 0.0)
    for tick in range(5):
        one.take(speak(5.0 + 0.1 * tick, SAD_NEUTRAL, final=False), 6.0)
    voice = one._persons[1].senses["voice"].baseline
    assert voice is not None
    assert voice.correction is None
    one.take(speak(5.6, SAD_NEUTRAL), 6.0)
    assert voice._amount == pytest.approx(0.72 * 0.9)


def test_the_other_sense_tells_whether_a_voice_is_neutral() -> None:
    """An angry face keeps a voice that sounds neutral from being learnt, and a neutral face teaches a doubtful one."""
    angry = tuple(0.9 if label == "anger" else 0.1 / 6 for label in LABELS)
    neutral = tuple(0.9 if label == "neutral" else 0.1 / 6 for label in LABELS)
    doubtful = (0.02, 0.02, 0.02, 0.02, 0.46, 0.44, 0.02)
    for shown, said, learns in ((angry, SAD_NEUTRAL, False), (neutral, doubtful, True)):
        one = fusion()
        at = watch(one, 1.0, shown)
        one.take(speak(at, said), at)
        voice = one._persons[1].senses["voice"].baseline
        assert voice is not None
        assert (voice.correction is not None) == learns
    # A face that has not been seen for long says nothing about now.
    one = fusion()
    one.take(look(0.0, angry), 0.0)
    one.take(speak(5.0, SAD_NEUTRAL), 5.0)
    voice = one._persons[1].senses["voice"].baseline
    assert voice is not None
    assert voice.correction is not None


def test_a_person_shown_in_one_emotion_only_is_not_corrected() -> None:
    angry = tuple(0.7 if label == "anger" else 0.05 for label in LABELS)
    one = fusion()
    at = watch(one, 120.0, angry)
    estimate = one.estimates(at)[0]
    assert (estimate.label, estimate.without_baseline, part(estimate, "face").baseline) == ("anger", None, 0.0)


def test_nobody_learns_from_another_person_nor_the_scene_from_anybody() -> None:
    one = fusion()
    at = watch(one, 20.0)
    one.take(look(at, SAD_NEUTRAL, person=2), at)
    for _ in range(20):
        one.take(speak(at, SAD_NEUTRAL, kind=Attribution("off_screen")), at)
        one.take(speak(at, SAD_NEUTRAL, kind=Attribution("unavailable")), at)
    assert learnt(one, "face", 2) == learnt(one, "voice", 1) == 0.0
    assert all(state.baseline is None for state in one._scene.senses.values())
    assert {estimate.without_baseline for estimate in one.estimates(at) if estimate.person != 1} == {None}


def test_what_was_learnt_is_gone_with_the_person() -> None:
    one = fusion()
    at = watch(one, 20.0)
    one.take(Perceived("face", live=frozenset()), at)
    one.take(look(at, SAD_NEUTRAL), at)
    assert part(one.estimates(at)[0], "face").baseline == 0.0


def _card(*inputs: str) -> Card:
    tensors = tuple(Tensor(name=name, shape=(1, 7), dtype="int8") for name in inputs)
    return Card(
        name="voice",
        task="voice",
        version="1",
        file="voice.tflite",
        sha256="0" * 64,
        bytes=1,
        labels=LABELS,
        inputs=tensors,
        outputs=(),
        output_kind="logits",
    )


def test_a_model_with_a_baseline_of_its_own_is_not_corrected_twice() -> None:
    for card, corrected in (
        (_card("serving_default_mel:0"), True),
        (_card("mel", "serving_default_baseline:0"), False),
    ):
        one = fusion(cards={"voice": card})
        watch(one, 0.1)
        assert (one._persons[1].senses["voice"].baseline is not None) == corrected
        assert one._persons[1].senses["face"].baseline is not None


def test_late_evidence_is_corrected_in_both_or_neither() -> None:
    """After the first correction the evidence with and without it are continued separately, and only then."""
    one = fusion()
    watch(one, 0.0)
    state = one._persons[1].senses["face"]
    assert (state.corrects, state.uncorrected is state.evidence) == (False, True)
    at = watch(one, 20.0)
    assert state.corrects
    with_, without = state.evidence.opinion(at), state.uncorrected.opinion(at)
    assert with_ is not None
    assert without is not None
    assert (with_.age, with_.quality) == (without.age, without.quality)
    assert replace(with_, belief=without.belief) == without
