"""Fusion on RAVDESS: nothing of a fold reaches what is learnt for it, and baselines look back only."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.fusion import products, ravdess, readings, running
from models.fusion.readings import Readings


def made(seed: int = 0, clips: int = 240, sharpness: tuple[float, float] = (3.0, 1.5)) -> Readings:
    """Readings of 12 persons in 4 folds; each person has a constant bias in the second sense."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 8, clips)
    persons = np.array([f"{number % 12:02}" for number in range(clips)])
    biases = 1.5 * rng.standard_normal((12, 8))
    logs = []
    for column, sharp in enumerate(sharpness):
        scores = rng.standard_normal((clips, 8)) + sharp * np.eye(8)[truth]
        logs.append(readings.normalised(scores + column * biases[np.arange(clips) % 12]))
    present = np.ones((clips, 2), bool)
    return Readings(("voice", "face"), tuple(logs), present, truth, np.arange(clips) % 12 % 4, persons)


def accuracy(posterior: np.ndarray, given: Readings) -> float:
    return float((posterior.argmax(1) == given.truth).mean())


def test_a_running_mean_sees_earlier_rows_of_the_same_person_only() -> None:
    values = np.array([[1.0], [10.0], [3.0], [5.0]])
    persons = np.array(["a", "b", "a", "a"])
    counts = np.array([True, True, False, True])
    found = running.running_mean(values, counts, np.array([0, 1, 2, 3]), persons, np.array([2.0]), 1.0)
    assert found[:, 0].tolist() == [2.0, 2.0, 1.5, 1.5]  # the third row does not count for the fourth


def test_the_baseline_of_a_clip_depends_on_no_later_clip() -> None:
    given, order = made(), np.arange(240)
    known = running.population(given)
    before = running.against_baseline(given, known, order, 6.0)
    changed = tuple(log.copy() for log in given.logs)
    for log in changed:
        log[120:] = np.roll(log[120:], 3, axis=1)
    after = running.against_baseline(replace(given, logs=changed), known, order, 6.0)
    np.testing.assert_array_equal(before.logs[1][:120], after.logs[1][:120])
    assert not np.allclose(before.logs[1][180:], after.logs[1][180:])


def test_the_baseline_removes_what_a_person_always_shows() -> None:
    given, order = made(), readings.shuffled(made(), 0)
    corrected = running.against_baseline(given, running.population(given), order, 3.0)
    assert accuracy(corrected.logs[1], given) > accuracy(given.logs[1], given) + 0.05


def test_a_missing_sense_has_no_baseline_and_stays_uniform() -> None:
    given, order = made(), np.arange(240)
    masked = readings.masked(given, "face", "missing", order, np.random.default_rng(0))
    corrected = running.against_baseline(masked, running.population(given), order, 3.0)
    np.testing.assert_allclose(corrected.logs[1], -np.log(8))
    assert not masked.present[:, 1].any()
    assert given.present.all()


def test_the_learnt_product_trusts_the_better_sense_more() -> None:
    given = made(sharpness=(4.0, 0.3))
    voice, face = products.learn(given)
    assert voice > face


def test_powers_for_a_fold_do_not_depend_on_its_clips() -> None:
    given = made()
    other = replace(given, truth=np.where(given.folds == 2, (given.truth + 1) % 8, given.truth))
    learnt = [products.learn(one.rows(one.folds != 2)) for one in (given, other)]
    assert learnt[0] == learnt[1]


def test_a_fold_keeps_the_order_in_which_its_clips_are_seen() -> None:
    given = made(clips=12)
    order = np.array([11, 2, 7, 0, 3, 1, 10, 6, 5, 4, 9, 8])
    inside, places = ravdess.Case("all", given, order).fold(3)
    assert inside.persons.tolist() == ["03", "07", "11"]
    assert inside.persons[places].tolist() == ["11", "07", "03"]


def test_conditions_disturb_one_sense_each() -> None:
    given = made()
    found = {case.name: case.given for case in ravdess.cases(given)}
    assert len(found) == 9
    for name, changed in found.items():
        same = [np.allclose(one, other) for one, other in zip(changed.logs, given.logs, strict=True)]
        assert same == {"voice+face": [True, True], "voice": [False, True], "face": [True, False]}[name.split()[0]]


def test_alone_leaves_the_other_sense_out() -> None:
    given = made()
    np.testing.assert_allclose(products.plain(given.only("voice")), np.exp(given.logs[0]))


@pytest.mark.slow
def test_the_adaptive_fusion_learns_and_is_calibrated_for_a_missing_sense() -> None:
    pytest.importorskip("keras")
    from models.fusion import adaptive

    given = made(clips=240)
    known, test = given.rows(given.folds != 0), given.rows(given.folds == 0)
    fusion = adaptive.learn(known, adaptive.Settings((1.0, 1.0), baseline=6.0, epochs=1, hidden=4), 0)
    assert set(fusion.temperatures) == {(True, True), (True, False), (False, True)}
    order = np.arange(len(test))
    alone = accuracy(products.plain(test.only("face")), test)
    posterior = fusion.posterior(test, order)
    np.testing.assert_allclose(posterior.sum(1), 1.0)
    assert accuracy(posterior, test) > alone
    voice = fusion.posterior(test.only("voice"), order)
    assert accuracy(voice, test) >= accuracy(products.plain(test.only("voice")), test) - 0.05
