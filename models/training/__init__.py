"""What all trainers share: options, seeded batches, one way to train and one way to end (`models.training.finish`)."""

from __future__ import annotations

import os

# TensorFlow reads it once, when it is imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from models.training.batches import Batches, batches
from models.training.fit import Progress, cosine, fit
from models.training.options import argument_parser, train_command

__all__ = ["Batches", "Progress", "argument_parser", "batches", "cosine", "fit", "train_command"]
