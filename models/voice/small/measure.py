"""Measures the small voice model by all protocols, with int8 files or with the trained float networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge.inference.card import Score, Tensor
from edge.inference.interpreter import Interpreter, open_model
from edge.voice.functionals import functionals
from edge.voice.intonation import intonation
from edge.voice.logmel import BANDS, FRAMES, RATE
from edge.voice.packed import packed
from edge.voice.standardizer import Standardizer
from models.voice.clips import EMO_DB_SECONDS, Clip, Recorded, mel_and_pitch, whole_clips
from models.voice.data import LEVELS
from models.voice.nets.melpitch import MelPitch
from models.voice.protocols import scores as protocol
from models.voice.protocols.baseline import COUNTS, baselines
from models.voice.protocols.folds import CLASSES, OUTPUTS, SHARED
from models.voice.protocols.reading import Net, Read, read_all
from models.voice.small import student
from models.voice.utterances import Utterances, of
from models.voice.whisper.mels import windows

FOLDS: Final = "folds"
"""Folder beside the shipped model with the networks that measure the protocols."""
NAMES: Final = (*map(protocol.fold_name, range(protocol.NETS)), *map(protocol.others_name, CLASSES))
"""Names of these networks."""

_Array = NDArray[np.float32]


@dataclass(frozen=True)
class Windows:
    """The windows of at most 3 s of n clips."""

    mels: NDArray[np.uint8]
    """(m, 188, 64) log-mels as bytes, those of a clip one after the other."""
    values: _Array
    """(m, 897) functionals, not standardised."""
    begins: NDArray[np.int64]
    """(n + 1,) number of each clip's first window, and m."""

    def rows(self, which: NDArray[np.int64]) -> list[list[_Array]]:
        """For each of some clips its windows as (12929,) arrays: log-mel in 0…1, and functionals as they are."""
        return [[_raw(self.mels[i], self.values[i]) for i in self.of(row)] for row in which]

    def of(self, row: int) -> range:
        """Numbers of the windows of a clip."""
        return range(int(self.begins[row]), int(self.begins[row + 1]))


@dataclass(frozen=True)
class Measured:
    """The clips that the protocols measure."""

    spoken: Utterances
    """The n clips."""
    whole: Windows
    """Whole clips."""
    short: Windows
    """Of EMO-DB's clips, the first two seconds, in their order."""


class Standardised:
    """A network with the standardizer of its functionals, as `models.voice.protocols.reading` uses it."""

    def __init__(self, net: Interpreter, standard: Standardizer) -> None:
        """`net`: a network that reads packed features; `standard`: from its card."""
        self._net, self._standard = net, standard

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """Input tensors."""
        return self._net.inputs

    def run(self, *values: NDArray[Any]) -> tuple[_Array, ...]:
        """One inference; the first input is a window of `Windows.rows`."""
        mel = values[0][:, : FRAMES * BANDS].reshape(-1, FRAMES, BANDS)
        features = packed(mel, self._standard.apply(values[0][:, FRAMES * BANDS :]))
        return self._net.run(features, *values[1:])


def _raw(mel: NDArray[np.uint8], values: _Array) -> _Array:
    return np.concatenate([mel.ravel().astype(np.float32) / np.float32(LEVELS), values])


def file(name: str, beside: Path) -> Path:
    """Path of the network `name` that belongs to the shipped model `beside`."""
    return beside.parent / FOLDS / f"small_{name}.tflite"


def windowed(clips: Sequence[Clip], seconds: float | None = None) -> Windows:
    """Computes the windows of clips; of their first `seconds` only, if given.

    Raises `ModelError` if the network that estimates pitch from a log-mel is missing.
    """
    pitch_net = MelPitch()
    mels, values, begins = [], [], [0]
    for clip in clips:
        for part in _parts(clip.read(), seconds):
            mel, track = mel_and_pitch(part, pitch_net)
            mels.append(np.rint(mel * LEVELS).astype(np.uint8).T)
            values.append(np.concatenate([functionals(mel), intonation(track)]))
        begins.append(len(mels))
    return Windows(np.stack(mels), np.stack(values), np.array(begins))


