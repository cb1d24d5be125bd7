"""`python -m models.face.train --data DIR`: FER2013 → float Keras model → int8 TFLite with its card."""

from __future__ import annotations

import sys
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from converters.cards import make_card, save
from converters.parity import measure
from converters.tflite import convert
from edge import shipped
from edge.emotions import LABELS
from edge.errors import EdgeEmotionError
from edge.face.crop import FRONT_END, as_input
from edge.inference.card import Corpus
from edge.inference.interpreter import Interpreter
from models import training
from models.corpora import require
from models.face import architecture, data
from models.face.evaluate import scores
from models.metrics import class_weights, fit_temperature

BATCH: Final = 64
CALIBRATION_ROWS: Final = 500
QUICK_ROWS: Final = 256

CORPORA: Final = (
    ("FER2013", "ICML-2013 challenge images from the web: no open licence, for training only"),
    ("FER+ votes", "MIT, microsoft/FERPlus"),
)


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Shuffled, augmented (64, 48, 48, 1) float32 batches with soft targets and class weights.

    Order and augmentation follow from seed, epoch and batch alone.
    """

    def __init__(self, faces: data.Faces, seed: int, batch: int = BATCH) -> None:
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=8)
        self._faces, self._seed, self._batch = faces, seed, batch
        self._targets = data.soft_targets(faces)
        self._weights = class_weights(faces.labels, 0.3)
        self.start(0)

    def start(self, epoch: int) -> None:
        self._epoch = epoch
        self._order = np.random.default_rng((self._seed, epoch)).permutation(len(self._faces))

    def __len__(self) -> int:
        return len(self._faces) // self._batch

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        rows = self._order[index * self._batch : (index + 1) * self._batch]
        rng = np.random.default_rng((self._seed, self._epoch, index))
        images = np.stack([data.augment(self._faces.images[row], rng) for row in rows])
        return as_input(images), self._targets[rows], self._weights[rows]


def train(arguments: Any, faces: data.Faces, public: data.Faces) -> Any:
    """The float model of the epoch that is best on PublicTest."""
    batches = Batches(faces, arguments.seed)
    model = architecture.build()
    model.compile(
        optimizer=keras.optimizers.AdamW(training.cosine(3e-3, arguments.epochs, len(batches)), weight_decay=0.02),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    truth = np.eye(len(LABELS), dtype=np.float32)[public.labels]
    best = training.fit(
        model,
        batches,
        (as_input(public.images), truth),
        epochs=arguments.epochs,
        folder=arguments.runs,
        monitor="val_accuracy",
    )
    model.load_weights(best)
    return model


def outputs(model: bytes, faces: data.Faces) -> NDArray[np.float32]:
    """(n, 7) logits of a `.tflite`, one image at a time."""
    interpreter = Interpreter(model)
    return np.stack([interpreter.run(as_input(image))[0][0] for image in faces.images])


def main() -> int:
    arguments = training.argument_parser("face", epochs=34).parse_args()
    keras.utils.set_random_seed(arguments.seed)
    path = require(arguments.data, data.FILE)
    faces, public, private = (data.load(path, split) for split in ("training", "public", "private"))
    if arguments.quick:
        arguments.epochs = min(arguments.epochs, 2)
        faces, public, private = (data.head(split, QUICK_ROWS) for split in (faces, public, private))
    model = train(arguments, faces, public)

    rng = np.random.default_rng(arguments.seed)
    rows = rng.choice(len(faces), min(CALIBRATION_ROWS, len(faces)), replace=False)
    calibration = [(as_input(data.augment(faces.images[row], rng)),) for row in rows]
    try:
        floating = convert(model, "float32", progress=print)
        quantised = convert(model, "int8", calibration, progress=print)
        parity = measure(floating, quantised, [(as_input(image),) for image in public.images[:1000]])
        temperature = fit_temperature(outputs(quantised, public), public.labels)
        out = arguments.out or shipped.model("face", "face_small")
        card = make_card(
            quantised,
            name="face-small",
            task="facial expression",
            file=out.name,
            temperature=round(temperature, 4),
            front_end=FRONT_END,
            training=[Corpus(name=name, terms=terms, rows=len(faces)) for name, terms in CORPORA],
            train_command=f"python -m models.face.train --data DIR --epochs {arguments.epochs} --seed {arguments.seed}",
            recipe="residual CNN, soft targets (0.7 FER2013 label + 0.3 FER+ votes), affine, light and cut-out "
            "augmentation, AdamW with cosine schedule; best epoch and temperature by PublicTest; int8 after training",
            scores=[
                *scores("int8", outputs(quantised, private), temperature, private),
                *scores("float32", outputs(floating, private), temperature, private),
            ],
            notes=[
                f"int8 against float32 on 1,000 PublicTest images: {parity.agreement:.2%} equal decisions, "
                f"mean KL divergence {parity.divergence:.4f} nats",
                "an emotion label is what raters saw in a posed or web photograph, not what a person feels",
            ],
            input_meanings=["grey face framed as FER2013 frames it, black 0 … white 1"],
            output_meanings=["logits in the order of labels, before the temperature"],
        )
        save(quantised, card, out)
    except EdgeEmotionError as error:
        sys.exit(f"error: {error}")
    print(f"{out}: {card.bytes:,} bytes, PrivateTest accuracy {card.scores[0].accuracy:.2%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
