"""The protocol that measures baselines, on persons whose deviation is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.emotions import COUNT, LABELS, NEUTRAL
from models.fusion import baseline as protocol
from models.fusion import cost
from models.fusion.samples import Samples

SADNESS = LABELS.index("sadness")


def people(deviation: float) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Posteriors, labels and numbers of ten persons; the model finds the odd ones sadder by `deviation` nats."""
    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(10), 140)
    label = np.tile(np.arange(COUNT), 200)
    logs = rng.normal(0.0, 0.7, (len(label), COUNT)) + 2.2 * np.eye(COUNT)[label]
    logs[:, SADNESS] += deviation * (person % 2)
    shares = np.exp(logs)
    return shares / shares.sum(1, keepdims=True), label, person


def case(deviation: float, other: NDArray[np.float64] | None = None) -> protocol.Case:
    plain, label, _ = people(0.0)
    numbers = protocol.learn(Samples(plain, np.ones(len(label)), label, np.arange(len(label))), 2.0)
    posterior, label, person = people(deviation)
    return protocol.Case("test", "voice", dict.fromkeys(range(10), numbers), 1.0, posterior, label, person, other)


def test_the_population_s_means_are_those_of_neutral_and_of_what_is_taken_for_it() -> None:
    posterior = np.full((4, COUNT), 0.02)
    posterior[:, NEUTRAL] = [0.88, 0.5, 0.8, 0.88]
    posterior[:, SADNESS] = [0.02, 0.4, 0.1, 0.02]
    label = np.array([NEUTRAL, NEUTRAL, SADNESS, SADNESS])
    found = protocol.learn(Samples(posterior, np.ones(4), label, np.arange(4)), 3.0)
    logs = np.log(posterior)
    assert found.neutral == pytest.approx(logs[:2].mean(0), abs=1e-4)
    # Neutral and sadness weigh alike: one row of two, and two rows of two.
    weight = np.array([0.88, 0.0, 0.8, 0.88])
    assert found.own_neutral == pytest.approx(weight @ logs / weight.sum(), abs=1e-4)
    assert (found.half_amount, found.most_amount) == (3.0, 3.0 * protocol.MOST)
    nobody = protocol.learn(Samples(posterior[1:2], np.ones(1), label[1:2], np.arange(1)), 3.0)
    assert nobody.own_neutral == nobody.neutral


def test_an_utterance_is_corrected_by_the_earlier_ones_only() -> None:
    of = case(1.5)
    rows = np.flatnonzero(of.person == 1)[:20]
    found = protocol.corrected(of, rows)
    assert found[0] == pytest.approx(of.posterior[rows[0]])
    again = protocol.corrected(of, rows[:10])
    assert found[:10] == pytest.approx(again)
    assert not np.allclose(found[10:], of.posterior[rows[10:]])


def uar(of: protocol.Case, regime: str, after: int) -> tuple[float, float]:
    rows = {(one.protocol, one.fusion): one for one in protocol.measure(of)}
    name = f"baseline, test, {regime}, after {after} utterances"
    return rows[name, "with baseline"].uar, rows[name, "without"].uar


def test_persons_who_deviate_gain_and_the_usual_ones_lose_nothing() -> None:
    known = case(2.5, other=np.where(people(2.5)[1] == NEUTRAL, 0.95, 0.05))
    with_, without = uar(known, "all emotions mixed", 8)
    assert with_ > without + 0.04
    assert all(
        with_ > without - 0.005 for with_, without in (uar(case(0.0), "all emotions mixed", n) for n in (1, 3, 8))
    )


def test_a_person_in_one_emotion_only_keeps_it() -> None:
    for deviation in (0.0, 1.5):
        for after in protocol.AFTER:
            with_, without = uar(case(deviation), "one emotion only", after)
            assert with_ > without - 0.01


def test_what_four_people_cost_is_measured() -> None:
    found = cost.measure(1.0)
    assert set(found) == {"estimates_ms", "frame_ms"}
    assert all(0 < milliseconds < 100 for milliseconds in found.values())


@pytest.mark.corpora
def test_the_published_posteriors_are_those_of_the_same_takes(corpora: Path) -> None:
    faces = protocol._published(corpora, "au_mlp", protocol.RAVDESS_CODES)
    voices = protocol._published(corpora, "wav2vec", protocol.VOICE_COLUMNS, logits=True)
    assert len(faces) == len(voices) == 1440
    assert set(faces) == set(voices)
    for found, accuracy in ((faces, 0.6), (voices, 0.8)):
        assert all(sum(posterior) == pytest.approx(1.0) for posterior in found.values())
        hits = [
            LABELS[int(posterior.argmax())] == protocol.RAVDESS_CODES[int(take.split("-")[0]) - 1]
            for take, posterior in found.items()
        ]
        assert np.mean(hits) > accuracy
    rows = list(protocol.faces(corpora, quick=True))
    assert {row.fusion for row in rows} == {"with baseline", "without"}
