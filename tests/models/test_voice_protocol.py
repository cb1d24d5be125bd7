"""The voice protocol: held-out speakers of each fold, targets of each clip, mixing and scoring of noise."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from edge import shipped
from edge.inference import card as cards
from edge.inference.interpreter import open_model
from edge.voice.intonation import SIZE as PITCH_SIZE
from edge.voice.standardizer import SIZE, Standardizer
from models.report import with_scores
from models.voice import data
from models.voice.clips import Clip
from models.voice.protocols import held_out as protocol
from models.voice.protocols import noise, scores
from models.voice.protocols.baseline import COUNTS
from models.voice.protocols.folds import CLASSES, FOLD_COUNT, FOLDS, OUTPUTS, SHARED, SIZES, fold, head
from models.voice.protocols.sizes import SIZES as SIZES_OF_MODEL
from models.voice.training.levels import active_power

SPEAKERS = {
    "RAVDESS": [f"{number:02}" for number in range(1, 25)],
    "CREMA-D": [str(number) for number in range(1001, 1092)],
    "EMO-DB": ["03", "08", "09", "10", "11", "12", "13", "14", "15", "16"],
}


def test_every_speaker_is_measured_in_one_round() -> None:
    assert max(FOLDS.values()) == FOLD_COUNT
    for corpus, speakers in SPEAKERS.items():
        folds = [fold(corpus, speaker) for speaker in speakers]
        assert sorted(set(folds)) == list(range(FOLDS[corpus]))
        # No fold is much larger than another.
        counts = np.bincount(folds)
        assert counts.max() - counts.min() <= 1
    assert [speaker for speaker in SPEAKERS["RAVDESS"] if fold("RAVDESS", speaker) == 0] == [
        "02",
        "05",
        "14",
        "15",
        "16",
    ]
    assert [fold("EMO-DB", speaker) for speaker in SPEAKERS["EMO-DB"]] == list(range(10))
    for corpus, nobody in (("RAVDESS", "25"), ("EMO-DB", "07")):
        with pytest.raises(ValueError, match=f"no speaker {nobody}"):
            fold(corpus, nobody)


def described(rows: list[tuple[str, str, str]]) -> data.Voices:
    """Clips of these corpora, speakers and classes, without any sound."""
    silent = [Clip(*row, lambda: np.zeros(0, np.float32)) for row in rows]
    return data.of(silent, np.zeros((len(rows), 64, 188), np.uint8), np.zeros((len(rows), PITCH_SIZE), np.float32))


def test_a_fold_never_trains_on_its_test_speakers_and_holds_out_one_of_emo_db() -> None:
    voices = described(
        [(corpus, speaker, CLASSES[corpus][0]) for corpus, speakers in SPEAKERS.items() for speaker in speakers]
    )
    for number in range(FOLD_COUNT):
        unheard = voices.unheard(number)
        assert unheard[voices.folds == number].all()
        counts = [int(unheard[voices.corpora == corpus].sum()) for corpus in SPEAKERS]
        assert counts[0] in (4, 5)
        assert counts[1] in (18, 19)
        assert counts[2] == 1


def test_heads_stand_side_by_side() -> None:
    taken = [index for name in SIZES for index in range(OUTPUTS)[head(name)]]
    assert taken == list(range(OUTPUTS))
    with pytest.raises(KeyError):
        head("IEMOCAP")


def few() -> data.Voices:
    """One clip of each class of each corpus."""
    speakers = {"RAVDESS": "02", "CREMA-D": "1001", "EMO-DB": "03"}
    return described([(corpus, speakers[corpus], name) for corpus, names in CLASSES.items() for name in names])


def test_a_clip_trains_its_corpus_and_the_seven_labels_where_one_fits() -> None:
    pytest.importorskip("keras")
    from models.voice.training.heads import balance, targets

    voices = few()
    found = targets(voices)
    for row, corpus in enumerate(voices.corpora):
        sums = {name: float(found[row, head(name)].sum()) for name in SIZES}
        expected = {name: float(name == corpus) for name in CLASSES}
        expected[SHARED] = float(voices.labels[row] != data.NONE)
        assert sums == pytest.approx(expected)
        assert found[row, head(corpus)].argmax() == voices.classes[row]
    boredom = (voices.corpora == "EMO-DB") & (voices.classes == CLASSES["EMO-DB"].index("L"))
    assert (voices.labels[boredom] == data.NONE).all()
    assert balance(voices) == pytest.approx(np.ones(len(voices)))


def test_a_head_without_a_target_learns_nothing() -> None:
    pytest.importorskip("keras")
    from models.voice.training.heads import loss, targets

    voices = few()
    truth = targets(voices)[:1]
    logits = np.random.default_rng(0).normal(size=(1, OUTPUTS)).astype(np.float32)
    other = logits.copy()
    other[:, head("CREMA-D")] += np.arange(6)
    assert float(loss(truth, logits)[0]) == pytest.approx(float(loss(truth, other)[0]))
    other[:, head("RAVDESS")] += np.arange(8)
    assert float(loss(truth, logits)[0]) != pytest.approx(float(loss(truth, other)[0]))


def test_scores_are_each_corpus_over_its_own_classes() -> None:
    voices = few()
    outputs = np.zeros((len(voices), OUTPUTS), np.float32)
    for row, corpus in enumerate(voices.corpora):
        outputs[row, head(corpus).start + voices.classes[row]] = 5.0
    # The other corpora's heads have no say.
    outputs[voices.corpora == "RAVDESS", head("CREMA-D").start] = 90.0
    outputs[0] = 0.0
    outputs[0, head("RAVDESS").start + 3] = 5.0
    outputs[np.arange(len(voices)), protocol.SEVEN.start + np.maximum(voices.labels, 0)] = 5.0
    ravdess, crema_d, emo_db, together = protocol.scores("m", outputs, [1.0] * FOLD_COUNT, voices)
    assert (ravdess.n, crema_d.n, emo_db.n) == (8, 6, 7)
    assert (ravdess.uar, crema_d.uar, emo_db.uar) == (0.875, 1.0, 1.0)
    assert set(ravdess.per_class) == set(CLASSES["RAVDESS"])
    assert together.n == np.count_nonzero(voices.labels >= 0)
    assert together.uar == 1.0


def test_a_card_takes_newer_scores_in_place_of_older_ones() -> None:
    card = cards.read(cards.card_path(shipped.model("voice", "voice")))
    newer = msgspec.structs.replace(card.scores[1], n=7)
    other = msgspec.structs.replace(newer, model="another net")
    found = with_scores(card, [newer, other])
    assert found.scores == (card.scores[0], newer, *card.scores[2:], other)
    assert with_scores(found, [newer, other]) == found


def speech(seconds: float = 1.0) -> NDArray[np.float32]:
    t = np.arange(round(16_000 * seconds)) / 16_000
    return np.asarray(0.2 * np.sin(2 * np.pi * 200 * t) * (np.sin(2 * np.pi * 3 * t) > 0), np.float32)


@pytest.mark.parametrize("ratio", [20, 10, 5, 0])
def test_noise_lies_as_far_below_the_voice_as_was_asked(ratio: int) -> None:
    rng = np.random.default_rng(1)
    voice = speech()
    room = rng.normal(0, 0.02, 8_000).astype(np.float32)
    sound = noise.mixed(voice, room, ratio, np.random.default_rng(2))
    before = round(1.5 * 16_000)
    under = sound[before : before + len(voice)] - voice * np.sqrt(10**-2.6 / active_power(voice))
    assert 10 * np.log10(10**-2.6 / np.mean(under**2)) == pytest.approx(ratio, abs=0.1)
    # The same noise goes on before and after.
    assert 10 * np.log10(10**-2.6 / np.mean(sound[:before] ** 2)) == pytest.approx(ratio, abs=1.0)
    assert len(sound) == before + len(voice) + 16_000


def test_a_clip_without_an_observation_counts_as_wrong() -> None:
    given = [
        noise.Answer(None, 0, 0, 0.9),
        noise.Answer(None, 0, None, 0.0),
        noise.Answer(None, 1, 0, 0.2),
        noise.Answer(None, 1, 1, 0.8),
    ]
    found = noise.row(given)
    assert found == {"n": 4, "heard": 0.75, "uar": 0.5, "accuracy_heard": 0.6667, "quality": 0.6333}
    assert noise.coverage(given) == pytest.approx([1.0, 1.0, 2 / 3])


@pytest.mark.parametrize("number", range(FOLD_COUNT))
def test_every_fold_has_a_net_that_was_not_trained_on_its_test_speakers(number: int) -> None:
    path = protocol.file(number)
    interpreter, card = open_model(path)
    assert path.stat().st_size <= 150_000
    assert {tensor.dtype for tensor in (*interpreter.inputs, *interpreter.outputs)} == {"int8"}
    assert len(card.labels) == OUTPUTS
    assert Standardizer.read(card.front_end).apply(np.zeros(SIZE, np.float32)).shape == (SIZE,)
    unheard = card.notes[0].split("has not heard ")[1]
    for part in unheard.split("; "):
        corpus, speakers = part.split(" ", 1)
        left_out = number % FOLDS[corpus]
        assert speakers.split(", ") == [one for one in SPEAKERS[corpus] if fold(corpus, one) == left_out]


@pytest.mark.slow
@pytest.mark.corpora
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("size", SIZES_OF_MODEL)
def test_the_nets_of_the_protocols_reproduce_the_scores_of_the_card(corpora: Path, size: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "models.voice.evaluate", "--data", str(corpora), "--size", size, "--json"],
        capture_output=True,
        text=True,
        timeout=1100,
        check=True,
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    said = {(score.model, score.protocol, score.baseline): score for score in SIZES_OF_MODEL[size].card().scores}
    found = {row["protocol"] for row in rows}
    if size == "small":
        assert found >= {*protocol.PROTOCOLS.values(), protocol.ALL, protocol.TOGETHER}
    else:
        assert found >= {*scores.PROTOCOLS.values(), scores.EMO_DB_SHORT, scores.ALL}
        assert sum(scores.OTHERS in row["protocol"] for row in rows) == 3 * len(COUNTS)
    for row in rows:
        assert row["uar"] == pytest.approx(said[row["model"], row["protocol"], row["baseline"]].uar, abs=0.005)


@pytest.mark.corpora
def test_noise_can_be_measured(corpora: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "models.voice.protocols.noise", "--data", str(corpora), "--every", "80", "--json"],
        capture_output=True,
        text=True,
        timeout=200,
        check=True,
    )
    *ratios, last = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["snr_db"] for row in ratios] == [None, 20, 10, 5, 0]
    assert ratios[0]["heard"] == 1
    assert ratios[0]["quality"] > ratios[-1]["quality"]
    assert set(last["coverage"]) == {"1.0", "0.8", "0.6", "0.4", "0.2"}
