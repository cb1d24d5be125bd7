"""The files that ship, measured on their test sets and compared with what their cards say.

A worse file fails here, and so does a card that promises more than the file holds: the limits are the card's own
figures, less the error of the sample where only a sample of the test set is measured.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from edge import shipped
from edge.emotions import LABELS
from edge.face.blazeface_file import find
from edge.face.blazeface_file import path as blazeface_path
from edge.face.expression import Expression
from edge.face.landmarks import Landmarks
from edge.inference import card as cards
from edge.inference.card import Score
from edge.inference.interpreter import open_model
from edge.inference.posterior import softmax
from edge.voice.standardizer import Standardizer

pytestmark = pytest.mark.corpora

ROUNDING = 0.01
"""Another processor may round an int8 product another way, and tip a few rows."""
SIGMAS = 3.0
"""Standard errors that a sample may lie below the whole test set: one seed in 700 would."""
FACES = 1500
PHOTOS_APART = 10


def allowance(share: float, sample: int, whole: int) -> float:
    """How far below the `share` of `whole` rows that of a `sample` drawn without replacement may lie."""
    return SIGMAS * float(np.sqrt(share * (1 - share) / sample * (1 - sample / whole))) + ROUNDING


def promised(scores: Sequence[Score], form: str, protocol: str) -> Score:
    (found,) = (score for score in scores if (score.model, score.protocol) == (form, protocol))
    return found


def numbers(pattern: str, notes: Sequence[str]) -> list[float]:
    """The groups of the one note of a card that matches."""
    (match,) = filter(None, (re.search(pattern, note) for note in notes))
    return [float(group) for group in match.groups()]


def same(found: Score, said: Score) -> None:
    """A whole test set measured again: nothing but rounding may differ."""
    assert found.n == said.n
    for name in ("accuracy", "macro_f1", "uar", "ece"):
        assert getattr(found, name) == pytest.approx(getattr(said, name), abs=ROUNDING), (said.protocol, name)


def test_face_small_on_privatetest(corpora: Path) -> None:
    from models.face import data
    from models.face.evaluate import logits, scores

    expression = Expression(shipped.model("face", "face_small"))
    faces = data.load(corpora / data.FILE, "private")
    assert len(faces) == 3589
    outputs = logits(expression, faces.images)
    for found in scores("int8", outputs, expression.card.temperature, faces):
        same(found, promised(expression.card.scores, "int8", found.protocol))


def test_face_large_on_a_sample_of_privatetest(corpora: Path) -> None:
    from models.face import data
    from models.face.evaluate import PRIVATE, logits
    from models.metrics import single_label

    expression = Expression(shipped.model("face", "face_large"))
    faces = data.load(corpora / data.FILE, "private")
    rows = np.random.default_rng(0).permutation(len(faces))[:FACES]
    posterior = softmax(logits(expression, faces.images[rows]), expression.card.temperature)
    found = single_label("int8", PRIVATE, posterior, faces.labels[rows], LABELS)
    said = promised(expression.card.scores, "int8", PRIVATE)
    assert found.accuracy > said.accuracy - allowance(said.accuracy, FACES, said.n)
    assert found.macro_f1 > said.macro_f1 - allowance(said.macro_f1, FACES, said.n)
    assert found.ece < said.ece + 0.03


def test_landmarks_of_unseen_persons(corpora: Path) -> None:
    from models.landmarks import data
    from models.landmarks.evaluate import on_jittered_patches

    model, card = cards.load(shipped.model("landmarks", "landmarks68"))
    photos = data.load(corpora / data.FOLDER, "test")
    mean, scale = np.array(card.front_end["mean"], np.float32), card.front_end["scale"]
    seed = int(card.train_command.rpartition("--seed ")[2].split()[0])
    found = on_jittered_patches("int8", model, photos, mean, scale, seed)
    n, nme, median, eye = numbers(
        r"^int8, unseen persons, jittered patch \(n=(\d+)\): NME ([\d.]+) %, median ([\d.]+) %.*ratio ±([\d.]+)",
        card.notes,
    )
    assert found.n == n == 662
    assert (found.mean, found.median) == pytest.approx((nme, median), abs=0.1)
    assert found.eye_aspect_ratio == pytest.approx(eye, abs=0.002)


def test_eyes_of_unseen_persons(corpora: Path) -> None:
    from models.eyes.data import eyes
    from models.eyes.evaluate import measured
    from models.landmarks import data

    model, card = cards.load(shipped.model("eyes", "eyes"))
    found = measured(model, eyes(data.load(corpora / data.FOLDER, "test")))
    n, error, correlation, area = numbers(
        r"^int8, (\d+) eyes .* ratio ([\d.]+), correlation ([\d.]+), .* curve ([\d.]+)$", card.notes
    )
    assert found.n == n == 1324
    assert found.mean_absolute_error == pytest.approx(error, abs=0.002)
    assert found.correlation == pytest.approx(correlation, abs=ROUNDING)
    assert found.area_under_curve == pytest.approx(area, abs=ROUNDING)


def test_voices_of_speakers_left_out(corpora: Path) -> None:
    from models.voice import data, features
    from models.voice.clips import clips
    from models.voice.protocols import held_out

    interpreter, card = open_model(shipped.model("voice", "voice"))
    voices = data.load([clip for clip in clips(corpora / "voice") if clip.fold == 0])
    outputs = held_out.logits(interpreter, Standardizer.read(card.front_end).apply(features.of(voices)))
    together, *each = held_out.seven("int8", outputs, card.temperature, voices)
    same(together, promised(card.scores, "int8", held_out.TOGETHER))
    assert len(each) == 3
    for found in each:
        assert found.accuracy == pytest.approx(promised(card.scores, "int8", found.protocol).accuracy, abs=0.025)


def test_texts_of_goemotions_and_meld(corpora: Path) -> None:
    from models.words import data
    from models.words.evaluate import scores

    interpreter, card = open_model(shipped.model("words", "words"))
    test, meld = data.goemotions(corpora, "test"), data.meld(corpora)
    for found in scores("dynamic int8", interpreter, card.temperature, dict(card.thresholds), test, meld):
        same(found, promised(card.scores, "dynamic int8", found.protocol))


@pytest.mark.skipif(find() is None, reason="BlazeFace is not fetched (python -m models.face.fetch)")
def test_blazeface_finds_the_faces_and_landmarks_follow(corpora: Path) -> None:
    from models.landmarks import data
    from models.landmarks.evaluate import through_detector

    landmarks = Landmarks(shipped.model("landmarks", "landmarks68"), "blazeface")
    photos = data.load(corpora / data.FOLDER, "test")[::PHOTOS_APART]
    found = through_detector(landmarks, photos, "blazeface")
    seen, whole = numbers(r"found in (\d+) of (\d+) photos", cards.read(cards.card_path(blazeface_path())).notes)
    share = seen / whole
    assert len(photos) > 60
    assert found.n / len(photos) > share - allowance(share, len(photos), int(whole))
    (nme,) = numbers(r"^int8, unseen persons, jittered patch .* NME ([\d.]+) %", landmarks.card.notes)
    assert found.mean < nme + 0.6


def test_a_card_that_promises_more_is_noticed() -> None:
    card = cards.read(cards.card_path(shipped.model("face", "face_small")))
    said = card.scores[0]
    inflated = Score(
        **{name: getattr(said, name) for name in said.__struct_fields__} | {"accuracy": said.accuracy + 0.02}
    )
    same(said, said)
    with pytest.raises(AssertionError, match="accuracy"):
        same(said, inflated)
