"""`python -m models.face.train --data DIR`: FER2013 → float Keras model → int8 TFLite with its card."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from models import training
from models.corpora import require
from models.face import architecture, data

BATCH = 64


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Shuffled, augmented (64, 48, 48, 1) float32 batches with soft targets and class weights.

    The order and the augmentation follow from seed, epoch and batch, so that a resumed run sees what an
    unbroken one would have seen.
    """

    def __init__(self, faces: data.Faces, seed: int, batch: int = BATCH) -> None:
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=8)
        self._faces, self._seed, self._batch, self._epoch = faces, seed, batch, 0
        self._targets = data.soft_targets(faces)
        frequency = np.bincount(faces.labels, minlength=7) / len(faces)
        weight = (1 / (7 * frequency)) ** 0.3
        self._weights = (weight / (weight * frequency).sum())[faces.labels].astype(np.float32)
        self._order = self._shuffled()

    def _shuffled(self) -> NDArray[np.int64]:
        return np.random.default_rng((self._seed, self._epoch)).permutation(len(self._faces))

    def __len__(self) -> int:
        return len(self._faces) // self._batch

    def __getitem__(self, index: int) -> tuple[Any, Any, Any]:
        rows = self._order[index * self._batch : (index + 1) * self._batch]
        rng = np.random.default_rng((self._seed, self._epoch, index))
        images = np.stack([data.augment(self._faces.images[row], rng) for row in rows])
        return images[..., None].astype(np.float32) / 255.0, self._targets[rows], self._weights[rows]

    def on_epoch_end(self) -> None:
        self._epoch += 1
        self._order = self._shuffled()


def main() -> None:
    arguments = training.argument_parser("face", epochs=34).parse_args()
    keras.utils.set_random_seed(arguments.seed)
    path = require(arguments.data, data.FILE)
    train, public = data.load(path, "training"), data.load(path, "public")
    batches = Batches(train, arguments.seed)
    model = architecture.build()
    model.compile(
        optimizer=keras.optimizers.AdamW(training.cosine(3e-3, arguments.epochs, len(batches)), weight_decay=0.02),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    images, targets = public.images[..., None].astype(np.float32) / 255.0, np.eye(7, dtype=np.float32)[public.labels]
    best = training.fit(
        model, batches, (images, targets), epochs=arguments.epochs, folder=arguments.runs, monitor="val_accuracy"
    )
    model.load_weights(best)
    model.save(arguments.runs / "model.keras")


if __name__ == "__main__":
    main()
