"""`python -m models.voice.train --data DIR`: three corpora of acted voices → int8 TFLite with its card."""

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
from edge.inference.card import Corpus
from edge.inference.interpreter import Interpreter
from edge.voice.logmel import FRONT_END
from models import training
from models.corpora import require
from models.metrics import class_weights, fit_temperature
from models.voice import architecture, data
from models.voice.augment import augment
from models.voice.evaluate import as_input, logits, scores

BATCH: Final = 64
CALIBRATION_ROWS: Final = 400
SMOOTHING: Final = 0.1
MIXUP: Final = 0.2

TERMS: Final = {
    "RAVDESS": "CC BY-NC-SA 4.0, Livingstone & Russo 2018",
    "CREMA-D": "ODbL 1.0 / DbCL 1.0, Cao et al. 2014",
    "EMO-DB": "free for research, Burkhardt et al. 2005",
}


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Shuffled, augmented (64, 64, 188, 1) float32 batches with smoothed targets.

    A quarter of the rows is mixed with another row (Zhang et al., mixup, ICLR 2018). Order and augmentation follow from
    seed, epoch and batch alone.
    """

    def __init__(self, voices: data.Voices, seed: int, batch: int = BATCH) -> None:
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=8)
        self._voices, self._seed, self._batch = voices, seed, batch
        hard = np.eye(len(LABELS), dtype=np.float32)[voices.labels]
        self._targets = (1 - SMOOTHING) * hard + SMOOTHING / len(LABELS)
        self._weights = class_weights(voices.labels, 0.5)
        self.start(0)

    def start(self, epoch: int) -> None:
        self._epoch = epoch
        self._order = np.random.default_rng((self._seed, epoch)).permutation(len(self._voices))

    def __len__(self) -> int:
        return len(self._voices) // self._batch

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        rows = self._order[index * self._batch : (index + 1) * self._batch]
        rng = np.random.default_rng((self._seed, self._epoch, index))
        plain = as_input(self._voices.mels[rows])[..., 0]
        mels = np.stack([augment(mel, rng) for mel in plain])
        targets, weights = self._targets[rows], self._weights[rows]
        share = np.where(rng.random(len(rows)) < 0.25, rng.beta(MIXUP, MIXUP, len(rows)), 1.0).astype(np.float32)
        other = rng.permutation(len(rows))
        mels = share[:, None, None] * mels + (1 - share)[:, None, None] * mels[other]
        targets = share[:, None] * targets + (1 - share)[:, None] * targets[other]
        return mels[..., None], targets, share * weights + (1 - share) * weights[other]


def train(arguments: Any, voices: data.Voices, dev: data.Voices) -> Any:
    """The float model of the epoch that has the best unweighted average recall on the dev speakers."""
    batches = Batches(voices, arguments.seed)
    model = architecture.build()
    model.compile(
        optimizer=keras.optimizers.AdamW(training.cosine(2e-3, arguments.epochs, len(batches)), weight_decay=0.02),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        # Weighted so, accuracy is the unweighted average recall.
        weighted_metrics=[keras.metrics.CategoricalAccuracy(name="uar")],
    )
    truth = np.eye(len(LABELS), dtype=np.float32)[dev.labels]
    validation = (as_input(dev.mels), truth, class_weights(dev.labels, 1.0))
    best = training.fit(model, batches, validation, epochs=arguments.epochs, folder=arguments.runs, monitor="val_uar")
    model.load_weights(best)
    return model


def main() -> int:
    arguments = training.argument_parser("voice", epochs=30).parse_args()
    keras.utils.set_random_seed(arguments.seed)
    folder = require(arguments.data, "voice").parent
    voices, dev, test = (data.load(folder, split, print) for split in ("train", "dev", "test"))
    rng = np.random.default_rng(arguments.seed)
    if arguments.quick:
        arguments.epochs = min(arguments.epochs, 2)
        voices, dev, test = (split.rows(rng.permutation(len(split))[:256]) for split in (voices, dev, test))
    model = train(arguments, voices, dev)

    chosen = rng.choice(len(voices), min(CALIBRATION_ROWS, len(voices)), replace=False)
    calibration = [(augment(mel, rng)[None, ..., None],) for mel in as_input(voices.mels[chosen])[..., 0]]
    try:
        floating = convert(model, "float32", progress=print)
        quantised = convert(model, "int8", calibration, progress=print)
        parity = measure(floating, quantised, [(as_input(mel[None]),) for mel in dev.mels])
        temperature = fit_temperature(logits(Interpreter(quantised), dev), dev.labels)
        out = arguments.out or shipped.model("voice", "voice")
        card = make_card(
            quantised,
            name="voice",
            task="emotion in the voice",
            file=out.name,
            temperature=round(temperature, 4),
            front_end=FRONT_END,
            training=[
                Corpus(name=name, terms=terms, rows=int((voices.corpora == name).sum()))
                for name, terms in TERMS.items()
            ],
            train_command="python -m models.voice.train --data DIR "
            f"--epochs {arguments.epochs} --seed {arguments.seed}",
            recipe="residual CNN over the log-mel; class-balanced loss, label smoothing, mixup, SpecAugment, crops, "
            "noise, tempo, vocal-tract and equaliser changes; AdamW with cosine schedule; best epoch and temperature "
            "by the dev speakers; int8 after training",
            scores=[
                *scores("int8", logits(Interpreter(quantised), test), temperature, test),
                *scores("float32", logits(Interpreter(floating), test), temperature, test),
            ],
            notes=[
                f"int8 against float32 on the {parity.n} dev clips: {parity.agreement:.2%} equal decisions, "
                f"mean KL divergence {parity.divergence:.4f} nats",
                "dev speakers: " + "; ".join(f"{c} {', '.join(s['dev'])}" for c, s in data.SPEAKERS.items()),
                "RAVDESS calm counts as neutral; EMO-DB boredom is left out; only RAVDESS has surprise",
                "all three corpora are acted: everyday voices are less marked",
            ],
            input_meanings=["log-mel, 64 bands × 188 frames, 0 is −80 dB and 1 the loudest cell"],
            output_meanings=["logits in the order of labels, before the temperature"],
        )
        save(quantised, card, out)
    except EdgeEmotionError as error:
        sys.exit(f"error: {error}")
    print(f"{out}: {card.bytes:,} bytes, held-out speakers' UAR {card.scores[0].uar:.2%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
