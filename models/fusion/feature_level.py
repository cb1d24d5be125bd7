"""`python -m models.fusion.feature_level --data DIR`: trains the network that fuses the embeddings of all senses.

It learns from a declared pairing: faces, voices and texts of the same label, put together because no corpus has all
three. Faces are FER2013 training and PublicTest, voices the RAVDESS actors of folds 1–4 through the device's ears,
texts GoEmotions train and dev. A model recognises what it was trained on better than anything else; so embeddings of
its own training rows get as much noise as brings the recall of its last layer down to that on rows it has not seen.

The gates that weigh the senses see all of them (adaptive fusion of streams: Lee et al., CAER-Net, ICCV 2019). Senses
are left out at random (modality dropout: Neverova et al., ModDrop, TPAMI 2016), and now and then one of another label.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from converters.restore import operations
from edge import config, shipped
from edge.emotions import COUNT, LABELS
from edge.face.expression import Expression
from edge.fusion.feature_level import front_end
from edge.inference.card import Card, Corpus, load
from edge.inference.interpreter import Interpreter
from edge.observation import SENSES, Observation, Sense, Transcript
from edge.words.sense import WordsSense
from models import training
from models.command import one_line_errors
from models.corpora import require
from models.face import data as faces
from models.fusion import heard
from models.metrics import fit_temperature
from models.training.finish import Calibration, Ending, finish, int8
from models.training.fit import StartEpoch
from models.voice.clips import Clip
from models.voice.protocols.noise import mixed
from models.words import corpora

BATCH: Final = 256
"""Pairs per batch."""
STEPS: Final = 100
"""Batches per epoch."""
HIDDEN: Final = 64
"""Width of each sense's hidden layer."""
LEFT_OUT: Final = 0.25
"""Probability that a sense is left out of a training pair; one always stays."""
MISMATCHED: Final = 0.05
"""Probability that a sense of a training pair is of a random label."""
SEEN_PER_LABEL: Final = 400
"""Most rows of the senses' own training data for each label."""
HELD_OUT: Final = 4
"""Every n-th row is left out of training and fits the temperature."""


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Embeddings of one sense with their labels."""

    values: NDArray[np.float32]
    """(n, k) embeddings."""
    labels: NDArray[np.int64]
    """(n,) indices into `LABELS`."""
    noise: NDArray[np.float32]
    """(n, 1) deviation of the noise to add, in units of each value's own deviation; 0 for rows that the model has not
    been trained on."""

    def rows(self, which: NDArray[np.bool_]) -> Pool:
        """The rows that a boolean mask selects."""
        return Pool(self.values[which], self.labels[which], self.noise[which])

    def draw(self, labels: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float32]:
        """(m, k) embeddings of random rows with the given (m,) labels, noise added."""
        rows = np.empty(len(labels), np.int64)
        for label in np.unique(labels):
            known = np.flatnonzero(self.labels == label)
            rows[labels == label] = rng.choice(known, int((labels == label).sum()))
        noise = self.noise[rows] * self.values.std(0) * rng.standard_normal((len(rows), self.values.shape[1]))
        # Embeddings are what a ReLU lets through, so noise does not make them negative.
        return np.asarray(np.maximum(self.values[rows] + noise, 0.0), np.float32)


def pool(seen: list[Row], unseen: list[Row], accuracy: float, model: bytes) -> Pool:
    """Joins rows that the model was trained on and others, with the noise that makes the first no easier.

    Args:
        seen: Rows of the model's training data.
        unseen: Other rows.
        accuracy: Average recall of the model on data it has not seen, 0…1.
        model: Bytes of the model, whose last layer is read.
    """
    last = operations(model)[-1]
    values = np.stack([value for value, _ in (*seen, *unseen)])
    labels = np.array([label for _, label in (*seen, *unseen)])
    deviation = values.std(0)
    own, truth = values[: len(seen)], labels[: len(seen)]
    rng = np.random.default_rng(0)
    draws = rng.standard_normal(own.shape)

    def right(noise: float) -> float:
        noisy = np.maximum(own + noise * deviation * draws, 0.0)
        return balanced((noisy @ last.kernel + last.bias).argmax(1), truth)

    noise = next((step for step in np.arange(0.0, 4.0, 0.05) if right(float(step)) <= accuracy), 4.0) if seen else 0.0
    print(f"  {len(seen)} seen rows, recall {right(0.0) if seen else 0:.3f} → {accuracy:.3f} by noise {noise:.2f}")
    return Pool(values, labels, np.repeat([noise, 0.0], [len(seen), len(unseen)])[:, None].astype(np.float32))


Row = tuple[NDArray[np.float32], int]
"""An embedding and its label."""


def _embedding(seen: Observation) -> NDArray[np.float32]:
    assert seen.embedding is not None, "run `python -m models.fusion.embeddings` first"
    return seen.embedding


def of_faces(data: Path, quick: bool) -> tuple[Pool, Card]:
    """Embeddings of faces, and the card of the model."""
    path = shipped.model("face", "face_small")
    expression = Expression(path)
    file = require(data, faces.FILE)

    def read(split: str, most: int) -> list[Row]:
        known = faces.load(file, split)
        kept = [row for label in range(COUNT) for row in np.flatnonzero(known.labels == label)[:most]]
        return [(_found(expression.read(known.images[row])[1]), int(known.labels[row])) for row in kept]

    seen, unseen = read("training", 8 if quick else SEEN_PER_LABEL), read("public", 8 if quick else 10_000)
    return pool(seen, unseen, _accuracy(unseen, path), path.read_bytes()), expression.card


def of_texts(data: Path, quick: bool) -> tuple[Pool, Card]:
    """Embeddings of texts with a single label, and the card of the model."""
    path = shipped.model("words", "words")
    sense = WordsSense(config.Words())
    require(data, "text/goemotions")

    def read(split: str, most: int) -> list[Row]:
        found: list[Row] = []
        counts = [0] * COUNT
        for text, labels in corpora.goemotions(data, split):
            label = LABELS.index(labels[0])
            if len(labels) == 1 and counts[label] < most:
                seen = sense.read(Transcript(text, 0.0))
                if seen is not None:
                    counts[label] += 1
                    found.append((_embedding(seen), label))
        return found

    seen, unseen = read("train", 8 if quick else SEEN_PER_LABEL), read("dev", 8 if quick else 10_000)
    return pool(seen, unseen, _accuracy(unseen, path), path.read_bytes()), sense.card


def of_voices(data: Path, quick: bool) -> tuple[Pool, Card]:
    """Embeddings of RAVDESS voices of folds 1–4 as the ears hear them, every interim observation too, and the card.

    The accuracy on voices that the model has not heard is that of the networks of the folds, each on its own actors.
    """
    path = shipped.model("voice", "voice")
    sense = heard.held_out_sense(0)
    known = [row for row in heard.labelled(require(data, "voice"), ("RAVDESS",)) if row[0].fold != 0]
    known = known[:: 60 if quick else 2]
    seen = [(_embedding(one), label) for clip, label in known for one in heard.hear(sense, _alone(clip))]
    decided, truth = [], []
    for number in range(1, 5):
        other = heard.held_out_sense(number)
        for clip, label in [row for row in known if row[0].fold == number][::4]:
            found = heard.hear(other, _alone(clip))
            decided += [int(np.argmax(one.posterior)) for one in found]
            truth += [label] * len(found)
    return pool(seen, [], balanced(np.array(decided), np.array(truth)), path.read_bytes()), sense.card


def _alone(clip: Clip) -> NDArray[np.float32]:
    """The clip between faint hiss, as the ears get it."""
    return mixed(clip.read(), np.zeros(1, np.float32), None, np.random.default_rng(0))


def _found(embedding: NDArray[np.float32] | None) -> NDArray[np.float32]:
    assert embedding is not None, "run `python -m models.fusion.embeddings` first"
    return embedding


def _accuracy(rows: list[Row], model: Path) -> float:
    """Average recall of a model's last layer on embeddings."""
    last = operations(model.read_bytes())[-1]
    values = np.stack([value for value, _ in rows])
    return balanced((values @ last.kernel + last.bias).argmax(1), np.array([label for _, label in rows]))


