"""`python -m models.face.protocols.alignment --data DIR`: accuracy of the expression with different crops.

FER2013 images are placed in a larger frame, upright and rotated. The detector finds the face, which is then cut out by
the box, by the box and the eyes, or by the landmarks. The images are those of PublicTest, because the result decides
which crop the device uses.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from edge import config, shipped
from edge.errors import EdgeEmotionError
from edge.face.boxes import Detection
from edge.face.crop import FRAMINGS, View, crop
from edge.face.detector import open_detector
from edge.face.expression import Expression
from edge.face.landmarks import Landmarks, expression_view
from models.corpora import add_data_option, require
from models.face import data

_ZOOM: Final = 3
"""Factor by which the FER2013 image is enlarged in the frame."""
_SIDE: Final = 320
"""Side of the square frame, pixels."""

Cut: TypeAlias = Callable[[NDArray[np.uint8], Detection], NDArray[np.uint8]]
"""Cuts the face of a detection out of a grey frame."""


def framed(image: NDArray[np.uint8], degrees: float) -> tuple[NDArray[np.uint8], View]:
    """A (320, 320) grey frame with the image rotated clockwise in its middle, and the view of the image in it."""
    side = image.shape[0] * _ZOOM
    large = cv2.resize(image, (side, side), interpolation=cv2.INTER_CUBIC)
    border = (_SIDE - side) // 2
    wide = cv2.copyMakeBorder(large, border, border, border, border, cv2.BORDER_REPLICATE)
    turn = cv2.getRotationMatrix2D(((_SIDE - 1) / 2, (_SIDE - 1) / 2), -degrees, 1.0)
    turned = cv2.warpAffine(wide, turn, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    place = View(_SIDE / 2, _SIDE / 2, float(side), float(np.deg2rad(degrees)), image.shape[0])
    return np.asarray(turned, np.uint8), place


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m models.face.protocols.alignment", description=__doc__)
    add_data_option(parser)
    parser.add_argument("--rows", type=int, default=1200, help="PublicTest images to look at (%(default)s)")
    parser.add_argument("--model", type=Path, default=shipped.model("face", "face_small"))
    parser.add_argument("--detector", choices=("blazeface", "haar"), default="blazeface")
    arguments = parser.parse_args()
    try:
        expression = Expression(arguments.model)
        landmarks = Landmarks(shipped.model("landmarks", "landmarks68"), arguments.detector)
        detector = open_detector(config.Face(detector=arguments.detector))
        faces = data.load(require(arguments.data, data.FILE), "public")
    except EdgeEmotionError as error:
        sys.exit(f"error: {error}")
    framing = FRAMINGS[arguments.detector]
    rows = np.random.default_rng(0).permutation(len(faces))[: arguments.rows]
    cuts: dict[str, Cut] = {
        "the detector's box": lambda grey, face: crop(grey, Detection(face.box, face.score), framing),
        "its box, upright by its eyes": lambda grey, face: crop(grey, face, framing),
        "the landmarks": lambda grey, face: expression_view(landmarks.find(grey, face)).cut(grey),
    }
    print("| turned by | n | the image itself | " + " | ".join(cuts) + " |")
    print("|---" * (3 + len(cuts)) + "|")
    for degrees in (0.0, 15.0, 30.0):
        hits: dict[str, list[bool]] = {name: [] for name in ("the image itself", *cuts)}
        for row in rows:
            grey, place = framed(faces.images[row], degrees)
            found = detector.detect(np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8))[:1]
            if not found or np.hypot(found[0].box.centre[0] - place.x, found[0].box.centre[1] - place.y) > 40:
                continue
            patches = {"the image itself": place.cut(grey), **{name: cut(grey, found[0]) for name, cut in cuts.items()}}
            for name, patch in patches.items():
                hits[name].append(int(np.argmax(expression.logits(patch))) == faces.labels[row])
        cells = " | ".join(f"{np.mean(hit):.1%}" for hit in hits.values())
        print(f"| {degrees:.0f}° | {len(hits['the landmarks'])} | {cells} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
