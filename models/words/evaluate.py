"""`python -m models.words.evaluate --data DIR --json`: scores through the shipped file and the device's own tokens.

Protocols: GoEmotions test in the Ekman grouping, multi-label as in the paper (Demszky et al., ACL 2020) with one
threshold, and with one a label, both chosen on dev; its rows with a single label, as the device uses the model; MELD
test without ever having trained on it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge import shipped
from edge.emotions import LABELS
from edge.errors import EdgeEmotionError
from edge.inference.card import Score
from edge.inference.interpreter import Interpreter, open_model
from edge.inference.posterior import shares, sigmoid
from models import report
from models.corpora import add_data_option, require
from models.metrics import multi_label, single_label
from models.words import data

ONE_THRESHOLD = "GoEmotions test, Ekman grouping, multi-label, one threshold"
THRESHOLDS = "GoEmotions test, Ekman grouping, multi-label, a threshold a label"
SINGLE = "GoEmotions test, Ekman grouping, rows with a single label"
MELD = "MELD test, utterances alone, not trained on it"


def logits(interpreter: Interpreter, texts: data.Texts) -> NDArray[np.float32]:
    """(n, 7), one text at a time as on the device."""
    return np.stack([interpreter.run(table[None])[0][0] for table in texts.ids])


def scores(
    model: str,
    interpreter: Interpreter,
    temperature: float,
    thresholds: Mapping[str, float],
    test: data.Texts,
    meld: data.Texts | None,
) -> tuple[Score, ...]:
    """All protocols for one model. `thresholds`: `all` and one a label."""
    outputs = logits(interpreter, test)
    probability, truth = sigmoid(outputs), test.targets > 0
    one = np.full(len(LABELS), thresholds["all"])
    each = np.array([thresholds[label] for label in LABELS])
    posterior, single = shares(outputs, temperature), test.single
    found = [
        multi_label(model, ONE_THRESHOLD, probability, truth, one, LABELS),
        multi_label(model, THRESHOLDS, probability, truth, each, LABELS),
        single_label(model, SINGLE, posterior[single], test.targets[single].argmax(1), LABELS),
    ]
    if meld is not None:
        posterior = shares(logits(interpreter, meld), temperature)
        found.append(single_label(model, MELD, posterior, meld.targets.argmax(1), LABELS))
    return tuple(found)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m models.words.evaluate", description=__doc__)
    add_data_option(parser)
    parser.add_argument("--model", type=Path, default=shipped.model("words", "words"), help="a .tflite with its card")
    parser.add_argument("--json", action="store_true", help="one JSON object a protocol")
    arguments = parser.parse_args()
    try:
        interpreter, card = open_model(arguments.model)
        folder = require(arguments.data, "text/goemotions").parent.parent
        meld = data.meld(folder) if (folder / "text/meld").exists() else None
        found = scores(card.name, interpreter, card.temperature, card.thresholds, data.goemotions(folder, "test"), meld)
    except EdgeEmotionError as error:
        sys.exit(f"error: {error}")
    report.show(found, card, arguments.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
