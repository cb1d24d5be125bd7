"""`python -m models.face.framing --data DIR`: how FER2013 frames its faces, measured with our detectors.

The device's crop (`edge.face.crop.FRAMINGS`) and the scales of its quality (`edge.face.quality`) are these figures,
so that a face in a frame is cut out as the training images were. Training images only.
"""

from __future__ import annotations

import argparse
import json

import cv2
import numpy as np

from edge import config
from edge.face.boxes import Detection
from edge.face.detector import Detector, open_detector
from models.corpora import add_data_option, require
from models.face import data

_ZOOM, _BORDER = 2, 48


def _boxes(detector: Detector, faces: data.Faces, rows: np.ndarray) -> list[Detection]:
    """First detection in each image, enlarged and with its edges repeated outwards so that the box fits."""
    found: list[Detection] = []
    for row in rows:
        large = cv2.resize(faces.images[row], None, fx=_ZOOM, fy=_ZOOM, interpolation=cv2.INTER_CUBIC)
        framed = cv2.copyMakeBorder(large, _BORDER, _BORDER, _BORDER, _BORDER, cv2.BORDER_REPLICATE)
        found += detector.detect(np.asarray(cv2.cvtColor(framed, cv2.COLOR_GRAY2BGR), np.uint8))[:1]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m models.face.framing", description="Measure FER2013's framing.")
    add_data_option(parser)
    parser.add_argument("--rows", type=int, default=1500, help="training images to look at (%(default)s)")
    arguments = parser.parse_args()
    faces = data.load(require(arguments.data, data.FILE), "training")
    rows = np.random.default_rng(0).choice(len(faces), min(arguments.rows, len(faces)), replace=False)
    for name in ("blazeface", "haar"):
        found = _boxes(open_detector(config.Face(detector=name)), faces, rows)
        centre = faces.images.shape[1] * _ZOOM / 2 + _BORDER
        width = np.median([face.box.width for face in found])
        rise = np.median([face.box.centre[1] - centre for face in found]) / width
        scale = round(float(faces.images.shape[1] * _ZOOM / width), 3)
        print(
            json.dumps(
                {"detector": name, "found": len(found), "of": len(rows), "scale": scale, "rise": round(float(rise), 3)}
            )
        )
    sharpness = [cv2.Laplacian(faces.images[row], cv2.CV_32F).var() for row in rows]
    contrast = [faces.images[row].std() for row in rows]
    for name, values in (("sharpness", sharpness), ("contrast", contrast)):
        marks = {f"p{mark}": round(float(np.percentile(values, mark)), 1) for mark in (5, 10, 25, 50)}
        print(json.dumps({"quality": name, **marks}))


if __name__ == "__main__":
    main()
