"""CAER-Net-S: recognises an expression from the face and the scene around it.

Lee, Kim, Kim, Park, Sohn: Context-Aware Emotion Recognition Networks, ICCV 2019. Face and scene have encoders with the
same layers. The scene's encoder learns an attention map without supervision. Two small networks compute a weight for
each stream of each picture (adaptive fusion), and the classifier reads the concatenated weighted features.

Sizes are those of the paper, with two differences: the face is 48×48 grey, as the device cuts it, and the attended
scene is summed instead of averaged, which differs by a constant and keeps both streams on one scale.
"""

from __future__ import annotations

from typing import Any, Final

import keras
from keras import layers

from edge.emotions import COUNT
from edge.face.crop import SIDE
from models.blocks import convolution

FILTERS: Final = (32, 64, 128, 256, 256)
"""Filters of the five 3×3 convolutions of each encoder; all but the last are followed by 2×2 max pooling."""
HIDDEN: Final = 128
"""Width of the first layer of the attention, of the fusion and of the classifier."""
SCENE: Final = (112, 112)
"""Height and width of the scene, pixels."""

FUSION_WEIGHTS: Final = "fusion_weights"
"""Name of the layer whose output is the weights of face and scene."""
LIGHT: Final = 0.5
"""Factor on the number of filters for use on a device: the model has 0.6 MB as int8."""


def build(scene: tuple[int, int] = SCENE, width: float = 1.0, dropout: float = 0.5, classes: int = COUNT) -> Any:
    """Network for a grey face (1, 48, 48, 1) and an RGB scene (1, height, width, 3) in 0…1 → (1, classes) logits.

    Args:
        scene: Height and width of the scene, at least 16 each.
        width: Factor on all numbers of filters; `LIGHT` is for the device.
        dropout: Share of features dropped before the classifier.
        classes: Number of labels.
    """
    filters = [max(4, round(count * width)) for count in FILTERS]
    hidden = max(4, round(HIDDEN * width))
    face_image = keras.Input((SIDE, SIDE, 1), name="face")
    scene_image = keras.Input((*scene, 3), name="scene")
    face = layers.GlobalAveragePooling2D(name="face_features")(_encode(face_image, filters))
    context = _attend(_encode(scene_image, filters), hidden)

    scores = layers.Concatenate()([_score(face, hidden), _score(context, hidden)])
    weights = layers.Softmax(name=FUSION_WEIGHTS)(scores)
    fused = layers.Concatenate()([face * weights[:, 0:1], context * weights[:, 1:2]])
    features = layers.Dense(hidden, activation="relu")(fused)
    logits = layers.Dense(classes, name="logits")(layers.Dropout(dropout)(features))
    return keras.Model([face_image, scene_image], logits, name="caer_net_s")


def fusion_weights(model: Any) -> Any:
    """A model with the same inputs whose output (n, 2) is the weights of face and scene; each row sums to 1."""
    return keras.Model(model.inputs, model.get_layer(FUSION_WEIGHTS).output, name=FUSION_WEIGHTS)


def attention(model: Any) -> Any:
    """A model with the same inputs whose output (n, h, w, 1) is the attention over the scene; each map sums to 1."""
    return keras.Model(model.inputs, model.get_layer("attention").output, name="attention")


def _encode(image: Any, filters: list[int]) -> Any:
    features = layers.Rescaling(2.0, -1.0)(image)
    for count in filters[:-1]:
        features = layers.MaxPooling2D()(layers.ReLU()(convolution(features, count, 3)))
    return layers.ReLU()(convolution(features, filters[-1], 3))


def _attend(features: Any, hidden: int) -> Any:
    """Sum of the features over all places of the scene, weighted by the attention."""
    _, height, width, _ = features.shape
    scores = layers.ReLU()(convolution(features, hidden, 3))
    scores = layers.Flatten()(layers.Conv2D(1, 3, padding="same")(scores))
    weights = layers.Reshape((height, width, 1), name="attention")(layers.Softmax()(scores))
    mean = layers.GlobalAveragePooling2D()(features * weights)
    return layers.Rescaling(float(height * width), name="scene_features")(mean)


def _score(features: Any, hidden: int) -> Any:
    return layers.Dense(1)(layers.Dense(hidden, activation="relu")(features))
