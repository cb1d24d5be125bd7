"""Speakers' baselines in training and in the protocols, and the scores with and without them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.inference.card import Tensor
from edge.voice.baseline import trust
from models.voice import utterances
from models.voice.clips import Clip
from models.voice.protocols import scores as protocol
from models.voice.protocols.baseline import baselines
from models.voice.protocols.folds import CLASSES, OUTPUTS, head
from models.voice.protocols.reading import read_all
from models.voice.training import baselines as drawn
from models.voice.training.affect import targets as affect_of

SPEAKERS = np.repeat([4, 9], [6, 3])


def test_a_baseline_is_the_mean_of_others_of_the_same_speaker() -> None:
    values = np.eye(9, dtype=np.float32)
    means, share = baselines(values, SPEAKERS, 4)
    for row in range(9):
        others = np.flatnonzero(means[row])
        assert row not in others
        assert set(SPEAKERS[others]) == {SPEAKERS[row]}
        count = 4 if SPEAKERS[row] == 4 else 2
        assert len(others) == count
        assert share[row] == pytest.approx(trust(count))
    assert (baselines(values, SPEAKERS, 4)[0] == means).all()
    nothing, none = baselines(values, SPEAKERS, 0)
    assert not nothing.any()
    assert not none.any()


def test_training_draws_baselines_of_the_speaker_without_the_clip_itself() -> None:
    rng = np.random.default_rng(3)
    speakers = np.repeat([0, 1, 2], [40, 40, 2])
    classes = np.tile([0, 1], 41)
    values = np.eye(82, dtype=np.float32)
    pool = drawn.pool(values, speakers, classes, rng)
    rows = rng.integers(82, size=3000)
    means, trusts = pool.draw(rows, speakers[rows], rng)
    given = trusts[:, 0] > 0
    assert means[np.arange(3000), rows] == pytest.approx(0)
    assert not given[speakers[rows] == 2].any()  # two utterances are too few
    assert 0.5 < given[speakers[rows] < 2].mean() < 0.7
    assert not means[~given].any()
    used = means[given] > 0
    assert all(set(speakers[one]) == {speakers[row]} for one, row in zip(used, rows[given], strict=True))
    assert trusts[given, 0] == pytest.approx([trust(one.sum()) for one in used])
    one_class = [len(set(classes[one])) == 1 for one in used if one.sum() >= 8]
    assert 0.03 < np.mean(one_class) < 0.6


def clips() -> list[Clip]:
    rows = [("RAVDESS", f"{n:02}", name) for n in range(1, 25) for name in CLASSES["RAVDESS"]]
    rows += [("CREMA-D", str(1001 + n), name) for n in range(10) for name in CLASSES["CREMA-D"]]
    rows += [("EMO-DB", one, name) for one in ("03", "08", "09", "10", "11") for name in CLASSES["EMO-DB"]]
    rows += [("EMO-DB", one, name) for one in ("12", "13", "14", "15", "16") for name in CLASSES["EMO-DB"]]
    rows += [("nEMO", "EB0", "anger"), ("TESS", "OAF", "ps")]
    return [Clip(*row, lambda: np.zeros(0, np.float32), f"03-01-01-{1 + i % 2:02}-{i}") for i, row in enumerate(rows)]


SPOKEN = utterances.of(clips())


def test_every_network_is_measured_on_speakers_or_corpora_it_has_not_heard() -> None:
    measured = SPOKEN.rows(np.isin(SPOKEN.corpora, list(CLASSES)))
    for name in map(protocol.fold_name, range(protocol.NETS)):
        heard = protocol.heard(measured, name)
        assert (np.array(protocol.by_fold(measured)) == name).sum() == (~heard).sum() > 0
        assert not set(measured.speakers[heard]) & set(measured.speakers[~heard])
    for corpus in CLASSES:
        heard = protocol.heard(SPOKEN, protocol.others_name(corpus))
        assert set(SPOKEN.corpora[~heard]) == {corpus}
        assert {"nEMO", "TESS"} < set(SPOKEN.corpora[heard])
    with pytest.raises(KeyError):
        protocol.heard(SPOKEN, "another")


class Stand:
    """A network that is right about whoever it knows, and always says the first class of strangers."""

    inputs = (
        Tensor(name="features", shape=(1, OUTPUTS), dtype="float32"),
        Tensor(name="baseline", shape=(1, 1), dtype="float32"),
        Tensor(name="trust", shape=(1, 1), dtype="float32"),
    )

    def run(self, *values: NDArray[Any]) -> tuple[NDArray[np.float32], ...]:
        truth, _, share = values
        stranger = np.zeros((1, OUTPUTS), np.float32)
        for name in (*CLASSES, "seven"):
            stranger[0, head(name).start] = 4
        return (9 * truth if share[0, 0] > 0 else stranger), np.ones((1, 1), np.float32)


def test_scores_with_and_without_a_baseline() -> None:
    spoken = SPOKEN.rows(np.isin(SPOKEN.corpora, list(CLASSES)))
    truth = np.zeros((len(spoken), OUTPUTS), np.float32)
    for i, corpus in enumerate(spoken.corpora):
        truth[i, head(str(corpus)).start + spoken.classes[i]] = 1
        if spoken.labels[i] >= 0:
            truth[i, head("seven").start + spoken.labels[i]] = 1
    nets = {protocol.fold_name(number): Stand() for number in range(protocol.NETS)}
    found = read_all(nets, protocol.by_fold(spoken), [[row, row] for row in truth], spoken, counts=(0, 2))
    fitted = protocol.temperatures(found, spoken)
    rows = protocol.of_corpora("m", found, spoken, fitted) + protocol.of_labels("m", found, spoken, fitted)
    assert [(row.baseline, row.uar) for row in rows[:2]] == [(0, 0.125), (2, 1.0)]
    assert [row.n for row in rows[::2]] == [192, 60, 70, 192 + 60 + 60]
    assert rows[-1].protocol == protocol.ALL
    others = protocol.of_others("m", found, spoken, 1.0)
    assert len(others) == 6
    assert all(protocol.OTHERS in row.protocol for row in others)


def test_arousal_and_valence_follow_label_and_intensity() -> None:
    found = affect_of(SPOKEN, {})
    names = SPOKEN.names[SPOKEN.corpora == "RAVDESS"]
    angry, sad = (found[: len(names)][names == name] for name in ("angry", "sad"))
    assert (angry[:, 0] > 0.3).all()
    assert (angry[:, 1] < 0).all()
    assert (sad[:, 0] < 0).all()
    assert np.abs(found).max() <= 0.95
    voted = affect_of(SPOKEN, {str(SPOKEN.keys[0]): (0.9, 0.9)})
    assert (voted[0] > found[0]).all()
    assert (voted[1:] == found[1:]).all()
