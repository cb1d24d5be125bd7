"""`python -m models.landmarks.mean_face --data DIR`: computes the mean face in 3D from annotated 2D points.

Prints the values of `edge.face.mean_face.MEAN_FACE`. Method: factorisation under weak perspective (Tomasi & Kanade,
Shape and Motion from Image Streams under Orthography, IJCV 1992), on the training persons, with each photo also
mirrored.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

from edge.face.shape import MIRRORED, POINTS
from models.corpora import add_data_option, require
from models.landmarks import data

_ROUNDS = 200
"""Alternating steps of the factorisation."""


def factorise(shapes: NDArray[np.float64]) -> NDArray[np.float64]:
    """The common 3D shape (68, 3) of 2D shapes (n, 68, 2), up to a rotation of the whole.

    x points to the right of the picture, y down, z away from the camera. The steps alternate between the nearest
    scaled rotation of each photo and the shape that all photos share.
    """
    centred = shapes - shapes.mean(1, keepdims=True)
    centred /= np.sqrt((centred**2).sum((1, 2), keepdims=True))
    measurements = centred.transpose(0, 2, 1).reshape(-1, POINTS)
    _, spread, rows = np.linalg.svd(measurements, full_matrices=False)
    shape = (rows[:3] * spread[:3, None] / np.sqrt(len(shapes))).T
    for _ in range(_ROUNDS):
        affine = np.einsum("npk,pj->nkj", centred, np.linalg.pinv(shape).T)
        left, scales, right = np.linalg.svd(affine, full_matrices=False)
        motion = (left @ right) * scales.mean(1)[:, None, None]
        shape = np.linalg.lstsq(motion.reshape(-1, 3), measurements, rcond=None)[0].T
        shape -= shape.mean(0)
    return np.asarray(shape)


def upright(shape: NDArray[np.float64], shapes: NDArray[np.float64]) -> NDArray[np.float64]:
    """The shape rotated into the pose of the median photo, symmetric, in units of the inter-ocular distance."""
    across = (shape[45] - shape[36]) + (shape[16] - shape[0])
    x = across / np.linalg.norm(across)
    median = np.median((shapes - shapes.mean(1, keepdims=True)) / np.ptp(shapes[..., 0], axis=1)[:, None, None], axis=0)
    affine = np.linalg.lstsq(shape, median, rcond=None)[0]
    y = affine[:, 1] - (affine[:, 1] @ x) * x
    y /= np.linalg.norm(y)
    turned = shape @ np.column_stack([x, y, np.cross(x, y)])
    if turned[30, 2] > turned[[36, 45], 2].mean():  # the tip of the nose must be closer to the camera than the eyes
        turned[:, 2] *= -1
    turned = (turned + turned[list(MIRRORED)] * np.array([-1.0, 1.0, 1.0])) / 2
    return np.asarray((turned - turned.mean(0)) / np.linalg.norm(turned[45] - turned[36]))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m models.landmarks.mean_face", description=__doc__)
    add_data_option(parser)
    arguments = parser.parse_args()
    photos = data.load(require(arguments.data, data.FOLDER), "training")
    plain = np.stack([photo.points for photo in photos]).astype(np.float64)
    mirrored = plain[:, list(MIRRORED)] * np.array([-1.0, 1.0])
    shapes = np.concatenate([plain, mirrored])
    mean = upright(factorise(shapes), shapes)
    for x, y, z in mean:
        print(f"    ({x:.3f}, {y:.3f}, {z:.3f}),")


if __name__ == "__main__":
    main()
