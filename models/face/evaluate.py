"""`python -m models.face.evaluate --data DIR --json`: FER2013 scores of the shipped file and the device's code.

Protocols: all 3,589 images of PrivateTest with one 48×48 crop and no test-time augmentation; the same without the
images that also occur in Training; PrivateTest against the majority of the FER+ raters (rows with a majority only).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge import shipped
from edge.emotions import LABELS
from edge.errors import EdgeEmotionError
from edge.face.expression import Expression
from edge.inference.card import Score
from edge.inference.posterior import softmax
from models import confusion, report
from models.corpora import add_data_option, require
from models.face import data
from models.metrics import single_label

PRIVATE = "FER2013 PrivateTest, all images, one 48×48 crop"
"""Name of the protocol on all images."""
PRIVATE_NEW = "FER2013 PrivateTest without images that stand in Training too"
"""Name of the protocol without the images that also occur in Training."""
PRIVATE_FERPLUS = "FER2013 PrivateTest against the FER+ majority"
"""Name of the protocol against the majority of the FER+ raters."""


def logits(expression: Expression, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, 7) logits of (n, 48, 48) uint8 faces, one at a time as on the device."""
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


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m models.face.evaluate", description=__doc__)
    add_data_option(parser)
    parser.add_argument(
        "--model", type=Path, default=shipped.model("face", "face_small"), help="a .tflite with its card"
    )
    parser.add_argument("--confusion", type=Path, metavar="SVG", help="draw the confusion matrix of all images there")
    parser.add_argument("--json", action="store_true", help="one JSON object a protocol")
    arguments = parser.parse_args()
    try:
        expression = Expression(arguments.model)
        faces = data.load(require(arguments.data, data.FILE), "private")
        outputs = logits(expression, faces.images)
        found = scores(expression.card.name, outputs, expression.card.temperature, faces)
        if arguments.confusion:
            counts = confusion.matrix(faces.labels, outputs.argmax(1), len(LABELS))
            title = f"{expression.card.name} on FER2013 PrivateTest, {found[0].accuracy:.1%}"
            arguments.confusion.write_text(confusion.picture(counts, LABELS, title), encoding="utf-8")
    except EdgeEmotionError as error:
        sys.exit(f"error: {error}")
    report.show(found, expression.card, arguments.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
