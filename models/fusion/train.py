"""`python -m models.fusion.train --data DIR`: learns every number of the fusion and writes `models/fusion/fusion.json`.

Only validation data is used: FER2013 PublicTest, the voices of the folds by the nets that did not train on them,
GoEmotions dev, and the dialogues of EmoryNLP. It takes minutes and prints its progress.
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from edge import shipped
from edge.emotions import LABELS, UNIFORM
from edge.fusion.parameters import SCHEMA, Parameters, Reliability, SenseNumbers, Senses, Trust, encode
from models.command import one_line_errors
from models.corpora import add_data_option, require
from models.fusion import baseline, reliability, samples, stay

VERSION: Final = "1"
"""Version of the numbers."""


def progress(line: str) -> None:
    """Prints one line of progress."""
    print(line, file=sys.stderr, flush=True)


@one_line_errors
def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m models.fusion.train", description=__doc__)
    add_data_option(parser)
    parser.add_argument("--out", type=Path, default=shipped.fusion(), help="file to write (%(default)s)")
    arguments = parser.parse_args()
    data = require(arguments.data, "text").parent
    found: dict[str, list[Reliability]] = {"face": [], "voice": [], "words": []}
    for size in ("small", "large"):
        seen, card = samples.face(data, "public", size)
        learnt = reliability.learn(seen, card)
        progress(f"face {size}: {learnt.before:.4f} -> {learnt.after:.4f} nats, strength {learnt.strength}")
        of_persons = baseline.learn(seen, baseline.HALF_SECONDS)
        found["face"].append(msgspec.structs.replace(learnt.reliability, baseline=of_persons))
    seen, card = samples.words(data, "dev")
    learnt = reliability.learn(seen, card)
    progress(f"words: {learnt.before:.4f} -> {learnt.after:.4f} nats, strength {learnt.strength}")
    found["words"].append(learnt.reliability)
    rows = tuple(tuple(row) for row in np.eye(len(LABELS)).tolist())
    found["voice"].append(Reliability(model="any", sha256="", prior=UNIFORM, matrix=rows, bias=(0.0,) * len(LABELS)))
    dialogues = stay.learn(data)
    progress(
        f"an emotion stays {dialogues.stay_s} s (label consistency {dialogues.consistency}, {dialogues.pairs} pairs)"
    )
    prior = np.round(stay.everyday_prior(data), 4)
    numbers = {
        sense: SenseNumbers(
            reliability=tuple(entries),
            unreliable=0.1,
            quality_exponent={"face": 1.0, "voice": 0.5, "words": 0.0}[sense],
            memory_s=0.4 if sense == "face" else dialogues.stay_s,
            independence=0.0 if sense == "face" else 0.5,
            stay_s=dialogues.stay_s,
            stale_s=2.0 if sense == "face" else round(dialogues.stay_s * math.log(2), 1),
        )
        for sense, entries in found.items()
    }
    parameters = Parameters(
        schema=SCHEMA,
        version=VERSION,
        labels=LABELS,
        prior=tuple((prior / prior.sum()).round(6).tolist()),
        senses=Senses(**numbers),
        trust=Trust(evidence_s=2.0, recovery_s=60.0, lowest=0.05),
        label_margin=0.05,
        second_share=0.35,
        training=(),
        train_command="python -m models.fusion.train --data DIR",
    )
    arguments.out.write_bytes(encode(parameters))
    return 0


if __name__ == "__main__":
    sys.exit(main())
