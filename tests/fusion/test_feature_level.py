"""Feature-level fusion: the shipped network, what it refuses, and decisions where an embedding is missing."""

from __future__ import annotations

import logging
import shutil
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from support.fusion_numbers import parameters

from edge import config, shipped
from edge.emotions import COUNT, LABELS
from edge.errors import ModelError
from edge.face.expression import Expression
from edge.fusion.feature_level import SMOOTHING_S, FeatureLevel, RecentEmbedding, front_end, open_feature_level
from edge.fusion.fusion import Fusion
from edge.inference import card as cards
from edge.inference.card import Card
from edge.observation import SENSES, Observation, Perceived, Sense, Transcript
from edge.voice.sense import VoiceSense
from edge.words.sense import WordsSense

NET = shipped.model("fusion", "feature_level")
FEATURES = config.Fusion(mode="feature", prior=dict.fromkeys(LABELS, 1 / COUNT), baseline=False)


def models() -> dict[Sense, Card]:
    """Cards with the SHA-256 that the network was trained on."""
    stated = cards.read(cards.card_path(NET))
    return {
        sense: msgspec.structs.replace(stated, sha256=stated.front_end["sha256"][sense], file=f"{sense}.tflite")
        for sense in SENSES
    }


@pytest.fixture(scope="module")
def net() -> FeatureLevel:
    return FeatureLevel(NET, models())


def size(net: FeatureLevel, sense: Sense) -> int:
    return net.card.inputs[SENSES.index(sense)].shape[1]


def embedding(net: FeatureLevel, sense: Sense, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 1, size(net, sense)).astype(np.float32)


def seen(sense: Sense, at: float, vector: np.ndarray | None, label: str = "fear") -> Perceived:
    posterior = tuple(0.7 if name == label else 0.05 for name in LABELS)
    return Perceived(sense, (Observation(sense, at, posterior, 1.0, embedding=vector),))


def test_the_network_is_small_and_gives_a_distribution(net):
    assert net.card.bytes <= 200_000
    found = net.log_likelihoods({sense: embedding(net, sense) for sense in SENSES}, dict.fromkeys(SENSES, 1.0))
    assert sum(np.exp(found)) == pytest.approx(1.0)


def test_a_sense_that_counts_nothing_is_as_if_it_were_missing(net):
    both = {sense: embedding(net, sense) for sense in SENSES}
    weights: dict[Sense, float] = {"face": 1.0, "voice": 0.0, "words": 1.0}
    without = {sense: value for sense, value in both.items() if sense != "voice"}
    assert net.log_likelihoods(both, weights) == net.log_likelihoods(without, weights)
    assert net.log_likelihoods(both, {**weights, "voice": 1.0}) != net.log_likelihoods(without, weights)


def test_an_embedding_of_another_length_is_refused(net):
    with pytest.raises(ModelError, match=r"values of face, not \(3,\)"):
        net.log_likelihoods({"face": np.zeros(3, np.float32)}, {"face": 1.0})


def test_an_embedding_that_is_not_finite_is_refused(net):
    with pytest.raises(ModelError, match="not finite"):
        net.log_likelihoods({"face": np.full(size(net, "face"), np.nan, np.float32)}, {"face": 1.0})


@pytest.mark.parametrize("sense", SENSES)
def test_it_is_valid_for_the_models_that_its_card_names_only(sense):
    changed = models()
    changed[sense] = msgspec.structs.replace(changed[sense], sha256="0" * 64)
    with pytest.raises(ModelError, match=f"another {sense} model than {sense}.tflite"):
        FeatureLevel(NET, changed)


def test_a_sense_that_is_off_needs_no_model() -> None:
    FeatureLevel(NET, {sense: model for sense, model in models().items() if sense != "words"})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"front_end": {"name": "grey48"}}, "front end 'grey48'"),
        ({"front_end": {"name": "sense-embeddings", "sha256": "all"}}, "front end"),
        ({"labels": tuple(reversed(LABELS))}, "not logits of our labels"),
        ({"output_kind": "multilabel_logits"}, "not logits of our labels"),
    ],
)
def test_a_card_of_something_else_is_refused(tmp_path: Path, change, reason):
    copy = Path(shutil.copy(NET, tmp_path))
    cards.write(msgspec.structs.replace(cards.read(cards.card_path(NET)), **change), cards.card_path(copy))
    with pytest.raises(ModelError, match=reason):
        FeatureLevel(copy, models())


def test_another_network_is_refused(tmp_path: Path):
    other = shipped.folder() / "fusion" / "folds" / "action_units0.tflite"
    copy = Path(shutil.copy(other, tmp_path))
    card = cards.read(cards.card_path(other))
    card = msgspec.structs.replace(card, output_kind="other", front_end=front_end(models()))
    cards.write(card, cards.card_path(copy))
    with pytest.raises(ModelError, match="not logits of our labels"):
        FeatureLevel(copy, models())


