"""`python -m models.voice.train_melpitch --data DIR`: trains the network that estimates pitch from a log-mel.

It learns from RAVDESS and EMO-DB, whose pitch YIN estimates from the sound, and is used on CREMA-D, which is not
available as sound. Emotion labels are not used.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from edge.inference.card import Corpus
from edge.inference.interpreter import Interpreter
from edge.voice.logmel import FLOOR_DB, FRAMES
from models import training
from models.command import one_line_errors
from models.corpora import require
from models.training.finish import Ending, finish, int8
from models.voice.clips import Clip, of_sound, sounds
from models.voice.nets import melpitch
from models.voice.training.export import TERMS

BATCH: Final = 32
"""Clips per batch."""
WIDTH: Final = 64
"""Filters of each convolution."""
VALIDATION_SHARE: Final = 0.1
"""Share of the clips held out for validation."""
CALIBRATION_ROWS: Final = 200
"""Approximate number of clips that set the int8 ranges."""
SEMITONE: Final = melpitch.BINS_AN_OCTAVE // 12
"""Pitch bins per semitone."""
_STEPS: Final = 63
"""Number of quantisation steps of CREMA-D's log-mels."""


def build() -> Any:
    """Network (n, 188, 40) → (n, 188, 75): logits of the pitch classes of each frame."""
    mel = keras.Input((FRAMES, melpitch.BANDS), name="logmel")
    out = layers.Rescaling(4.0)(mel)
    for width in (5, 3, 3):
        out = layers.Conv1D(WIDTH, width, padding="same", use_bias=False)(out)
        out = layers.ReLU()(layers.BatchNormalization(momentum=0.95)(out))
    return keras.Model(mel, layers.Conv1D(melpitch.BINS + 1, 1, name="logits")(layers.Dropout(0.2)(out)))


