"""`python -m models.words.evaluate --data DIR --json`: scores of the shipped file and the device's own tokens.

Protocols: GoEmotions test in the Ekman grouping, multi-label as in the paper (Demszky et al., ACL 2020), with one
threshold and with one threshold per label, both chosen on dev; the rows with a single label, as the device uses the
model; MELD test, on which the model was not trained.
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
"""Name of the protocol with one threshold."""
THRESHOLDS = "GoEmotions test, Ekman grouping, multi-label, a threshold a label"
"""Name of the protocol with one threshold per label."""
SINGLE = "GoEmotions test, Ekman grouping, rows with a single label"
"""Name of the protocol on rows with a single label."""
MELD = "MELD test, utterances alone, not trained on it"
"""Name of the protocol on MELD."""


def logits(interpreter: Interpreter, texts: data.Texts) -> NDArray[np.float32]:
    """(n, 7) logits, one text at a time as on the device."""
    return np.stack([interpreter.run(table[None])[0][0] for table in texts.ids])


def scores(
    model: str,
    interpreter: Interpreter,
    temperature: float,
    thresholds: Mapping[str, float],
    test: data.Texts,
    meld: data.Texts | None,
) -> tuple[Score, ...]:
    """Scores of one model in all protocols.

    Args:
        model: Name of the measured model.
        interpreter: The opened model.
        temperature: Temperature of the posterior.
        thresholds: Threshold `all`, and one threshold per label by name.
        test: GoEmotions test.
        meld: MELD test, if it is available.
    """
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
