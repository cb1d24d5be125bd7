"""The options that all trainers share, and the command that a card names."""

from __future__ import annotations

import argparse
from pathlib import Path

from models.corpora import add_data_option


def argument_parser(module: str, epochs: int, about: str | None = None) -> argparse.ArgumentParser:
    """The options common to every `python -m models.<module>` that trains; `about` it, where no model is shipped."""
    task = module.removesuffix(".train")
    parser = argparse.ArgumentParser(
        prog=f"python -m models.{module}", description=about or f"Train, quantise and card the {task} model."
    )
    add_data_option(parser)
    parser.add_argument("--epochs", type=int, default=epochs, help="passes over the training rows (%(default)s)")
    parser.add_argument("--seed", type=int, default=2013, help="of weights, order and augmentation (%(default)s)")
    parser.add_argument(
        "--runs", type=Path, default=Path("runs") / task, help="checkpoints; a run found here resumes (%(default)s)"
    )
    parser.add_argument("--out", type=Path, help="where the .tflite and its card go (default: the shipped place)")
    parser.add_argument("--quick", action="store_true", help="a few batches only: proves that the whole recipe runs")
    return parser


def train_command(module: str, arguments: argparse.Namespace, *more: str) -> str:
    """The command that trains the same model again, for its card.

    Args:
        module: Below `models`, such as `eyes.train`.
        arguments: What `argument_parser` read: `epochs` and `seed` are written out.
        more: The trainer's own options, as typed; empty ones are left out.
    """
    shared = f"python -m models.{module} --data DIR --epochs {arguments.epochs} --seed {arguments.seed}"
    return " ".join([shared, *filter(None, more)])