def balanced(decided: NDArray[np.integer], truth: NDArray[np.integer]) -> float:
    """Recall averaged over the labels that occur, because the parts of the corpora differ in how often each does.

    Args:
        decided: (n,) decided labels.
        truth: (n,) true labels.
    """
    return float(np.mean([(decided[truth == label] == label).mean() for label in np.unique(truth)]))


def build(sizes: Mapping[Sense, int], adaptive: bool = True) -> Any:
    """Network of an embedding (1, k) a sense and (1, 3) how much each counts → (1, 7) logits.

    Args:
        sizes: Sense → length of its embedding.
        adaptive: Whether gates weigh the senses; otherwise their hidden layers are simply put side by side.
    """
    embeddings = [keras.Input((sizes[sense],), name=sense) for sense in SENSES]
    counts = keras.Input((len(SENSES),), name="counts")
    hidden = []
    for number, embedding in enumerate(embeddings):
        inner = layers.Dense(HIDDEN, activation="relu", name=f"of_{SENSES[number]}")(layers.Dropout(0.2)(embedding))
        count = layers.Dense(1, use_bias=False, trainable=False, name=f"count_{SENSES[number]}")(counts)
        hidden.append(layers.Multiply()([inner, count]))
    if adaptive:
        seen = layers.Concatenate()([*hidden, counts])
        gates = [layers.Dense(1, activation="sigmoid", name=f"gate_{sense}")(seen) for sense in SENSES]
        hidden = [layers.Multiply()([inner, gate]) for inner, gate in zip(hidden, gates, strict=True)]
    joined = layers.Dropout(0.3)(layers.Concatenate()(hidden))
    model = keras.Model([*embeddings, counts], layers.Dense(COUNT, name="logits")(joined), name="feature_level")
    for number, sense in enumerate(SENSES):
        model.get_layer(f"count_{sense}").set_weights([np.eye(len(SENSES), dtype=np.float32)[:, [number]]])
    return model


