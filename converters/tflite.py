"""Keras to TFLite, in a process of its own: the converter may crash, and it floods standard error."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from converters._worker import REFUSED
from edge.errors import ConversionError, MissingExtraError

if TYPE_CHECKING:
    import keras

Form: TypeAlias = Literal["float32", "float16", "dynamic", "int8"]
FORMS: Final[tuple[Form, ...]] = get_args(Form)

Row: TypeAlias = "tuple[NDArray[np.generic], ...]"
"""One array per input, in the model's order, each of the input's shape with a batch of one or without."""


def convert(
    model: keras.Model | Path,
    form: Form,
    calibration: Sequence[Row] | None = None,
    *,
    integer_io: bool = True,
    progress: Callable[[str], None] | None = None,
) -> bytes:
    """The bytes of a `.tflite` file with the batch fixed to 1, inputs and outputs in Keras's order.

    `form`: `float32`; `float16` (weights); `dynamic` (int8 weights of 1,024 elements and more, embedding tables
    too, float activations); `int8` (weights and activations, weights per channel), which needs `calibration`.
    `integer_io` (int8 only): float inputs and outputs become int8; integer inputs such as token ids stay as they are.
    `progress` is told each step. A `Path` names a `.keras` (or Keras 2 `.h5`) file. Custom layers must be in
    importable modules. Raises `ConversionError`, also when the converter crashes, and `MissingExtraError`.
    """
    if form not in FORMS:
        raise ConversionError(f"unknown form {form!r}: one of {', '.join(FORMS)}")
    if form == "int8" and not calibration:
        raise ConversionError(
            "int8 needs calibration rows, some 100-500 real inputs that show the range of every activation "
            "(or take the form dynamic, which needs none)"
        )
    if importlib.util.find_spec("tensorflow") is None:
        raise MissingExtraError("conversion", "convert")
    with tempfile.TemporaryDirectory(prefix="edge-emotion-convert-") as name:
        folder = Path(name)
        if isinstance(model, Path):
            source = check_path(model)
        else:
            source = folder / "source.keras"
            model.save(source)
        if form == "int8" and calibration:
            np.savez(folder / "calibration.npz", *_stack(calibration))
        job = {"model": str(source.absolute()), "form": form, "integer_io": integer_io}
        (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
        label = str(model) if isinstance(model, Path) else f"model {model.name}"
        return _run(folder, f"{label} to {form}", progress)


def check_path(path: Path) -> Path:
    """The path of a file that may be a Keras model. Raises `ConversionError`."""
    if not path.is_file():
        raise ConversionError(f"model {path}: {'not a file' if path.exists() else 'no such file'}")
    if path.suffix not in (".keras", ".h5"):
        raise ConversionError(f"model {path}: not a Keras model by its name; give a .keras file (model.save makes one)")
    with path.open("rb") as file:
        start = file.read(8)
    if not start.startswith((b"PK\x03\x04", b"\x89HDF")):
        raise ConversionError(f"model {path}: not a Keras model (neither a .keras archive nor HDF5 inside)")
    return path


def _stack(rows: Sequence[Row]) -> list[NDArray[np.generic]]:
    widths = {len(row) for row in rows}
    if len(widths) != 1:
        raise ConversionError(f"calibration rows have different numbers of arrays: {sorted(widths)}")
    try:
        return [np.stack(column) for column in zip(*rows, strict=True)]
    except ValueError as error:
        raise ConversionError(f"calibration rows differ in shape: {error}") from error


def _run(folder: Path, what: str, progress: Callable[[str], None] | None) -> bytes:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(entry or "." for entry in sys.path)}
    errors: list[str] = []
    process = subprocess.Popen(
        [sys.executable, "-m", "converters._worker", str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env=environment,
        start_new_session=True,  # Ctrl-C reaches us alone; we end the process below
    )
    assert process.stdout is not None
    assert process.stderr is not None
    drain = threading.Thread(target=errors.extend, args=(process.stderr,), daemon=True)
    drain.start()
    try:
        for line in process.stdout:
            if progress is not None:
                progress(line.strip())
        code = process.wait()
    finally:
        process.kill()
        process.wait()
        drain.join(timeout=5)
        process.stdout.close()
    if code == 0:
        return (folder / "model.tflite").read_bytes()
    if code == REFUSED:
        raise ConversionError(f"{what}: {(folder / 'error.txt').read_text(encoding='utf-8')}")
    last = _last_meaningful(errors)
    if code < 0:
        hint = "an LSTM or GRU needs unroll=True for int8" if code == -signal.SIGSEGV else "was it out of memory?"
        raise ConversionError(f"{what}: the converter crashed ({signal.Signals(-code).name}; {hint}): {last}")
    raise ConversionError(f"{what}: the converter ended with code {code}: {last}")


def _last_meaningful(lines: Sequence[str]) -> str:
    noise = re.compile(
        r"^\s*$|^\s*File \"|^Traceback|^\s*[\^~]+\s*$|^[IW]\d{4} |^WARNING|^INFO|Warning: |warnings\.warn"
    )
    kept = [line.strip() for line in lines if not noise.search(line)]
    return kept[-1][:300] if kept else "no message"
