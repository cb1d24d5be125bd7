"""What `models.fusion.train` learns from made-up data whose answer is known."""

from __future__ import annotations

import importlib
from pathlib import Path

import msgspec
import numpy as np
import pytest
from support.fusion_numbers import parameters

from edge import shipped
from edge.emotions import COUNT
from edge.inference import card as cards
from edge.observation import Observation
from models.fusion import independence, reliability, stay, steadiness, trial
from models.fusion.evaluate import PROTOCOLS
from models.fusion.pairing import Material, trials
from models.fusion.samples import Samples


def observed(count: int, prior: np.ndarray, seed: int, sharpness: float = 2.0) -> tuple[Samples, np.ndarray]:
    """Samples of a calibrated model that assumes `prior`, and their (n, 7) likelihoods."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, COUNT, count)
    evidence = rng.normal(0, sharpness**0.5, (count, COUNT))
    evidence[np.arange(count), label] += sharpness  # Gaussian evidence of which the log-likelihood ratio is linear
    posterior = prior * np.exp(evidence)
    posterior /= posterior.sum(1, keepdims=True)
    return Samples(posterior, np.ones(count), label, np.arange(count)), np.exp(evidence)


def test_the_implied_prior_is_divided_out_and_a_calibrated_model_keeps_its_likelihood() -> None:
    prior = np.array([0.05, 0.05, 0.1, 0.2, 0.4, 0.1, 0.1])
    samples, likelihood = observed(2500, prior, 1)
    card = msgspec.structs.replace(
        cards.read(cards.card_path(shipped.model("face", "face_small"))), prior=tuple(prior.tolist())
    )
    learnt = reliability.learn(samples, card)
    found = np.exp(learnt.log_posterior)
    expected = likelihood / likelihood.sum(1, keepdims=True)
    assert np.abs(found - expected).mean() < 0.02
    assert learnt.after == pytest.approx(learnt.before, abs=0.02)


def test_a_model_that_confuses_two_labels_is_corrected() -> None:
    samples, _ = observed(1500, np.full(COUNT, 1 / COUNT), 2)
    swapped = samples.posterior.copy()
    swapped[:, [0, 1]] = swapped[:, [1, 0]]
    card = cards.read(cards.card_path(shipped.model("face", "face_small")))
    card = msgspec.structs.replace(card, prior=())
    learnt = reliability.learn(Samples(swapped, samples.quality, samples.label, samples.group), card)
    right = learnt.log_posterior.argmax(1) == samples.label
    plain = samples.posterior.argmax(1) == samples.label
    assert learnt.after < learnt.before - 0.1
    assert right.mean() > plain.mean() - 0.06
    assert (swapped.argmax(1) == samples.label).mean() < plain.mean() - 0.1


def test_a_group_stays_in_one_fold() -> None:
    group = np.repeat(np.arange(40), 25)
    fold = reliability.fold_of(group)
    assert set(fold.tolist()) == set(range(reliability.FOLDS))
    assert all(len(set(fold[group == one].tolist())) == 1 for one in range(40))


@pytest.mark.parametrize(("independent", "low", "high"), [(True, 0.85, 1.0), (False, 0.0, 0.1)])
def test_the_exponent_tells_independent_from_repeated_errors(independent: bool, low: float, high: float) -> None:
    samples, likelihood = observed(2000, np.full(COUNT, 1 / COUNT), 3)
    log = np.log(likelihood / likelihood.sum(1, keepdims=True))
    if independent:
        group = np.arange(2000) // 200
        label = samples.label
    else:
        log, label, group = (np.repeat(one, 2, axis=0) for one in (log, samples.label, np.arange(2000)))
    assert low <= independence.learn(log, label, group, 1) <= high


def test_the_stay_time_of_simulated_dialogues_is_found(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    lines = ["Utterance,Speaker,Emotion,Scene_ID,Utterance_ID,Season,Episode,Start_Time,End_Time"]
    names = ("Joyful", "Mad", "Sad", "Neutral")
    for scene in range(60):
        emotion, at = rng.integers(4), 0
        for number in range(40):
            gap = int(rng.choice([2, 5, 15, 40]))
            at += gap
            if rng.random() > np.exp(-gap / 20):
                emotion = rng.integers(4)
            clock = f"00:{at // 60:02}:{at % 60:02}.000"
            lines.append(f"x,['A'],{names[emotion]},{scene},{number},1,1,{clock},{clock}")
    folder = tmp_path / "text" / "emorynlp"
    folder.mkdir(parents=True)
    (folder / "emorynlp_train_final.csv").write_text("\n".join(lines) + "\n")
    found = stay.learn(tmp_path)
    assert found.stay_s == pytest.approx(20, rel=0.25)
    assert found.consistency > 0.9


def sure(sense: str, label: int, at: float = 0.0, *, final: bool = True) -> Observation:
    posterior = [0.02] * COUNT
    posterior[label] = 0.88
    return Observation(sense, at, tuple(posterior), 1.0, final=final)  # type: ignore[arg-type]


def material() -> Material:
    every = range(COUNT)
    return Material(
        faces=[sure("face", label) for label in every],
        face_labels=list(every),
        voices=[[sure("voice", label, 0.7, final=False), sure("voice", label, 1.3)] for label in every],
        voice_labels=list(every),
        texts=[sure("words", label) for label in every],
        text_labels=list(every),
    )


def test_a_trial_pairs_items_of_one_label_and_ends_the_voice_at_0() -> None:
    made = trials(material(), per_label=3)
    assert [one.label for one in made] == [label for label in range(COUNT) for _ in range(3)]
    for one in made:
        assert {int(np.argmax(seen.posterior)) for stream in one.streams.values() for seen in stream} == {one.label}
        assert [seen.captured_at for seen in one.streams["voice"]] == pytest.approx([-0.6, 0.0])


@pytest.mark.parametrize("mask", [*trial.SUBSETS, *trial.DISTURBANCES], ids=lambda mask: mask.name)
def test_sure_senses_are_right_under_every_mask(mask: trial.Mask) -> None:
    made = trials(material(), per_label=2)
    result = trial.play(made, mask, 1, parameters())
    for at in trial.READ_AT:
        assert result.posterior[at].sum(1) == pytest.approx(1.0)
        assert (result.decided[at] == result.label).mean() >= (1.0 if not mask.disturbed or mask.late else 0.9)


def test_a_late_sense_arrives_late_with_the_time_of_its_capture() -> None:
    late = next(mask for mask in trial.DISTURBANCES if mask.late and mask.disturbed == "voice")
    rng = np.random.default_rng(0)
    arrived = trial.arrivals(trials(material(), per_label=1)[0], late, 2.0, rng)
    found = [(at, one.observations[0].captured_at) for at, one in arrived if one.sense == "voice"]
    assert [at - captured for at, captured in found] == pytest.approx([trial.LATE_S] * 2)
    assert [at for at, _ in arrived] == sorted(at for at, _ in arrived)


def test_steadiness_counts_changes_of_a_still_face_and_the_time_of_a_true_one() -> None:
    count = round(steadiness.STILL_S * trial.FRAME_RATE)
    still = [np.tile([0.88 if i == label else 0.02 for i in range(COUNT)], (count, 1)) for label in (0, 3)]
    found = steadiness.measure(still, parameters(), 1)
    assert found.changes_per_minute == 0.0
    assert 0.0 <= found.reported_s <= 1.4
    flickering = still[0].copy()
    flickering[(np.arange(count) // 45) % 2 == 1] = still[1][0]
    assert steadiness.measure([flickering, *still], parameters(), 1).changes_per_minute > 5


def test_every_protocol_of_the_evaluation_exists() -> None:
    for place in PROTOCOLS.values():
        module, function = place.split(":")
        assert callable(getattr(importlib.import_module(module), function))
