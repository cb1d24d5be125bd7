"""`python -m models.eyes.evaluate --data DIR --json`: errors of the eye aspect ratio on unseen persons."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np

from edge import shipped
from edge.face.eyes import as_input
from edge.inference.card import load
from edge.inference.interpreter import Interpreter
from models.command import one_line_errors
from models.corpora import add_data_option, require
from models.eyes.data import Eye, cut, eyes
from models.landmarks import data
from models.metrics import area_under_curve

SCALE: Final = 0.3
"""The output of the model times this value is the aspect ratio."""
SHUT: Final = 0.16
"""An eye with a smaller aspect ratio counts as closed."""
OPEN: Final = 0.24
"""An eye with a larger aspect ratio counts as open."""


@dataclass(frozen=True, slots=True)
class Errors:
    """Errors of the estimated eye aspect ratio."""

    n: int
    """Number of eyes."""
    mean_absolute_error: float
    """Mean absolute error of the aspect ratio."""
    correlation: float
    """Pearson correlation of estimated and annotated ratio, −1…1."""
    shut: int
    """Number of closed eyes."""
    area_under_curve: float
    """Area under the ROC curve of closed against open eyes, 0…1."""

    def note(self, form: str) -> str:
        """One line for the card; `form` is `int8` or `float32`."""
        return (
            f"{form}, {self.n} eyes of unseen persons: mean absolute error of the aspect ratio "
            f"{self.mean_absolute_error:.4f}, correlation {self.correlation:.3f}, shut (below {SHUT}, {self.shut}) "
            f"against open (above {OPEN}): area under the curve {self.area_under_curve:.3f}"
        )


def measured(model: bytes, test: Sequence[Eye]) -> Errors:
    """Measures a `.tflite` file, given as bytes, one eye at a time as on the device. Raises `ModelError`."""
    interpreter = Interpreter(model)
    truth = np.array([eye.ratio for eye in test])
    found = np.array([interpreter.run(as_input(cut(eye, None)))[0].item() * SCALE for eye in test])
    clear = (truth < SHUT) | (truth > OPEN)
    return Errors(
        len(test),
        float(np.abs(found - truth).mean()),
        float(np.corrcoef(found, truth)[0, 1]),
        int((truth < SHUT).sum()),
        area_under_curve(-found[clear], truth[clear] < SHUT),
    )


@one_line_errors
def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m models.eyes.evaluate", description=__doc__)
    add_data_option(parser)
    parser.add_argument("--model", type=Path, default=shipped.model("eyes", "eyes"), help="a .tflite with its card")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    arguments = parser.parse_args()
    model, card = load(arguments.model)
    found = measured(model, eyes(data.load(require(arguments.data, data.FOLDER), "test")))
    print(json.dumps({"model": card.name, **asdict(found)}) if arguments.json else found.note(card.name))
    return 0


if __name__ == "__main__":
    sys.exit(main())
