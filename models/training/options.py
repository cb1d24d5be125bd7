"""The options of all training programs, and the command line that a card states."""

from __future__ import annotations

import argparse
from pathlib import Path

from models.corpora import add_data_option


def argument_parser(module: str, epochs: int, about: str | None = None) -> argparse.ArgumentParser:
    """Parser with the options of every `python -m models.<module>` that trains.

    Args:
        module: Module below `models`, such as `eyes.train`.
        epochs: Default number of epochs.
        about: Description for `--help`; by default that of a program that trains a shipped model.
    """
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
    """Command line that trains the same model again, for its card.

    Args:
        module: Module below `models`, such as `eyes.train`.
        arguments: Parsed command line, of which `epochs` and `seed` are written out.
        more: Further options of this program as typed; empty strings are left out.
    """
    shared = f"python -m models.{module} --data DIR --epochs {arguments.epochs} --seed {arguments.seed}"
    return " ".join([shared, *filter(None, more)])
