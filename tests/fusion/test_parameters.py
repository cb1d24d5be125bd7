"""The file of the fusion's numbers: the shipped one is right, and a damaged or hostile one is refused in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.fusion_numbers import parameters as by_hand

from edge import config, shipped
from edge.emotions import LABELS, UNIFORM
from edge.errors import ConfigError, ModelError
from edge.fusion import parameters
from edge.inference import card as cards
from edge.observation import SENSES


def file(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "fusion.json"
    path.write_bytes(content)
    return path


def changed(**values: Any) -> bytes:
    table = json.loads(parameters.encode(by_hand()))
    return json.dumps({**table, **values}).encode()


def test_what_is_written_is_read(tmp_path: Path) -> None:
    assert parameters.load(file(tmp_path, parameters.encode(by_hand()))) == by_hand()


def test_the_shipped_numbers_know_the_default_models() -> None:
    numbers = parameters.load(shipped.fusion())
    assert numbers.training
    assert "models.fusion.train" in numbers.train_command
    for sense in SENSES:
        assert numbers.reliability(sense) is numbers.sense(sense).reliability[0]


def test_a_model_that_has_numbers_of_its_own_uses_them() -> None:
    numbers = parameters.load(shipped.fusion())
    large = next(entry for entry in numbers.sense("face").reliability if entry.model == "face-large")
    card = cards.read(cards.card_path(shipped.model("face", "face_large")))
    other = numbers.reliability("face", card)
    assert other == large if card.sha256 == large.sha256 else other.prior == (card.prior or UNIFORM)


def test_the_prior_of_an_unknown_model_is_divided_out_and_nothing_else() -> None:
    card = cards.read(cards.card_path(shipped.model("face", "face_small")))
    prior = (0.1, 0.1, 0.1, 0.2, 0.3, 0.1, 0.1)
    entry = by_hand().reliability("face", msgspec.structs.replace(card, sha256="f" * 64, prior=prior))
    assert entry.prior == prior
    assert all(row[column] == float(row_ == column) for row_, row in enumerate(entry.matrix) for column in range(7))
    without = by_hand().reliability("face", msgspec.structs.replace(card, sha256="f" * 64, prior=()))
    assert without.prior == UNIFORM


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not valid"),
        (b"\xff\xfe", "not valid"),
        (b"[" * 100_000, "nested too deep|not valid"),
        (b"{}", "not valid"),
        (changed(schema="edge-emotion/fusion/9"), "schema 'edge-emotion/fusion/9'"),
        (changed(labels=list(reversed(LABELS))), "labels surprise"),
        (changed(prior=[0.5] * 7), "prior adds up to 3.5"),
        (changed(prior=[1 / 6] * 6), "not valid"),
        (changed(second_share=7), "not valid"),
        (changed(surprise_me=1), "unknown field"),
        (changed(label={"lead_nats": -1, "evidence_nat_s": 0.1}), "not valid"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        parameters.load(file(tmp_path, content))
    assert "\n" not in str(caught.value)


def test_two_entries_of_one_model_are_refused(tmp_path: Path) -> None:
    table = json.loads(parameters.encode(by_hand()))
    table["senses"]["face"]["reliability"] *= 2
    with pytest.raises(ModelError, match="same sha256"):
        parameters.load(file(tmp_path, json.dumps(table).encode()))


def test_a_missing_or_huge_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="No such file"):
        parameters.load(tmp_path / "none.json")
    with pytest.raises(ModelError, match="larger than"):
        parameters.load(file(tmp_path, b" " * (parameters.MAX_BYTES + 1)))


def test_the_world_prior_is_shared_among_the_labels_that_are_not_named() -> None:
    settings = config.parse("[fusion]\nprior = { neutral = 0.7, happiness = 0.1 }").fusion
    prior = dict(zip(LABELS, settings.world_prior(UNIFORM), strict=True))
    assert prior["neutral"] == pytest.approx(0.7)
    assert prior["happiness"] == pytest.approx(0.1)
    assert prior["anger"] == prior["surprise"] == pytest.approx(0.2 / 5)
    assert config.Fusion().world_prior(UNIFORM) == UNIFORM


@pytest.mark.parametrize("prior", ["{ neutral = 1.5 }", "{ neutral = 0.7, anger = 0.5 }", "{ boredom = 0.1 }"])
def test_a_world_prior_that_cannot_be_is_refused(prior: str) -> None:
    with pytest.raises(ConfigError, match=r"fusion\.prior|fusion:"):
        config.parse(f"[fusion]\nprior = {prior}")


def test_a_key_of_an_earlier_version_names_what_replaced_it() -> None:
    with pytest.raises(ConfigError, match=r"fusion\.face_trust is learnt from data"):
        config.parse("[fusion]\nface_trust = 0.5")
