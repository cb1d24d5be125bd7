"""Parts shared by all training programs: options, seeded batches, the training loop and the export (`finish`)."""

from __future__ import annotations

import os

# Set before the first import of TensorFlow, which reads the variable only then.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from models.training.batches import Batches, batches
from models.training.fit import Progress, cosine, fit
from models.training.options import argument_parser, train_command

__all__ = ["Batches", "Progress", "argument_parser", "batches", "cosine", "fit", "train_command"]