def _parts(recorded: Recorded, seconds: float | None) -> Iterator[Recorded]:
    if recorded.ndim != 1:
        yield recorded
    elif seconds is not None:
        yield recorded[: round(seconds * RATE)]
    else:
        yield from windows(recorded)


def measured(folder: Path) -> Measured:
    """The clips that the protocols measure. `folder`: that of the voice corpora."""
    clips = [clip for clip in whole_clips(folder) if clip.corpus in CLASSES]
    emo_db = [clip for clip in clips if clip.corpus == "EMO-DB"]
    return Measured(of(clips), windowed(clips), windowed(emo_db, EMO_DB_SECONDS))


Reader = Callable[[Sequence[str], Windows, NDArray[np.int64], Utterances], Read]
"""Reads clips: name of the network for each, their windows, which of them (k,), and these k as utterances."""


def with_files(nets: Mapping[str, Net], report: Callable[[str], None]) -> Reader:
    """Reads with opened networks. `report` receives lines of progress."""

    def read(names: Sequence[str], shown: Windows, which: NDArray[np.int64], spoken: Utterances) -> Read:
        return read_all(nets, names, shown.rows(which), spoken, report=report)

    return read


def with_networks(nets: Mapping[str, student.Net]) -> Reader:
    """Reads with trained float networks, many windows at a time."""

    def read(names: Sequence[str], shown: Windows, which: NDArray[np.int64], spoken: Utterances) -> Read:
        logits = {count: np.zeros((len(which), OUTPUTS), np.float32) for count in COUNTS}
        for name, net in nets.items():
            places = np.flatnonzero(np.array(names) == name)
            if not len(places):
                continue
            rows = [list(shown.of(int(which[place]))) for place in places]
            of = np.concatenate(rows)
            begins = np.cumsum([0, *map(len, rows)])[:-1]
            length = np.array([len(row) for row in rows], np.float32)[:, None]
            each = student.embeddings(net, shown.mels[of], shown.values[of])
            means = np.asarray(np.add.reduceat(each, begins) / length, np.float32)
            for count in COUNTS:
                known = baselines(means, spoken.speakers[places], count)
                spread = [np.repeat(one, length[:, 0].astype(int), axis=0) for one in known]
                logits[count][places] = np.add.reduceat(student.logits(net, each, *spread), begins) / length
        return Read(logits, np.array(names))

    return read


def scores(model: str, read: Reader, shown: Measured) -> tuple[list[Score], dict[str, float]]:
    """Scores by all protocols, and the temperature of each fold's network for the seven labels.

    Args:
        model: Name of the measured model.
        read: Reads clips with its networks.
        shown: The clips.
    """
    spoken, every = shown.spoken, np.arange(len(shown.spoken))
    found = read(protocol.by_fold(spoken), shown.whole, every, spoken)
    fitted = protocol.temperatures(found, spoken)
    rows = protocol.of_corpora(model, found, spoken, fitted)
    part = spoken.rows(spoken.corpora == "EMO-DB")
    first = read(protocol.by_fold(part), shown.short, np.arange(len(part)), part)
    rows += protocol.of_corpora(model, first, part, fitted, {"EMO-DB": protocol.EMO_DB_SHORT})
    # The temperature of the seven labels' head, which ships, is fitted on it alone.
    shared = protocol.temperatures(found, spoken, [SHARED])
    rows += protocol.of_labels(model, found, spoken, shared)
    others = read(protocol.across(spoken), shown.whole, every, spoken)
    return [*rows, *protocol.of_others(model, others, spoken, float(np.mean(list(shared.values()))))], shared


def shipped_scores(model: Path, folder: Path, report: Callable[[str], None]) -> list[Score]:
    """Scores of a shipped model by the networks beside it.

    Args:
        model: Path of the shipped model.
        folder: Folder of the voice corpora.
        report: Receives lines of progress.
    """
    nets = {}
    for name in NAMES:
        net, card = open_model(file(name, model))
        nets[name] = Standardised(net, Standardizer.read(card.front_end))
    return scores("small, int8", with_files(nets, report), measured(folder))[0]