class Batches(training.Batches):
    """(32, 188, 40) batches of degraded log-mels, quantised like those of CREMA-D."""

    def __init__(self, mels: NDArray[np.float32], bins: NDArray[np.int64], seed: int) -> None:
        super().__init__(len(mels), BATCH, seed)
        self._mels, self._bins = mels, bins

    def batch(self, rows: NDArray[np.int64], rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        stepped = (np.rint(_degraded(self._mels[rows], rng) * _STEPS) / _STEPS).astype(np.float32)
        return np.concatenate([melpitch.as_input(mel) for mel in stepped]), self._bins[rows]


def _degraded(mels: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float64]:
    """Log-mels (n, 64, 188) degraded as by a poorer microphone in a noisier, more reverberant room, like CREMA-D's."""
    clips, bands, frames = mels.shape
    height = np.linspace(-0.5, 0.5, bands)[:, None]

    def draw(low: float, high: float) -> NDArray[np.float64]:
        return rng.uniform(low, high, (clips, 1, 1))

    tilt = draw(-16, 16) * height + draw(-4, 4) * np.sin(draw(0, 6.3) + draw(2, 9) * height)
    power = 10 ** (((mels - 1) * -FLOOR_DB + tilt) / 10) * (mels > 0)
    decay = np.where(draw(0, 1) < 0.6, draw(0.2, 0.85), 0.0)[:, :, 0]
    for frame in range(1, frames):
        power[:, :, frame] += decay * power[:, :, frame - 1] * 0.5
    loudest = power.max((1, 2), keepdims=True)
    floor = 10 ** ((-draw(18, 60) - draw(-12, 20) * height) / 10) * loudest
    sounding = mels.max(1, keepdims=True) > 0
    power += floor * rng.standard_exponential(power.shape) * sounding
    decibels = 10 * np.log10(np.maximum(power / power.max((1, 2), keepdims=True), 1e-12))
    return np.asarray(np.clip(decibels / -FLOOR_DB + 1, 0, 1))


def marks(given: NDArray[np.int64], truth: NDArray[np.int64]) -> dict[str, float]:
    """Shares of frames with the same voicing as YIN, and with a pitch within a semitone where both are voiced."""
    both = (given > 0) & (truth > 0)
    return {
        "voicing": float(((given > 0) == (truth > 0)).mean()),
        "within_a_semitone": float((np.abs(given - truth)[both] <= SEMITONE).mean()),
    }


def _read(clips: Sequence[Clip]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Log-mels (n, 64, 188) of the clips, and YIN's pitch class of each frame (n, 188)."""
    mels, tracks = zip(*(of_sound(clip.read()) for clip in clips), strict=True)
    return np.stack(mels), np.stack([melpitch.bins(track) for track in tracks])


def train(arguments: Namespace, batches: Batches, held_out: tuple[NDArray[np.float32], NDArray[np.int64]]) -> Any:
    """Trains the network.

    Args:
        arguments: Parsed command line.
        batches: Training batches.
        held_out: Inputs (n, 188, 40) and pitch classes (n, 188) for validation.

    Returns:
        The float model after the last epoch.
    """
    model = build()
    model.compile(
        optimizer=keras.optimizers.AdamW(training.cosine(2e-3, arguments.epochs, len(batches)), weight_decay=0.01),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    training.fit(model, batches, held_out, epochs=arguments.epochs, folder=arguments.runs, monitor="val_accuracy")
    return model


def note(form: str, model: bytes, shown: NDArray[np.float32], truth: NDArray[np.int64]) -> str:
    """One line for the card on the pitch accuracy of a `.tflite` file.

    Args:
        form: `int8` or `float32`.
        model: Bytes of the file.
        shown: (n, 188, 40) inputs of clips that do not occur in training.
        truth: (n, 188) YIN's pitch classes.
    """
    interpreter = Interpreter(model)
    found = marks(np.stack([interpreter.run(row[None])[0][0].argmax(1) for row in shown]), truth)
    return (
        f"{form} against YIN in the sound of {len(shown)} clips not trained on: voiced or not the same in "
        f"{found['voicing']:.1%} of frames, pitch within a semitone in {found['within_a_semitone']:.1%} of those "
        "that both hear a voice in"
    )


@one_line_errors
def main() -> int:
    parser = training.argument_parser("voice.train_melpitch", 20, "Train the net that reads pitch in a log-mel.")
    arguments = parser.parse_args()
    keras.utils.set_random_seed(arguments.seed)
    clips = sounds(require(arguments.data, "voice"))
    print(f"{len(clips)} clips")
    mels, truth = _read(clips)
    # Validation does not separate speakers, because the network is used on another corpus anyway.
    held_out = np.random.default_rng(arguments.seed).random(len(mels)) < VALIDATION_SHARE
    if arguments.quick:
        arguments.epochs, mels, truth, held_out = 1, mels[::20], truth[::20], held_out[::20]
    shown = np.concatenate([melpitch.as_input(mel) for mel in mels[held_out]])
    batches = Batches(mels[~held_out], truth[~held_out], arguments.seed)
    model = train(arguments, batches, (shown, truth[held_out]))
    rows = [(melpitch.as_input(mel),) for mel in mels[~held_out][:: max(1, len(mels) // CALIBRATION_ROWS)]]
    counts = Counter(clip.corpus for clip in clips)
    ending = Ending(
        name="melpitch",
        task="pitch of a voice from its log-mel, for training only",
        command=training.train_command("voice.train_melpitch", arguments),
        recipe="three convolutions over time; the answer of YIN in half semitones is the class; int8 after training",
        training=[Corpus(name=name, terms=TERMS[name], rows=count) for name, count in counts.items()],
        front_end={"name": "logmel64", "bands": melpitch.BANDS, "mean": "of each frame subtracted"},
        quantise=int8(rows),
        labels=(),
        output_kind="other",
        note=lambda form, data: [note(form, data, shown, truth[held_out])],
        input_meanings=["40 low bands of the log-mel, less their mean in each frame"],
        output_meanings=["logits of no pitch and of 74 half semitones from 60 Hz up, for each frame"],
    )
    finish(model, ending, arguments.out or melpitch.FILE, arguments.runs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
