"""`python -m models.voice.whisper.extract --data DIR`: features of all clips, cached.

The folder of the run gets, for each variant, memory-mapped arrays with one row per window of at most 3 s:

- `mels_V.npy` (rows, 300, 80) uint8: the log-mel, 0…252;
- `stats_V.npy` (rows, 3, 768) float16: mean and deviation over time after the convolutions and after each layer;
- `frames_V.npy` (rows, 150, 384) float16: the output of the second layer every 20 ms; variant 0 only.

`index.npz` names the clip of each row. Variant 0 holds the unchanged clips, all windows of long ones; the others hold a
random variant of each clip, many of them in noise, and zeros for three quarters of CREMA-D, which is by far the largest
corpus. An interrupted run goes on where it was.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from converters.tflite import convert
from edge.inference.interpreter import Interpreter
from edge.voice.whisper_mel import BANDS, FRAMES
from models.command import one_line_errors
from models.corpora import add_data_option, require
from models.voice.clips import Clip, whole_clips
from models.voice.whisper import mels
from models.voice.whisper.weights import fetch

DEPTH: Final = 2
"""Layers of the encoder that are computed."""
IN_NOISE: Final = 0.6
"""Probability that a variant is in noise."""
SPARED: Final = 4
"""Only each fourth clip of CREMA-D has a variant; with each variant others."""
FRAMES_OF: Final = 2
"""Layer whose output is kept for every 20 ms."""


def prepare(clips: Sequence[Clip], folder: Path, number: int, seed: int) -> Path:
    """Computes the log-mels of one variant of all clips unless they are there; writes the index with variant 0."""
    path = folder / f"mels_{number}.npy"
    if path.exists():
        return path
    rows: list[NDArray[np.uint8]] = []
    owners: list[int] = []
    for i, clip in enumerate(clips):
        if number and clip.corpus == "CREMA-D" and (number + i) % SPARED:
            rows.append(np.zeros((FRAMES, BANDS), np.uint8))
            continue
        recorded, rng = clip.read(), np.random.default_rng((seed, number, i))
        if number:
            found = [mels.variant(recorded, rng, in_noise=rng.random() < IN_NOISE)]
        else:
            found = [mels.fine(part) for part in (mels.windows(recorded) if recorded.ndim == 1 else [recorded])]
        rows += [np.rint(mel * mels.LEVELS).astype(np.uint8) for mel in found]
        owners += [i] * len(found)
    if number == 0:
        parts = {
            "corpus": [clip.corpus for clip in clips],
            "speaker": [clip.speaker for clip in clips],
            "name": [clip.name for clip in clips],
            "key": [clip.key for clip in clips],
        }
        np.savez(folder / "index.npz", owner=np.array(owners), **{k: np.array(v) for k, v in parts.items()})  # type: ignore[arg-type]
    partial = path.with_suffix(".partial.npy")
    np.save(partial, np.stack(rows))
    partial.replace(path)
    return path


def compiled(depth: int, cached: Path) -> Interpreter:
    """The encoder as a float32 TFLite model: (1, 300, 80) → statistics of all layers, output of layer `FRAMES_OF`.

    On a processor it is twice as fast as TensorFlow.

    Args:
        depth: Number of layers.
        cached: Where the converted model is kept.
    """
    if not cached.exists():
        import keras

        from models.voice.whisper import encoder
        from models.voice.whisper.pooling import sounding, statistics

        mel = keras.Input((FRAMES, BANDS), name="mel")
        model = encoder.build(depth)
        encoder.load(model, fetch(), depth)
        layers = model(mel)
        mask = sounding(mel)
        whole = keras.Model(mel, [keras.ops.stack([statistics(one, mask) for one in layers], 1), layers[FRAMES_OF]])
        cached.write_bytes(convert(whole, "float32"))
    return Interpreter(cached.read_bytes(), cached.name)


def read(path: Path, folder: Path, number: int, depth: int) -> None:
    """Computes the encoder's features of one variant, from the row on that `done_V.txt` names."""
    shown = np.load(path, mmap_mode="r")
    note = folder / f"done_{number}.txt"
    done = int(note.read_text()) if note.exists() else 0
    if done >= len(shown):
        return
    encoder = compiled(depth, folder / f"encoder_{depth}.tflite")

    def opened(name: str, *shape: int) -> Any:
        file, mode = folder / f"{name}_{number}.npy", "r+" if done else "w+"
        return np.lib.format.open_memmap(file, mode=mode, dtype=np.float16, shape=None if done else shape)

    statistic = opened("stats", len(shown), *encoder.outputs[0].shape[1:])
    frames = opened("frames", len(shown), *encoder.outputs[1].shape[1:]) if number == 0 else None
    for row in range(done, len(shown)):
        if shown[row].any():
            values, sequence = encoder.run(shown[row][None].astype(np.float32) / mels.LEVELS)
            statistic[row] = values[0]
            if frames is not None:
                frames[row] = sequence[0]
        if row % 500 == 499 or row + 1 == len(shown):
            statistic.flush()
            note.write_text(str(row + 1))
            print(f"variant {number}: {row + 1} of {len(shown)}", flush=True)


@one_line_errors
def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m models.voice.whisper.extract", description=__doc__)
    add_data_option(parser)
    parser.add_argument("--runs", type=Path, default=Path("runs/whisper"), help="folder of the features (%(default)s)")
    parser.add_argument("--variants", type=int, default=4, help="augmented variants of each clip (%(default)s)")
    parser.add_argument("--depth", type=int, default=DEPTH, help="layers of the encoder (%(default)s)")
    parser.add_argument("--seed", type=int, default=7, help="of the augmentation (%(default)s)")
    arguments = parser.parse_args()
    arguments.runs.mkdir(parents=True, exist_ok=True)
    clips = whole_clips(require(arguments.data, "voice"))
    for number in range(arguments.variants + 1):
        read(prepare(clips, arguments.runs, number, arguments.seed), arguments.runs, number, arguments.depth)
    return 0


if __name__ == "__main__":
    sys.exit(main())
