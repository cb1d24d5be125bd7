"""Trains one small voice network: on labels, on posteriors of its teacher, and on the teacher's features."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from edge.voice import standardizer
from edge.voice.packed import packed
from edge.voice.standardizer import Standardizer
from models import training
from models.training.fit import append_to_log
from models.voice.data import LEVELS
from models.voice.protocols.folds import SIZES, head
from models.voice.small import net as small
from models.voice.small import teacher as teachers
from models.voice.small.batches import BATCH, Batches, Heard, Lesson
from models.voice.small.teacher import Teacher
from models.voice.small.variants import Material
from models.voice.training import affect, heads

LEARNT: Final = "student.weights.h5"
"""File of the weights after the first training."""
FINISHED: Final = "pupil.weights.h5"
"""File of the weights after the second training, of all layers but the convolutions."""
TAUGHT: Final = 0.5
"""Share of the teacher's posterior in a target; the rest is the smoothed label."""
AFFECT_WEIGHT: Final = 0.5
"""Weight of the squared error of arousal and valence in the loss."""
FRAMES_WEIGHT: Final = 4.0
"""Weight of the squared error of the teacher's frames in the loss."""
CLIP_WEIGHT: Final = 2.0
"""Weight of the squared error of the teacher's clip statistics in the loss."""
RATE: Final = 3e-3
"""Highest learning rate."""
FINISH_RATE: Final = 1e-3
"""Highest learning rate of the layers after the convolutions when these are frozen."""

_Array = NDArray[np.float32]


@dataclass(frozen=True)
class Net:
    """A trained network."""

    trunk: Any
    """Packed features → embedding, and steps."""
    head: Any
    """Embedding, baseline times trust, trust → logits of all heads, arousal and valence."""
    standard: Standardizer
    """Mean and deviation of the functionals it learnt from."""


def lesson(material: Material, rows: NDArray[np.int64], teacher: Teacher, folder: Path, seed: int) -> Lesson:
    """Targets of the clips that a network learns; nothing in them depends on any other clip's label or sound.

    Args:
        material: All clips.
        rows: (k,) the clips that the network learns.
        teacher: The teacher's features.
        folder: Folder of the voice corpora.
        seed: Seed of the parts in which the teacher's posteriors are learnt.
    """
    hard = heads.targets(material.spoken)[rows] * heads.balance(material.spoken)[rows, None]
    logits = teachers.posteriors(teacher, material, rows, hard, seed)
    soft = np.zeros_like(hard)
    for name in SIZES:
        part = head(name)
        exponents = np.exp(logits[:, part] - logits[:, part].max(1, keepdims=True))
        soft[:, part] = exponents / exponents.sum(1, keepdims=True) * hard[:, part].sum(1, keepdims=True)
    return Lesson(
        material=material,
        rows=rows,
        targets=np.asarray((1 - TAUGHT) * hard + TAUGHT * soft, np.float32),
        affect=affect.targets(material.spoken.rows(rows), affect.votes(folder)),
        teacher=teacher,
        standard=standardized(material, rows),
    )


def standardized(material: Material, rows: NDArray[np.int64]) -> Standardizer:
    """Mean and deviation of the functionals of all variants of the clips `rows`."""
    return Standardizer.of(np.concatenate([values[rows] for values in material.functionals]))


def trained(material: Material, rows: NDArray[np.int64], folder: Path) -> Net | None:
    """The network that a run has trained to its end; None if it has not.

    Args:
        material: All clips.
        rows: (k,) the clips that the network has learnt.
        folder: Folder of the run.
    """
    if not (folder / FINISHED).exists():
        return None
    trunk, top = small.trunk(), small.head()
    small.student(trunk, top, BATCH).load_weights(folder / LEARNT)
    small.pupil(trunk, top, BATCH).load_weights(folder / FINISHED)
    return Net(trunk, top, standardized(material, rows))


def train(shown: Lesson, epochs: int, seed: int, folder: Path, start: Path | None = None) -> Net:
    """Trains one network, resumes the run in `folder`, or reads it if the run has ended.

    Args:
        shown: What the network learns.
        epochs: Epochs of `batches.EPOCH` batches.
        seed: Seed of weights and batches.
        folder: Folder for checkpoints, log and the trained weights.
        start: Weights of an earlier run to start from.

    Returns:
        The float network after the last epoch.
    """
    keras.utils.set_random_seed(seed)
    trunk, top = small.trunk(), small.head()
    model = small.student(trunk, top, BATCH)
    saved = folder / LEARNT
    if saved.exists():
        model.load_weights(saved)
        return Net(trunk, top, shown.standard)
    if start is not None:
        model.load_weights(start)
    batches = Batches(shown, seed)
    model.compile(
        optimizer=keras.optimizers.AdamW(training.cosine(RATE, max(1, epochs), len(batches), 1), weight_decay=0.02),
        loss=[heads.loss, "mse", _weighted, _weighted],
        loss_weights=[1.0, AFFECT_WEIGHT, FRAMES_WEIGHT, CLIP_WEIGHT],
    )
    _fit(model, batches, epochs, folder)
    model.save_weights(saved)
    return Net(trunk, top, shown.standard)


