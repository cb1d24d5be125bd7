"""`python -m models.voice.evaluate --data DIR`: scores on speakers who do not occur in training.

For each size of the voice model, the networks of the folds are measured on the speakers, and those of the protocol
"learnt from the others" on the corpora, that they have not heard: each corpus over its own classes, all over the seven
labels, for strangers and for speakers of whom the model knows 1, 3, 8 or 20 other utterances (`baseline`).
Sound is processed by the device's own front end; CREMA-D is available only as a log-mel.
"""

from __future__ import annotations

import argparse
import sys

from edge.inference.card import card_path, write
from models import report
from models.command import one_line_errors
from models.corpora import add_data_option, require
from models.voice.protocols.sizes import SIZES


@one_line_errors
def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m models.voice.evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_data_option(parser)
    parser.add_argument("--size", choices=tuple(SIZES), action="append", help="only this size; may be repeated")
    parser.add_argument("--write-card", action="store_true", help="put the scores into the card of the model")
    parser.add_argument("--json", action="store_true", help="one JSON object a protocol")
    arguments = parser.parse_args()
    folder = require(arguments.data, "voice")
    for name in arguments.size or SIZES:
        size = SIZES[name]
        card = size.card()
        found = size.scores(folder, lambda text: print(text, file=sys.stderr))
        report.show(found, card, arguments.json)
        if arguments.write_card:
            write(report.with_scores(card, found), card_path(size.path))
    return 0


if __name__ == "__main__":
    sys.exit(main())
