"""`python -m models.face.protocols.framing --data DIR`: measures how the training images frame the faces.

The results are the device's crops (`FRAMINGS` of `edge.face.crop`, from FER2013, and of `edge.face.landmarks`, from the
photos with landmarks) and the scales of its quality (`edge.face.quality`), so that the device cuts out a face as the
training images do. Only training images are used, one at a time.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge import config
from edge.face.crop import SIDE, View
from edge.face.detector import Detector, open_detector
from models.corpora import add_data_option, require
from models.face import data
from models.landmarks import data as landmarks

_ZOOM: Final = 2
"""Factor by which an image is enlarged before detection."""
_BORDERS: Final = {"FER2013": 48, "landmarks": 60}
"""Width of the border around the enlarged images of each corpus, pixels."""


def _framed(grey: NDArray[np.uint8], border: int) -> NDArray[np.uint8]:
    """The image as BGR, enlarged and with its edges repeated outwards, so that the box of a detector fits in."""
    large = cv2.resize(grey, None, fx=_ZOOM, fy=_ZOOM, interpolation=cv2.INTER_CUBIC)
    wide = cv2.copyMakeBorder(large, border, border, border, border, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.cvtColor(wide, cv2.COLOR_GRAY2BGR), np.uint8)


def _measure(
    detector: Detector, images: Sequence[NDArray[np.uint8]], views: Sequence[View], border: int
) -> dict[str, object]:
    """Median position and scale of `views`, in pixels of the grey images, relative to the best detection in each."""
    scales: list[float] = []
    rises: list[float] = []
    for image, view in zip(images, views, strict=True):
        for face in detector.detect(_framed(image, border))[:1]:
            right, down = (
                middle - (border + _ZOOM * at) for middle, at in zip(face.box.centre, (view.x, view.y), strict=True)
            )
            scales.append(_ZOOM * view.side / face.box.width)
            rises.append((down * math.cos(view.roll) - right * math.sin(view.roll)) / face.box.width)
    scale, rise = (round(float(np.median(values)), 3) for values in (scales, rises))
    return {"found": len(scales), "of": len(images), "scale": scale, "rise": rise}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m models.face.protocols.framing", description="Measure how faces are framed."
    )
    add_data_option(parser)
    parser.add_argument("--rows", type=int, default=1500, help="training images to look at (%(default)s)")
    arguments = parser.parse_args()
    faces = data.load(require(arguments.data, data.FILE), "training")
    photos = landmarks.load(require(arguments.data, landmarks.FOLDER), "training")
    rng = np.random.default_rng(0)
    rows = rng.choice(len(faces), min(arguments.rows, len(faces)), replace=False)
    sample = [photos[i] for i in rng.permutation(len(photos))[: arguments.rows]]
    corpora = {
        "FER2013": ([faces.images[row] for row in rows], [View(SIDE / 2, SIDE / 2, SIDE, 0.0, SIDE)] * len(rows)),
        "landmarks": ([photo.grey for photo in sample], [photo.view for photo in sample]),
    }
    for name in ("blazeface", "haar"):
        detector = open_detector(config.Face(detector=name))
        for corpus, (images, views) in corpora.items():
            print(
                json.dumps({"corpus": corpus, "detector": name, **_measure(detector, images, views, _BORDERS[corpus])})
            )
    sharpness = [cv2.Laplacian(faces.images[row], cv2.CV_32F).var() for row in rows]
    contrast = [faces.images[row].std() for row in rows]
    for name, values in (("sharpness", sharpness), ("contrast", contrast)):
        marks = {f"p{mark}": round(float(np.percentile(values, mark)), 1) for mark in (5, 10, 25, 50)}
        print(json.dumps({"quality": name, **marks}))


if __name__ == "__main__":
    main()