def test_the_mode_decision_loads_nothing() -> None:
    assert open_feature_level(config.Fusion(), models()) is None


def test_other_models_mean_decisions_and_one_clear_line(caplog):
    changed = {**models(), "face": msgspec.structs.replace(models()["face"], sha256="0" * 64, file="mine.tflite")}
    with caplog.at_level(logging.WARNING):
        fusion = Fusion(FEATURES, changed, numbers=parameters())
        for turn in range(3):
            fusion.take(seen("face", float(turn), None))
            assert fusion.estimates(float(turn))[0].label == "fear"
    assert len(caplog.records) == 1
    assert "mine.tflite" in caplog.text
    assert "decisions are fused instead" in caplog.text


def test_features_decide_where_all_embeddings_are_there(net, caplog):
    vector = embedding(net, "face")
    fusion = Fusion(FEATURES, models(), numbers=parameters())
    fusion.take(seen("face", 0.0, vector))
    with caplog.at_level(logging.WARNING):
        estimate = fusion.estimates(0.0)[0]
    expected = np.exp(net.log_likelihoods({"face": vector}, {"face": 1.0}))
    np.testing.assert_allclose(estimate.posterior, expected, atol=1e-6)
    assert not caplog.records
    decided = Fusion(config.Fusion(prior=FEATURES.prior, baseline=False), models(), numbers=parameters())
    decided.take(seen("face", 0.0, vector))
    assert decided.estimates(0.0)[0].label == "fear"


def test_a_missing_embedding_means_decisions_and_one_line_a_reason(net, caplog):
    fusion = Fusion(FEATURES, models(), numbers=parameters())
    decided = Fusion(replaced_mode(), models(), numbers=parameters())
    with caplog.at_level(logging.WARNING):
        for turn in range(4):
            for one in (fusion, decided):
                one.take(seen("face", float(turn), embedding(net, "face")))
                one.take(seen("words", float(turn), None))
            assert fusion.estimates(float(turn))[0].posterior == decided.estimates(float(turn))[0].posterior
    assert [record.getMessage() for record in caplog.records] == [
        "decisions are fused instead of features while this lasts: no embedding of words"
    ]


def replaced_mode() -> config.Fusion:
    return config.Fusion(mode="decision", prior=FEATURES.prior, baseline=False)


def test_the_recent_embedding_follows_the_frames() -> None:
    recent = RecentEmbedding()
    first = Observation("face", 0.0, (1 / COUNT,) * COUNT, 1.0, embedding=np.zeros(2, np.float32))
    assert recent.value is None
    recent.add(first)
    recent.add(replace(first, captured_at=SMOOTHING_S, embedding=np.ones(2, np.float32)))
    assert recent.value is not None
    np.testing.assert_allclose(recent.value, 1 - np.exp(-1), rtol=1e-6)
    recent.add(replace(first, captured_at=0.1, embedding=np.full(2, 9, np.float32)))  # too late to count
    assert recent.value is not None
    np.testing.assert_allclose(recent.value, 1 - np.exp(-1), rtol=1e-6)
    recent.add(replace(first, captured_at=2.0, embedding=None))
    assert recent.value is None


def test_an_interim_observation_replaces_the_one_before() -> None:
    recent = RecentEmbedding()
    seen_first = Observation("voice", 0.0, (1 / COUNT,) * COUNT, 1.0, embedding=np.zeros(2, np.float32))
    recent.add(seen_first)
    recent.add(replace(seen_first, captured_at=0.1, final=False, embedding=np.ones(2, np.float32)))
    assert recent.value is not None
    np.testing.assert_allclose(recent.value, 1.0)


def test_an_embedding_is_no_part_of_what_an_observation_equals() -> None:
    one = Observation("face", 0.0, (1 / COUNT,) * COUNT, 1.0, embedding=np.zeros(2, np.float32))
    assert one == replace(one, embedding=np.ones(2, np.float32))
    assert "embedding" not in repr(one)


def test_the_shipped_senses_give_the_embeddings_that_the_network_takes(net):
    expression = Expression(shipped.model("face", "face_small"))
    posterior, face = expression.read(np.full((48, 48), 90, np.uint8))
    assert posterior == expression.posterior(np.full((48, 48), 90, np.uint8))
    assert face is not None
    assert face.shape == (size(net, "face"),)
    words = WordsSense(config.Words()).read(Transcript("what a lovely day", 0.0))
    assert words is not None
    assert words.embedding is not None
    assert words.embedding.shape == (size(net, "words"),)
    voice = VoiceSense(config.Voice())
    assert voice.card.outputs[1].shape == (1, size(net, "voice"))


def test_the_network_is_trained_on_the_models_that_ship(net):
    senses: dict[Sense, Card] = {
        "face": Expression(shipped.model("face", "face_small")).card,
        "voice": VoiceSense(config.Voice()).card,
        "words": WordsSense(config.Words()).card,
    }
    assert net.card.front_end == front_end(senses)