def finish(net: Net, shown: Lesson, epochs: int, seed: int, folder: Path) -> Net:
    """Trains the layers after the convolutions for longer, or reads them if an earlier run has trained them.

    The convolutions, whose training takes nearly all the time, stay as they are.

    Args:
        net: A network of `train`.
        shown: What the network learns.
        epochs: Epochs of `batches.EPOCH` batches.
        seed: Seed of the batches.
        folder: Folder for checkpoints, log and the trained weights.
    """
    keras.utils.set_random_seed(seed)
    model = small.pupil(net.trunk, net.head, BATCH)
    saved = folder / FINISHED
    if saved.exists():
        model.load_weights(saved)
        return net
    listener, material = small.listener(net.trunk), shown.material
    nothing = np.zeros((len(shown.rows), standardizer.SIZE), np.float32)
    statistics = []
    for mels in material.mels:
        parts = [
            np.asarray(listener(packed(np.asarray(mels[shown.rows[part]] / LEVELS, np.float32), nothing[part])))
            for part in training.batches(len(shown.rows), 256)
        ]
        statistics.append(np.concatenate(parts))
    batches = Heard(shown, np.stack(statistics), seed)
    model.compile(
        optimizer=keras.optimizers.AdamW(training.cosine(FINISH_RATE, epochs, len(batches), 1), weight_decay=0.05),
        loss=[heads.loss, "mse"],
        loss_weights=[1.0, AFFECT_WEIGHT],
    )
    _fit(model, batches, epochs, folder / "pupil")
    model.save_weights(saved)
    return net


def _fit(model: Any, batches: Batches, epochs: int, folder: Path) -> None:
    """Trains a compiled model, or resumes the run in `folder` after its last whole epoch.

    `keras.Model.fit` takes three times as long here: it hands each batch, whose inputs depend on one another, through a
    queue of its own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state, count = folder / "state.weights.h5", folder / "epochs.txt"
    done = int(count.read_text()) if count.exists() else 0
    if done:
        model.optimizer.build(model.trainable_variables)
        model.load_weights(state)
    for epoch in range(done, epochs):
        began = time.monotonic()
        batches.start(epoch)
        losses = [model.train_on_batch(*batches[number]) for number in range(len(batches))]
        model.save_weights(state)
        count.write_text(str(epoch + 1))
        row: dict[str, Any] = {"epoch": epoch + 1, "seconds": round(time.monotonic() - began, 1)}
        row["losses"] = [round(float(value), 4) for value in np.mean(losses, axis=0)]
        append_to_log(folder, row)
        print(row, flush=True)


def embeddings(net: Net, mels: NDArray[np.uint8], values: _Array) -> _Array:
    """(n, 128) embeddings of clips by the float network.

    Args:
        net: The network.
        mels: (n, 188, 64) log-mels as bytes.
        values: (n, 897) functionals, not standardised.
    """
    parts = []
    for part in training.batches(len(mels), 256):
        features = packed(np.asarray(mels[part] / LEVELS, np.float32), net.standard.apply(values[part]))
        parts.append(np.asarray(net.trunk(features, training=False)[0]))
    return np.concatenate(parts)


def logits(net: Net, embedding: _Array, baseline: _Array, trust: _Array) -> _Array:
    """(n, outputs) logits by the float network.

    Args:
        net: The network.
        embedding: (n, 128).
        baseline: (n, 128) mean embeddings of earlier utterances of the speaker; zeros without any.
        trust: (n, 1) number m of these utterances as m / (m + 2).
    """
    return np.asarray(net.head(np.concatenate([embedding, baseline * trust, trust], axis=1), training=False)[0])


def _weighted(truth: Any, found: Any) -> Any:
    """Mean squared error over rows, each weighted by the last column of `truth`."""
    weight = truth[..., -1]
    error = ops.mean(ops.square(truth[..., :-1] - found), axis=-1)
    return ops.sum(weight * error) / (ops.sum(weight) + 1e-3)
