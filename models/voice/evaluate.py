"""`python -m models.voice.evaluate --data DIR --json`: scores on speakers that the shipped model never heard.

Protocols: the held-out speakers of all three corpora together, and each corpus's alone. Whole clips of at most 3 s;
waveforms go through the device's own front end, CREMA-D is only at hand as the same log-mel.
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
from edge.inference.card import Score
from edge.inference.interpreter import Interpreter, open_model
from edge.inference.posterior import softmax
from models import report
from models.corpora import add_data_option, require
from models.metrics import single_label
from models.voice import data

TOGETHER = "held-out speakers of RAVDESS, CREMA-D and EMO-DB together"


def logits(interpreter: Interpreter, voices: data.Voices) -> NDArray[np.float32]:
    """(n, 7), one clip at a time as on the device."""
    return np.stack([interpreter.run(as_input(mel[None]))[0][0] for mel in voices.mels])


def as_input(mels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, 64, 188) bytes → (n, 64, 188, 1) float32 in 0…1."""
    return mels[..., None].astype(np.float32) / np.float32(data.LEVELS)


def scores(model: str, outputs: NDArray[np.float32], temperature: float, voices: data.Voices) -> tuple[Score, ...]:
    """All corpora together, then each alone (over the labels it has)."""
    posterior = softmax(outputs, temperature)
    found = [single_label(model, TOGETHER, posterior, voices.labels, LABELS)]
    for corpus in data.SPEAKERS:
        of = voices.corpora == corpus
        if of.any():
            name = f"held-out speakers of {corpus}: {', '.join(data.SPEAKERS[corpus]['test'])}"
            found.append(single_label(model, name, posterior[of], voices.labels[of], LABELS))
    return tuple(found)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m models.voice.evaluate", description=__doc__)
    add_data_option(parser)
    parser.add_argument("--model", type=Path, default=shipped.model("voice", "voice"), help="a .tflite with its card")
    parser.add_argument("--json", action="store_true", help="one JSON object a protocol")
    arguments = parser.parse_args()
    try:
        interpreter, card = open_model(arguments.model)
        voices = data.load(require(arguments.data, "voice").parent, "test")
        report.show(scores(card.name, logits(interpreter, voices), card.temperature, voices), card, arguments.json)
    except EdgeEmotionError as error:
        sys.exit(f"error: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
