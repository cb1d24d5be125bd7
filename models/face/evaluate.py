"""`python -m models.face.evaluate --data DIR --json`: scores of the shipped files, read by the device's code.

Protocols: all 3,589 images of FER2013's PrivateTest with one crop and no test-time augmentation; the same without the
images that also occur in Training; PrivateTest against the majority of the FER+ raters (rows with a majority only);
all 3,068 test images of RAF-DB. The scores of the float form are those of the card, measured when it was converted.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge import shipped
from edge.emotions import LABELS
from edge.errors import EdgeEmotionError
from edge.face.expression import Expression
from edge.inference.card import Card, Score
from edge.inference.posterior import softmax
from models import confusion, report
from models.corpora import add_data_option, require
from models.face import data, rafdb
from models.metrics import single_label

PRIVATE = "FER2013 PrivateTest, all images, one 48×48 crop"
"""Name of the protocol on all images."""
PRIVATE_NEW = "FER2013 PrivateTest without images that stand in Training too"
"""Name of the protocol without the images that also occur in Training."""
PRIVATE_FERPLUS = "FER2013 PrivateTest against the FER+ majority"
"""Name of the protocol against the majority of the FER+ raters."""
SIZES = ("small", "large")
"""Sizes of the shipped models."""
RAFDB_TEST = "RAF-DB test, all images in grey, one crop"
"""Name of the protocol on RAF-DB."""


def logits(expression: Expression, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, 7) logits of (n, s, s) uint8 faces, one at a time as on the device."""
    return np.stack([expression.logits(image) for image in images])


def scores(model: str, outputs: NDArray[np.float32], temperature: float, faces: data.Faces) -> tuple[Score, ...]:
    """Scores of one model in the three protocols.

    Args:
        model: Name of the measured model.
        outputs: (n, 7) logits on PrivateTest.
        temperature: Temperature of the softmax.
        faces: The n faces of PrivateTest.
    """
    posterior = softmax(outputs, temperature)
    majority = faces.votes.argmax(1)
    agreed = faces.votes.max(1) > faces.votes.sum(1) / 2
    return (
        single_label(model, PRIVATE, posterior, faces.labels, LABELS),
        single_label(model, PRIVATE_NEW, posterior[~faces.twin], faces.labels[~faces.twin], LABELS),
        single_label(model, PRIVATE_FERPLUS, posterior[agreed], majority[agreed], LABELS),
    )


def rafdb_score(model: str, outputs: NDArray[np.float32], temperature: float, faces: rafdb.Faces) -> Score:
    """Score of one model on the test part of RAF-DB.

    Args:
        model: Name of the measured model.
        outputs: (n, 7) logits on the test part.
        temperature: Temperature of the softmax.
        faces: The n faces of the test part.
    """
    return single_label(model, RAFDB_TEST, softmax(outputs, temperature), faces.labels, LABELS)


def measured(expression: Expression, faces: data.Faces, raf: rafdb.Faces) -> tuple[Score, ...]:
    """Scores of a model in all protocols.

    Args:
        expression: The model.
        faces: The faces of FER2013's PrivateTest.
        raf: The test faces of RAF-DB.
    """
    card = expression.card
    return (
        *scores(card.name, logits(expression, faces.images), card.temperature, faces),
        rafdb_score(card.name, logits(expression, raf.images), card.temperature, raf),
    )


def floating(card: Card) -> tuple[Score, ...]:
    """The scores of the float form that the card states, under the name of the model."""
    return tuple(
        msgspec.structs.replace(score, model=f"{card.name} (float32, from its card)")
        for score in card.scores
        if score.model == "float32"
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m models.face.evaluate", description=__doc__)
    add_data_option(parser)
    parser.add_argument("--model", type=Path, help="a .tflite with its card (default: both shipped models)")
    parser.add_argument(
        "--confusion", type=Path, metavar="SVG", help="draw the confusion matrix of PrivateTest there; needs --model"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a protocol")
    arguments = parser.parse_args()
    if arguments.confusion and not arguments.model:
        parser.error("--confusion needs --model: a picture shows one model")
    files = [arguments.model] if arguments.model else [shipped.model("face", f"face_{size}") for size in SIZES]
    faces = data.load(require(arguments.data, data.FILE), "private")
    raf = rafdb.load(require(arguments.data, rafdb.FILE), "test")
    try:
        for file in files:
            expression = Expression(file)
            found = (*measured(expression, faces, raf), *floating(expression.card))
            report.show(found, expression.card, arguments.json)
            if arguments.confusion:
                decided = logits(expression, faces.images).argmax(1)
                share = float((decided == faces.labels).mean())
                title = f"{expression.card.name} on FER2013 PrivateTest, {share:.1%}"
                counts = confusion.matrix(faces.labels, decided, len(LABELS))
                arguments.confusion.write_text(confusion.picture(counts, LABELS, title), encoding="utf-8")
    except EdgeEmotionError as error:
        sys.exit(f"error: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
