"""`python -m models.face.protocols.robustness --data DIR`: accuracy of the expression model on degraded pictures.

All FER2013 PrivateTest images are darkened, blurred, rotated, occluded and so on, and read by the device's code. Use
PublicTest for decisions. Takes about two minutes.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Final

from edge import shipped
from edge.emotions import LABELS
from edge.errors import EdgeEmotionError
from edge.face.expression import Expression
from edge.inference.card import Score
from edge.inference.posterior import softmax
from models.corpora import add_data_option, require
from models.face import data
from models.face.evaluate import logits
from models.face.training import degrade
from models.metrics import single_label

PROTOCOLS: Final = {"private": "FER2013 PrivateTest", "public": "FER2013 PublicTest"}
"""Name of the protocol for each split."""


def score(
    expression: Expression, faces: data.Faces, protocol: str, kind: str | None = None, strength: float = 0.0
) -> Score:
    """Score on all faces with one degradation.

    Args:
        expression: The expression model.
        faces: The faces.
        protocol: Name of the test set.
        kind: One of `degrade.KINDS`; None for unchanged faces.
        strength: Strength in the unit of that kind.
    """
    images = faces.images if kind is None else degrade.apply(kind, strength, faces.images)
    posterior = softmax(logits(expression, images), expression.card.temperature)
    condition = "as they are" if kind is None else f"{kind}, {degrade.KINDS[kind].unit.format(f'{strength:g}')}"
    return single_label(expression.card.name, f"{protocol}, {condition}", posterior, faces.labels, LABELS)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m models.face.protocols.robustness", description=__doc__)
    add_data_option(parser)
    parser.add_argument(
        "--model", type=Path, default=shipped.model("face", "face_small"), help="a .tflite with its card"
    )
    parser.add_argument("--split", choices=tuple(PROTOCOLS), default="private", help="whose images (%(default)s)")
    parser.add_argument("--rows", type=int, help="only the first so many images (default: all)")
    parser.add_argument("--json", action="store_true", help="one JSON object a row")
    arguments = parser.parse_args()
    try:
        expression = Expression(arguments.model)
    except EdgeEmotionError as error:
        sys.exit(f"error: {error}")
    faces = data.load(require(arguments.data, data.FILE), arguments.split)
    if arguments.rows:
        faces = data.head(faces, arguments.rows)
    protocol = PROTOCOLS[arguments.split]
    base = score(expression, faces, protocol)
    if not arguments.json:
        print(f"{expression.card.name}, {protocol}, {base.n} images\n")
        print("| pictures | strength | accuracy | macro-F1 | change |\n|---|---|---|---|---|", flush=True)
        print(f"| as they are | | {base.accuracy:.1%} | {100 * base.macro_f1:.1f} | |", flush=True)
    else:
        _print_json("as they are", None, base)
    for name, kind in degrade.KINDS.items():
        for strength in kind.strengths:
            found = score(expression, faces, protocol, name, strength)
            if arguments.json:
                _print_json(name, strength, found)
                continue
            level = kind.unit.format(f"{strength:g}")
            change = 100 * (found.accuracy - base.accuracy)
            print(
                f"| {name} | {level} | {found.accuracy:.1%} | {100 * found.macro_f1:.1f} | {change:+.1f} |", flush=True
            )
    return 0


def _print_json(kind: str, strength: float | None, found: Score) -> None:
    row = {"model": found.model, "kind": kind, "strength": strength, "n": found.n}
    print(json.dumps({**row, "accuracy": found.accuracy, "macro_f1": found.macro_f1, "ece": found.ece}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
