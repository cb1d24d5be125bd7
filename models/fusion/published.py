"""Readings of voice and face for RAVDESS: the published ones of another system, and those of our own int8 networks."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.errors import ConfigError
from edge.inference.interpreter import open_model
from edge.voice.standardizer import Standardizer
from models.corpora import require
from models.fusion import action_units
from models.fusion.action_units import take
from models.fusion.readings import Readings, logs, normalised
from models.voice import data, features
from models.voice.clips import Clip, sounds
from models.voice.protocols import held_out
from models.voice.protocols.folds import CLASSES, fold, head

FOLDER: Final = "av/ravdess"
"""Folder of the published outputs below the data folder."""
LABELS: Final = CLASSES["RAVDESS"]
"""The eight classes in the order of RAVDESS's codes."""
FOLDS: Final = 5
"""Number of folds of actors."""
SENSES: Final = ("voice", "face")
"""The two senses of these readings, in order."""
_ALPHABETICAL: Final = ("angry", "calm", "disgust", "fearful", "happy", "neutral", "sad", "surprised")
"""Order of the columns of the voice's files."""
_TO_CODES: Final = [_ALPHABETICAL.index(name) for name in LABELS]


def published(data_folder: Path) -> Readings:
    """The test-fold outputs of Luna-Jiménez et al. (Applied Sciences 12(1), 2021), joined by take.

    Args:
        data_folder: Folder of the corpora.

    Raises:
        ConfigError: A file is damaged, or voice and face are not about the same takes.
    """
    folder = require(data_folder, FOLDER)
    voice: dict[str, list[float]] = {}
    face: dict[str, list[float]] = {}
    for number in range(FOLDS):
        voice |= _table(folder / f"wav2vec_posteriors_fold{number}.csv", "name")
        face |= _table(folder / f"au_mlp_posteriors_fold{number}.csv", "video_name")
    if voice.keys() != face.keys():
        raise ConfigError(f"{folder}: voice and face are about different takes: fetch the files again")
    names = sorted(voice)
    spoken = np.array([voice[name] for name in names])[:, _TO_CODES]
    return _readings(names, normalised(spoken), logs(np.array([face[name] for name in names])))


def ours(data_folder: Path) -> Readings:
    """The outputs of our int8 networks of voice and action units, each from a fold that never saw the actor.

    The networks of the voice are those beside the shipped model, `models/voice/folds`.

    Args:
        data_folder: Folder of the corpora.

    Raises:
        ConfigError: The action units are damaged.
        ModelError: A network is missing or invalid.
    """
    clips = [clip for clip in sounds(require(data_folder, "voice")) if clip.corpus == "RAVDESS"]
    units = action_units.load(data_folder)
    spoken = dict(zip(_takes(data_folder), voice_logits(clips), strict=True))
    heard = np.array([spoken[name] for name in units.names])
    return _readings(list(units.names), normalised(heard), normalised(action_units.out_of_fold(units)))


def voice_logits(clips: list[Clip]) -> NDArray[np.float64]:
    """(n, 8) calibrated logits of our voice networks for RAVDESS's classes, each clip by the fold that left it out."""
    voices = data.load(clips)
    opened = [open_model(held_out.file(number)) for number in range(FOLDS)]
    nets = [(net, Standardizer.read(card.front_end)) for net, card in opened]
    outputs = held_out.out_of_fold(nets, features.of(voices), voices)[:, head("RAVDESS")]
    temperature = np.array([card.temperature for _, card in opened])[voices.folds]
    return np.asarray(outputs / temperature[:, None], np.float64)


def _takes(data_folder: Path) -> list[str]:
    """Takes of the sounds in the order of `sounds`."""
    return [take(path.stem) for path in sorted((data_folder / "voice" / "ravdess").glob("Actor_*/*.flac"))]


def _table(path: Path, name: str) -> dict[str, list[float]]:
    """Take → eight values of a published file; `name` is the column with the clip's name."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = {
                take(row[name]): [float(row[f"embs{i}"]) for i in range(8)]
                for row in csv.DictReader(file, delimiter=";")
            }
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{path} is not a file of outputs ({error}): fetch it again") from error
    return rows


def _readings(names: list[str], voice: NDArray[np.float64], face: NDArray[np.float64]) -> Readings:
    actors = [name.split("-")[-1] for name in names]
    return Readings(
        senses=SENSES,
        logs=(voice, face),
        present=np.ones((len(names), 2), bool),
        truth=np.array([int(name.split("-")[1]) - 1 for name in names]),
        folds=np.array([fold("RAVDESS", actor) for actor in actors]),
        persons=np.array(actors),
    )
