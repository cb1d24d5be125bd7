"""`python -m models.voice.evaluate --data DIR`: scores on speakers who do not occur in training.

Measures the shipped model on its held-out speakers over the seven labels, for all corpora together and for each alone.
With `--folds` it also measures the networks of the ten folds, each corpus over its own classes. Clips are at most 3 s
long. Sound is processed by the device's own front end; CREMA-D is available only as the log-mel of that front end.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from edge import shipped
from edge.errors import EdgeEmotionError
from edge.inference.card import card_path, write
from edge.inference.interpreter import open_model
from edge.voice.standardizer import Standardizer
from models import report
from models.corpora import add_data_option, require
from models.voice import data, features
from models.voice.clips import clips
from models.voice.protocols import held_out as protocol
from models.voice.protocols.folds import FOLD_COUNT


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m models.voice.evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_data_option(parser)
    parser.add_argument("--model", type=Path, default=shipped.model("voice", "voice"), help="a .tflite with its card")
    parser.add_argument("--folds", action="store_true", help="measure the nets of the folds beside it as well")
    parser.add_argument("--write-card", action="store_true", help="put the scores into the card of the model")
    parser.add_argument("--json", action="store_true", help="one JSON object a protocol")
    arguments = parser.parse_args()
    try:
        interpreter, card = open_model(arguments.model)
        known = clips(require(arguments.data, "voice"))
        voices = data.load([clip for clip in known if arguments.folds or clip.fold == 0])
        test = voices.rows(voices.folds == 0)
        values = Standardizer.read(card.front_end).apply(features.of(test))
        outputs = protocol.logits(interpreter, values)
        found = protocol.seven("int8", outputs, card.temperature, test)
        report.show(found, card, arguments.json)
        if arguments.folds:
            opened = [open_model(protocol.file(number, arguments.model)) for number in range(FOLD_COUNT)]
            cards = [one for _, one in opened]
            nets = [(net, Standardizer.read(one.front_end)) for net, one in opened]
            outputs = protocol.out_of_fold(nets, features.of(voices), voices)
            temperatures = [one.temperature for one in cards]
            of_folds = protocol.scores(protocol.INT8, outputs, temperatures, voices)
            report.show(of_folds, cards[0], arguments.json)
            found += of_folds
        if arguments.write_card:
            write(report.with_scores(card, found), card_path(arguments.model))
    except EdgeEmotionError as error:
        sys.exit(f"error: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
