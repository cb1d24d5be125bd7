"""`python -m models.voice.training.origin --data DIR`: measures the original project's voice features.

100 frames of 34 short-term features (`edge.voice.shortterm`), one every 0.1 s, are the input of a small convolutional
network over time, as in the student projects that this one grew out of. Those were scored on random splits; here
speakers are held out by the folds of `models.voice.protocols.folds`. RAVDESS and EMO-DB train together; CREMA-D is not
available as sound. Nothing of this ships. Takes a few minutes.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from converters.tflite import convert
from edge.errors import EdgeEmotionError
from edge.inference.interpreter import Interpreter
from edge.voice.shortterm import COUNT, FRAMES, short_term
from models import report, training
from models.corpora import require
from models.metrics import single_label
from models.voice import data
from models.voice.clips import sounds
from models.voice.protocols.folds import CLASSES, FOLD_COUNT, OUTPUTS, head
from models.voice.training.heads import balance, loss, targets

CORPORA: Final = ("RAVDESS", "EMO-DB")
"""The measured corpora."""
BATCH: Final = 64
"""Clips per batch."""


def build(mean: NDArray[np.float32], variance: NDArray[np.float32]) -> Any:
    """Network (1, 100, 34) → (1, `OUTPUTS`) logits; `mean` and `variance` (34,) are those of the training frames."""
    frames = keras.Input((FRAMES, COUNT), name="short_term")
    features = layers.Normalization(mean=mean, variance=variance)(frames)
    for width in (64, 96):
        features = layers.Conv1D(width, 5, padding="same", use_bias=False)(features)
        features = layers.MaxPooling1D(2)(layers.ReLU()(layers.BatchNormalization()(features)))
        features = layers.Dropout(0.3)(features)
    pooled = [layers.GlobalAveragePooling1D()(features), layers.GlobalMaxPooling1D()(features)]
    features = layers.Dropout(0.4)(layers.Concatenate()(pooled))
    return keras.Model(frames, layers.Dense(OUTPUTS, name="logits")(features))


def read(folder: Path) -> tuple[NDArray[np.float32], data.Voices]:
    """Features (n, 100, 34) and metadata of the clips that are available as sound. Raises `MissingExtraError`."""
    clips = sounds(folder)
    nothing = np.zeros((len(clips), 0))
    voices = data.of(clips, nothing.astype(np.uint8), nothing.astype(np.float32))
    # Only the corpora's own classes are compared, so the seven labels are removed.
    voices = replace(voices, labels=np.full(len(clips), data.NONE))
    return np.stack([short_term(clip.read()) for clip in clips]), voices


def main() -> int:
    parser = training.argument_parser(
        "voice.origin", 60, "Measure the voice features of the project that this one grew out of."
    )
    arguments = parser.parse_args()
    try:
        found, voices = read(require(arguments.data, "voice"))
        outputs = np.zeros((len(voices), OUTPUTS), np.float32)
        size = 0
        for number in range(1 if arguments.quick else FOLD_COUNT):
            heard = ~voices.unheard(number)
            shown = found[heard][found[heard].any(2)]
            keras.utils.set_random_seed(arguments.seed + number)
            net = build(shown.mean(0), shown.var(0) + 1e-6)
            truth = targets(voices.rows(heard)) * balance(voices.rows(heard))[:, None]
            epochs = 1 if arguments.quick else arguments.epochs
            steps = len(truth) // BATCH + 1
            net.compile(keras.optimizers.AdamW(training.cosine(2e-3, epochs, steps), weight_decay=0.02), loss=loss)
            net.fit(found[heard], truth, batch_size=BATCH, epochs=epochs, verbose=0)
            file = convert(net, "float32", progress=lambda _: None)
            size = len(file)
            interpreter = Interpreter(file)
            for index in np.flatnonzero(voices.folds == number):
                outputs[index] = interpreter.run(found[index][None])[0][0]
            print(f"fold {number + 1} of {FOLD_COUNT} is done", file=sys.stderr)
    except EdgeEmotionError as error:
        sys.exit(f"error: {error}")
    for corpus in CORPORA:
        of = voices.corpora == corpus
        logits = outputs[of][:, head(corpus)]
        posterior = np.exp(logits - logits.max(1, keepdims=True))
        posterior /= posterior.sum(1, keepdims=True)
        name = f"{corpus}, {len(CLASSES[corpus])} classes, speakers left out, 34 short-term features"
        score = single_label("float32", name, posterior, voices.classes[of], CLASSES[corpus])
        report.line(score, size)
    return 0


if __name__ == "__main__":
    sys.exit(main())