class Batches(training.Batches):
    """Pairs of the declared pairing: labels alike frequent, senses left out or mismatched at random."""

    def __init__(self, pools: Mapping[Sense, Pool], steps: int, seed: int) -> None:
        super().__init__(steps * BATCH, BATCH, seed)
        self._pools = pools

    def batch(self, rows: NDArray[np.int64], rng: np.random.Generator) -> Any:
        return pairs(self._pools, len(rows), rng, LEFT_OUT, MISMATCHED)


def pairs(
    pools: Mapping[Sense, Pool], count: int, rng: np.random.Generator, left_out: float, mismatched: float
) -> tuple[tuple[NDArray[np.float32], ...], NDArray[np.int64]]:
    """Random pairs: the inputs of the network, and (count,) labels.

    Args:
        pools: Sense → its embeddings.
        count: Number of pairs.
        rng: Source of randomness.
        left_out: Probability that a sense is left out; one always stays.
        mismatched: Probability that a sense is of a random label.
    """
    labels = rng.integers(0, COUNT, count)
    present = rng.random((count, len(SENSES))) >= left_out
    none = ~present.any(1)
    present[none, rng.integers(0, len(SENSES), int(none.sum()))] = True
    inputs = []
    for column, sense in enumerate(SENSES):
        shown = np.where(rng.random(count) < mismatched, rng.integers(0, COUNT, count), labels)
        inputs.append(pools[sense].draw(shown, rng) * present[:, [column]])
    return (*inputs, present.astype(np.float32)), labels


