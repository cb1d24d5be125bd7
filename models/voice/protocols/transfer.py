"""`python -m models.voice.protocols.transfer --data DIR`: scores the voice recipe with two other splits.

The network and recipe are those of the shipped model. The splits are:

- at random, so that every speaker also occurs in training; many papers report this number, and it is too optimistic;
- by corpus: trained on two corpora and measured on all clips of the third, over those of the seven labels it has.

The networks are float; nothing of this ships. Takes some minutes with the functionals cached by `models.voice.train`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from edge import shipped
from edge.emotions import LABELS
from edge.inference import card as cards
from edge.inference.card import Score
from edge.inference.posterior import softmax
from edge.voice.standardizer import Standardizer
from models import report, training
from models.corpora import require
from models.metrics import single_label
from models.voice import data, features
from models.voice.clips import clips
from models.voice.protocols.folds import CLASSES, OUTPUTS, SHARED, head
from models.voice.train import EPOCHS, train

RANDOM_FOLDS: Final = 5
"""Number of folds of the random split."""
MODEL: Final = "float32 nets of the same recipe"
"""Model name in the scores."""


def held_out(
    values: NDArray[np.float32], voices: data.Voices, test: NDArray[np.bool_], arguments: Any, name: str
) -> NDArray[np.float32]:
    """Trains a network on all other clips and returns its logits for the clips in `test`.

    Args:
        values: (variants, n, 897) features, not standardised.
        voices: The n clips.
        test: (n,) which clips are held out.
        arguments: Parsed command line.
        name: Name of the run.

    Returns:
        (m, `OUTPUTS`) logits of the m held-out clips.
    """
    keras.utils.set_random_seed(arguments.seed)
    standard = Standardizer.of(values[:, ~test])
    shown = standard.apply(values[:, ~test])
    folder = arguments.runs / "transfer" / name
    net = train(shown, voices.rows(~test), arguments.epochs, arguments.seed, folder)
    print(f"{name} is done", file=sys.stderr)
    return np.asarray(net.predict(standard.apply(values[0, test]), batch_size=256, verbose=0))


def at_random(values: NDArray[np.float32], voices: data.Voices, arguments: Any) -> list[Score]:
    """Scores of each corpus over its own classes with five random folds of clips.

    Args:
        values: (variants, n, 897) features, not standardised.
        voices: The n clips.
        arguments: Parsed command line.
    """
    parts = np.random.default_rng(arguments.seed).integers(0, RANDOM_FOLDS, len(voices))
    outputs = np.zeros((len(voices), OUTPUTS), np.float32)
    for number in range(RANDOM_FOLDS):
        test = parts == number
        outputs[test] = held_out(values, voices, test, arguments, f"random{number}")
    found = []
    for corpus, names in CLASSES.items():
        of = voices.corpora == corpus
        protocol = f"{corpus}, {len(names)} classes, five random folds: speakers known"
        posterior = softmax(outputs[of][:, head(corpus)], 1.0)
        found.append(single_label(MODEL, protocol, posterior, voices.classes[of], names))
    return found


def across(values: NDArray[np.float32], voices: data.Voices, arguments: Any) -> list[Score]:
    """Scores over the seven labels, trained on two corpora and measured on the third.

    Args:
        values: (variants, n, 897) features, not standardised.
        voices: The n clips.
        arguments: Parsed command line.
    """
    found = []
    for corpus in CLASSES:
        test = voices.corpora == corpus
        outputs = held_out(values, voices, test, arguments, corpus)[:, head(SHARED)]
        labels = voices.labels[test]
        known = labels != data.NONE
        others = " and ".join(other for other in CLASSES if other != corpus)
        protocol = f"{corpus} over the seven labels, learnt from {others}"
        found.append(single_label(MODEL, protocol, softmax(outputs[known], 1.0), labels[known], LABELS))
    return found


def main() -> int:
    parser = training.argument_parser("voice.transfer", EPOCHS, "Measure the recipe on other ways of splitting.")
    parser.set_defaults(runs=Path("runs/voice"))  # where the features of the training are cached
    parser.add_argument("--write-card", action="store_true", help="put the scores into the shipped model's card")
    arguments = parser.parse_args()
    shown = clips(require(arguments.data, "voice"))
    voices = data.load(shown, lambda text: print(text, file=sys.stderr))
    values = features.variants(voices, shown, arguments.seed, arguments.runs, lambda text: print(text, file=sys.stderr))
    found = (*at_random(values, voices, arguments), *across(values, voices, arguments))
    for score in found:
        report.line(score)
    if arguments.write_card:
        path = cards.card_path(shipped.model("voice", "voice"))
        cards.write(report.with_scores(cards.read(path), found), path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
