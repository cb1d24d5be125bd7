"""`python -m models.words.study.meld_minilm --data DIR --minilm DIR --weights FILE`: trains MiniLM on MELD.

The teacher of `models.words.teacher` (22 M parameters), fine-tuned on GoEmotions, is trained further on MELD. It reads
the utterance alone, or with the preceding ones in front of it, separated by a special token; pooling is over the
utterance's own pieces. This is a study: MELD's transcripts are those of a television series, and no model trained on
them ships. The number of epochs is fixed; the score on dev is shown too, and test is used once per row.
"""

from __future__ import annotations

import argparse
import time
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge.emotions import LABELS
from models.corpora import require
from models.metrics import class_weights
from models.words import corpora
from models.words.study.scores import f1
from models.words.teacher import MELD_SPLITS, Teacher, add_options, batches

BATCH: Final = 32
"""Utterances per batch."""
RATE: Final = 6e-5
"""Peak learning rate."""
LONGEST: Final = 96
"""Highest number of word pieces that the network reads; those of the utterance itself are the last ones."""


def pieces(teacher: Teacher, dialogues: list[list[Any]], context: int) -> list[tuple[list[int], int]]:
    """Input of each utterance.

    Args:
        teacher: The teacher, whose tokenizer is used.
        dialogues: Utterances of each dialogue in order.
        context: Number of utterances to read, the one to classify included.

    Returns:
        For each utterance, its input pieces and the number of last pieces that are its own.
    """
    start, *_, end = teacher.encode(["."])[0]
    found = []
    for dialogue in dialogues:
        utterances = [one[1:-1] for one in teacher.encode([text for text, _ in dialogue])]
        for i, own in enumerate(utterances):
            before = [piece for one in utterances[max(0, i - context + 1) : i] for piece in (*one, end)]
            room = LONGEST - len(own) - 2
            found.append(([start, *before[len(before) - min(room, len(before)) :], *own, end], len(own) + 1))
    return found


def outputs(teacher: Teacher, shown: list[tuple[list[int], int]]) -> Any:
    """(n, 7) logits of the inputs of `pieces`."""
    return teacher.head(teacher.pooled([piece for piece, _ in shown], [own for _, own in shown]))


def probabilities(teacher: Teacher, shown: list[tuple[list[int], int]]) -> NDArray[np.float32]:
    """(n, 7) probabilities of the inputs of `pieces`, without dropout."""
    import torch

    teacher.body.eval()
    teacher.head.eval()
    found = np.zeros((len(shown), len(LABELS)), np.float32)
    with torch.inference_mode():
        for rows in batches(np.array([len(piece) for piece, _ in shown]), 64, None):
            found[rows] = outputs(teacher, [shown[row] for row in rows]).softmax(1).numpy()
    return found


def train(teacher: Teacher, shown: list[tuple[list[int], int]], truth: NDArray[np.int64], epochs: int) -> None:
    """Trains the teacher on the inputs of `pieces`.

    Args:
        teacher: The teacher.
        shown: Inputs of the n utterances.
        truth: (n,) label indices.
        epochs: Number of epochs.
    """
    import torch

    lengths = np.array([len(piece) for piece, _ in shown])
    trained = [p for p in (*teacher.body.parameters(), *teacher.head.parameters()) if p.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=RATE, weight_decay=0.01)
    steps = epochs * -(-len(shown) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps, pct_start=0.1)
    weights = torch.tensor(class_weights(truth, 0.25))
    rng, started, step = np.random.default_rng(0), time.monotonic(), 0
    for _ in range(epochs):
        teacher.body.train()
        teacher.head.train()
        for rows in batches(lengths, BATCH, rng):
            logits = outputs(teacher, [shown[row] for row in rows])
            each = torch.nn.functional.cross_entropy(logits, torch.tensor(truth[rows]), reduction="none")
            loss = (weights[rows] * each).mean()
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimiser.step()
            schedule.step()
            step += 1
            if step % 100 == 0:
                print(f"step {step} of {steps}, {time.monotonic() - started:.0f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m models.words.study.meld_minilm", description=__doc__)
    add_options(parser)
    parser.add_argument("--context", type=int, nargs="+", default=[1, 6], help="utterances seen, the one to judge too")
    parser.add_argument("--epochs", type=int, default=3)
    arguments = parser.parse_args()
    folder = require(arguments.data, "text/meld").parent.parent
    dialogues = {split: corpora.meld_dialogues(folder, split) for split in MELD_SPLITS}
    truth = {
        split: np.array([LABELS.index(labels[0]) for dialogue in part for _, labels in dialogue])
        for split, part in dialogues.items()
    }
    print("| utterances seen | dev weighted F1 | test weighted F1 | seconds |\n|---|---|---|---|", flush=True)
    for context in arguments.context:
        began = time.monotonic()
        teacher = Teacher(arguments.minilm, arguments.seed)
        if arguments.weights:
            teacher.load(arguments.weights)
        shown = {split: pieces(teacher, part, context) for split, part in dialogues.items()}
        train(teacher, shown["train"], truth["train"], arguments.epochs)
        scores = [100 * f1(probabilities(teacher, shown[split]), truth[split]) for split in ("dev", "test")]
        print(
            f"| {context} | {scores[0]:.1f} | {scores[1]:.1f} | {time.monotonic() - began:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