def train(pools: Mapping[Sense, Pool], epochs: int, steps: int, seed: int, adaptive: bool = True) -> Any:
    """The trained float network.

    Args:
        pools: Sense → its training embeddings.
        epochs: Number of epochs.
        steps: Batches per epoch.
        seed: Seed of weights and pairs.
        adaptive: As for `build`; the plain concatenation is trained without leaving senses out.
    """
    keras.utils.set_random_seed(seed)
    model = build({sense: pools[sense].values.shape[1] for sense in SENSES}, adaptive)
    batches = Batches(pools, steps, seed)
    model.compile(
        optimizer=keras.optimizers.AdamW(training.cosine(3e-3, epochs, steps, 1), weight_decay=0.02),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    model.fit(batches, epochs=epochs, verbose=0, callbacks=[StartEpoch(batches)])
    return model


def split(found: Pool, held_out: bool) -> Pool:
    """Every `HELD_OUT`-th row of the pool, or the others."""
    chosen = np.arange(len(found.labels)) % HELD_OUT == 0
    return found.rows(chosen if held_out else ~chosen)


def extracted(data: Path, folder: Path, quick: bool) -> tuple[dict[Sense, Pool], dict[Sense, Card]]:
    """The pools of all senses, kept in `folder` for a resumed run, and the cards of their models."""
    makers: dict[Sense, Callable[[Path, bool], tuple[Pool, Card]]] = {
        "face": of_faces, "voice": of_voices, "words": of_texts,
    }  # fmt: skip
    pools: dict[Sense, Pool] = {}
    cards: dict[Sense, Card] = {}
    folder.mkdir(parents=True, exist_ok=True)
    for sense, (room, stem) in zip(
        SENSES, (("face", "face_small"), ("voice", "voice"), ("words", "words")), strict=True
    ):
        cards[sense] = load(shipped.model(room, stem))[1]
        path = folder / f"{sense}-{cards[sense].sha256[:12]}{'-quick' if quick else ''}.npz"
        if not path.exists():
            print(f"embeddings of {sense}")
            made = makers[sense](data, quick)[0]
            np.savez(path, values=made.values, labels=made.labels, noise=made.noise)
        with np.load(path, allow_pickle=False) as file:
            pools[sense] = Pool(file["values"], file["labels"], file["noise"])
    return pools, cards


def logits(model: bytes, inputs: tuple[NDArray[np.float32], ...]) -> NDArray[np.float32]:
    """(n, 7) logits of a converted network for n pairs."""
    interpreter = Interpreter(model)
    return np.stack([interpreter.run(*(part[[row]] for part in inputs))[0][0] for row in range(len(inputs[0]))])


MODELS: Final[dict[Sense, tuple[str, str]]] = {
    "face": ("face", "face_small"),
    "voice": ("voice", "voice"),
    "words": ("words", "words"),
}
"""Sense → room and stem of the model that gives its embedding, the default of each sense."""
TERMS: Final = (
    ("FER2013", "ICML-2013 challenge images from the web: no open licence, for training only"),
    ("RAVDESS", "CC BY-NC-SA 4.0, Livingstone & Russo 2018"),
    ("GoEmotions", "CC BY 4.0, Demszky et al. 2020"),
)
"""Corpus and terms of use of each sense."""


def ending(pools: Mapping[Sense, Pool], cards: Mapping[Sense, Card], arguments: Namespace) -> Ending:
    """Contents of the card, calibration on rows left out of training."""
    held_out = {sense: split(found, True) for sense, found in pools.items()}
    learnt = {sense: split(found, False) for sense, found in pools.items()}
    inputs, truth = pairs(held_out, 1000, np.random.default_rng(1), LEFT_OUT, 0.0)
    shown, _ = pairs(learnt, 400, np.random.default_rng(2), LEFT_OUT, 0.0)

    def rows(values: tuple[NDArray[np.float32], ...]) -> list[tuple[NDArray[np.float32], ...]]:
        return [tuple(part[[row]] for part in values) for row in range(len(values[0]))]

    return Ending(
        name="feature-level fusion",
        task="emotion from the embeddings of face, voice and words",
        command=training.train_command("fusion.feature_level", arguments),
        recipe=(
            f"a hidden layer of {HIDDEN} a sense, gates that see all senses and weigh each, one dense layer; a "
            "declared pairing of equally frequent labels, senses left out at random; AdamW with cosine schedule; int8 "
            "after training"
        ),
        training=[
            Corpus(name=name, terms=terms, rows=len(learnt[sense].labels))
            for sense, (name, terms) in zip(SENSES, TERMS, strict=True)
        ],
        front_end=front_end(cards),
        quantise=int8(rows(shown)),
        parity_rows=rows(inputs)[:200],
        calibrate=lambda small: Calibration(fit_temperature(logits(small, inputs), truth)),
        notes=["valid only for the models of face, voice and words whose SHA-256 the front end states"],
        input_meanings=[*(f"embedding of {sense}" for sense in SENSES), "how much each sense counts, 0…1"],
        output_meanings=["logits in the order of labels, for equally frequent labels, before the temperature"],
    )


@one_line_errors
def main() -> int:
    arguments = training.argument_parser("fusion.feature_level", epochs=20, about=__doc__).parse_args()
    steps = 2 if arguments.quick else STEPS
    if arguments.quick:
        arguments.epochs = 1
    pools, cards = extracted(Path(arguments.data or "."), arguments.runs, arguments.quick)
    model = train(
        {sense: split(found, False) for sense, found in pools.items()}, arguments.epochs, steps, arguments.seed
    )
    out = arguments.out or shipped.model("fusion", "feature_level")
    finish(model, ending(pools, cards, arguments), out, arguments.runs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
