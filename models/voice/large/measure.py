"""Measures the large voice model by all protocols: the shipped file computes the statistics, the folds' heads judge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.inference.card import Score
from edge.inference.interpreter import Interpreter, open_model
from edge.voice.logmel import RATE
from models.voice import utterances
from models.voice.clips import EMO_DB_SECONDS, Clip, Mel, whole_clips
from models.voice.large.head import EMBEDDING
from models.voice.protocols import scores as protocol
from models.voice.protocols.folds import CLASSES, SHARED
from models.voice.protocols.reading import Features, Nets, Read, read_all
from models.voice.utterances import Utterances
from models.voice.whisper import mels

FOLDS: Final = "folds"
"""Folder beside the shipped model with the heads that measure the protocols."""
NAMES: Final = (*map(protocol.fold_name, range(protocol.NETS)), *map(protocol.others_name, CLASSES))
"""Names of these heads."""
_STATISTICS: Final = 3
"""Index of the shipped model's output with the encoder's statistics."""


@dataclass(frozen=True)
class Measured:
    """The clips that the protocols measure, and the encoder's statistics of them."""

    spoken: Utterances
    """The n clips."""
    whole: list[list[NDArray[np.float32]]]
    """Statistics of each window of each clip."""
    short: list[list[NDArray[np.float32]]]
    """Statistics of the first two seconds of EMO-DB's clips; empty lists for other corpora."""


def file(name: str, beside: Path) -> Path:
    """Path of the head `name` that belongs to the shipped model `beside`."""
    return beside.parent / FOLDS / f"large_{name}.tflite"


def statistics(encoder: Interpreter, folder: Path, report: Callable[[str], None], kept: Path | None = None) -> Measured:
    """Statistics of all measured clips.

    Args:
        encoder: The shipped model.
        folder: Folder of the voice corpora.
        report: Receives lines of progress.
        kept: Where the statistics are cached; None computes them anew.
    """
    clips = [clip for clip in whole_clips(folder) if clip.corpus in CLASSES]
    spoken = utterances.of(clips)
    if kept is None or not kept.exists():
        found = _computed(encoder, clips, report)
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            counts = np.array([len(one) for one in found.whole])
            flat = np.concatenate([*found.whole, *(one for one in found.short if len(one))])
            np.savez(kept, counts=counts, values=flat.astype(np.float16))
            return statistics(encoder, folder, report, kept)
        return found
    with np.load(kept) as file:
        counts, values = file["counts"], file["values"].astype(np.float32)
    short = spoken.corpora == "EMO-DB"
    parts = iter(np.split(values, np.cumsum([*counts, *np.ones(short.sum(), int)])[:-1]))
    whole = [list(next(parts)) for _ in counts]
    return Measured(spoken, whole, [list(next(parts)) if one else [] for one in short])


def _computed(encoder: Interpreter, clips: list[Clip], report: Callable[[str], None]) -> Measured:
    nothing = np.zeros((1, EMBEDDING), np.float32), np.zeros((1, 1), np.float32)

    def of(mel: Mel) -> NDArray[np.float32]:
        stored = np.rint(mel * mels.LEVELS) / np.float32(mels.LEVELS)  # as the training's cache keeps it
        return np.asarray(encoder.run(stored[None].astype(np.float32), *nothing)[_STATISTICS][0])

    whole, short = [], []
    for number, clip in enumerate(clips):
        recorded = clip.read()
        parts = mels.windows(recorded) if recorded.ndim == 1 else [recorded]
        whole.append([of(mels.fine(part)) for part in parts])
        first = recorded[: round(EMO_DB_SECONDS * RATE)]
        short.append([of(mels.fine(first))] if clip.corpus == "EMO-DB" else [])
        if number % 1000 == 999:
            report(f"{number + 1} of {len(clips)} clips")
    return Measured(utterances.of(clips), whole, short)


@dataclass(frozen=True)
class Result:
    """What was measured."""

    scores: list[Score]
    """Scores by all protocols."""
    temperatures: dict[str, float]
    """Temperature of the seven labels' head of each network, fitted on speakers that others have not heard."""


def scores(model: str, nets: Nets, shown: Measured, report: Callable[[str], None], only: str = "") -> Result:
    """Scores by all protocols.

    Args:
        model: Name of the measured model.
        nets: The heads by `NAMES`.
        shown: The clips.
        report: Receives lines of progress.
        only: Name of the one head in `nets`; then only the seven labels of its held-out speakers are measured.
    """
    if only:
        return _one(model, nets, shown, only)
    spoken = shown.spoken
    found = read_all(nets, protocol.by_fold(spoken), shown.whole, spoken, report=report)
    fitted = protocol.temperatures(found, spoken)
    rows = protocol.of_corpora(model, found, spoken, fitted)
    emo_db = spoken.corpora == "EMO-DB"
    part = spoken.rows(emo_db)
    short: list[Features] = [one for one, of in zip(shown.short, emo_db, strict=True) if of]
    first = read_all(nets, protocol.by_fold(part), short, part)
    rows += protocol.of_corpora(model, first, part, fitted, {"EMO-DB": protocol.EMO_DB_SHORT})
    # The temperature of the seven labels' head, which ships, is fitted on it alone.
    of_seven = protocol.temperatures(found, spoken, [SHARED])
    rows += protocol.of_labels(model, found, spoken, of_seven)
    others = read_all(nets, protocol.across(spoken), shown.whole, spoken, report=report)
    scale = float(np.mean(list(of_seven.values())))
    return Result([*rows, *protocol.of_others(model, others, spoken, scale)], of_seven)


def _one(model: str, nets: Nets, shown: Measured, name: str) -> Result:
    """Scores of one head on half of its held-out speakers; the temperature is fitted on the other half."""
    held_out = ~protocol.heard(shown.spoken, name)
    spoken = shown.spoken.rows(held_out)
    windows = [one for one, of in zip(shown.whole, held_out, strict=True) if of]
    found = read_all(nets, [name] * len(spoken), windows, spoken)
    half = spoken.speakers % 2 == 0
    scale = protocol.temperature(found, spoken, half, [SHARED])
    part = Read({count: logits[~half] for count, logits in found.logits.items()}, found.net[~half])
    of = f"{protocol.ALL}, {len(np.unique(spoken.speakers[~half]))} speakers"
    return Result(protocol.of_labels(model, part, spoken.rows(~half), {name: scale}, of), {name: scale})


def shipped_scores(model: Path, folder: Path, report: Callable[[str], None]) -> list[Score]:
    """Scores of a shipped model by the heads beside it.

    Args:
        model: Path of the shipped model.
        folder: Folder of the voice corpora.
        report: Receives lines of progress.
    """
    encoder, _ = open_model(model)
    nets = {name: open_model(file(name, model))[0] for name in NAMES}
    return scores("large, int8 weights", nets, statistics(encoder, folder, report), report).scores
