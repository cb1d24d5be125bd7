"""Keras to TFLite, in a process of its own: the converter may crash, and it floods standard error."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from converters import calibration as calibrations
from converters.calibration import Row
from edge.errors import ConversionError, MissingExtraError

if TYPE_CHECKING:
    import keras

Form: TypeAlias = Literal["float32", "float16", "dynamic", "int8"]
FORMS: Final[tuple[Form, ...]] = get_args(Form)

REFUSED: Final = 3
"""The worker's exit code when it wrote down why."""


@dataclass(frozen=True, slots=True, eq=False)
class Conversion:
    """A converted model, and what its source makes of some inputs."""

    data: bytes
    """The `.tflite` file."""
    inputs: tuple[Row, ...] = ()
    expected: tuple[Row, ...] = ()
    """The outputs of the Keras model for `inputs`."""


def convert(
    model: keras.Model | Path,
    form: Form,
    calibration: Sequence[Row] | Path | None = None,
    *,
    integer_io: bool = True,
    per_channel_dense: bool = False,
    imports: Sequence[str] = (),
    progress: Callable[[str], None] | None = None,
) -> bytes:
    """The bytes of a `.tflite` file with the batch fixed to 1, inputs and outputs in Keras's order.

    `form`: `float32`; `float16` (weights); `dynamic` (int8 weights in tensors of 1,024 values and more, embedding
    tables too; float activations); `int8` (weights and activations), which needs `calibration`. Weights are
    quantised per channel, an embedding table as a whole. `model` and `calibration` may be files: `.keras` or
    Keras 2's `.h5`, and `.npz`.

    `integer_io` (int8 only): float inputs and outputs become int8; integer inputs such as token ids never change.
    `per_channel_dense` (dynamic only): dense layers per channel too, which `tflite-runtime` 2.14 cannot run.
    `imports`: modules that register custom layers of a model file; those of a model in memory are found.
    `progress` is told each step.

    Raises `ConversionError`, also when the converter crashes, and `MissingExtraError`.
    """
    job = {"form": form, "integer_io": integer_io, "per_channel_dense": per_channel_dense, "proof": 0}
    return _convert(model, job, calibration, imports, progress).data


def convert_with_proof(
    model: keras.Model | Path,
    form: Form,
    calibration: Sequence[Row] | Path | None = None,
    *,
    rows: int = 200,
    integer_io: bool = True,
    per_channel_dense: bool = False,
    imports: Sequence[str] = (),
    progress: Callable[[str], None] | None = None,
) -> Conversion:
    """As `convert`, with the Keras model's outputs for up to `rows` calibration rows, or random ones without."""
    job = {"form": form, "integer_io": integer_io, "per_channel_dense": per_channel_dense, "proof": rows}
    return _convert(model, job, calibration, imports, progress)


def check_path(path: Path) -> Path:
    """The path of a file that may be a Keras model. Raises `ConversionError`."""
    if not path.is_file():
        raise ConversionError(f"model {path}: {'not a file' if path.exists() else 'no such file'}")
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise ConversionError(f"model {path}: {error.strerror}") from error
    if start != {".keras": b"PK\x03\x04", ".h5": b"\x89HDF"}.get(path.suffix):
        raise ConversionError(f"model {path}: not a Keras model; give a .keras file as model.save writes it")
    return path


def _convert(
    model: keras.Model | Path,
    job: dict[str, Any],
    calibration: Sequence[Row] | Path | None,
    imports: Sequence[str],
    progress: Callable[[str], None] | None,
) -> Conversion:
    if job["form"] not in FORMS:
        raise ConversionError(f"unknown form {job['form']!r}: one of {', '.join(FORMS)}")
    if isinstance(model, Path):
        check_path(model)
    if job["form"] == "int8" and not calibration:
        raise ConversionError(
            "int8 needs a calibration set: some 100-500 real inputs that show the range of every activation "
            "(an .npz with one array per input); the form dynamic needs none"
        )
    arrays = None
    if calibration:
        arrays = calibrations.load(calibration) if isinstance(calibration, Path) else calibrations.stack(calibration)
    if importlib.util.find_spec("tensorflow") is None:
        raise MissingExtraError("conversion", "convert")

    folder = Path(tempfile.mkdtemp(prefix="edge-emotion-convert-"))
    try:
        if isinstance(model, Path):
            job |= {"model": str(model.absolute()), "trusted": False, "imports": list(imports)}
            label = str(model)
        else:
            job |= {"model": str(_save(model, folder)), "trusted": True, "imports": [*imports, *_registered(model)]}
            label = f"model {model.name}"
        if arrays is not None:
            np.savez(folder / "calibration.npz", **arrays)  # type: ignore[arg-type]
        (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
        _run(folder, f"{label} to {job['form']}", progress)
        return _collect(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _save(model: keras.Model, folder: Path) -> Path:
    if not getattr(model, "inputs", None):
        raise ConversionError(f"model {model.name} has no symbolic inputs: build it as Functional or Sequential")
    path = folder / "source.keras"
    model.save(path)
    return path


def _registered(model: keras.Model) -> list[str]:
    """The modules of the registered layers and functions that `model` is made of; Keras itself imports none of them."""
    import keras

    config = model.to_json()
    parts = [part for name, part in keras.saving.get_custom_objects().items() if json.dumps(name) in config]
    modules = {getattr(part, "__module__", "") for part in parts}
    return sorted(name for name in modules if name and name != "__main__" and name.split(".")[0] != "keras")


def _run(folder: Path, what: str, progress: Callable[[str], None] | None) -> None:
    places = [*(entry or "." for entry in sys.path), str(Path.cwd())]
    errors: list[str] = []
    process = subprocess.Popen(
        [sys.executable, "-m", "converters._worker", str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env=os.environ | {"PYTHONPATH": os.pathsep.join(places)},
        start_new_session=True,  # Ctrl-C reaches us alone, and we end the process below
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
        process.stderr.close()
    if code == REFUSED:
        raise ConversionError(f"{what}: {(folder / 'error.txt').read_text(encoding='utf-8')}")
    if code:
        raise ConversionError(f"{what}: {_ending(code)}: {_last_meaningful(errors)}")


def _collect(folder: Path) -> Conversion:
    data = (folder / "model.tflite").read_bytes()
    if not (folder / "proof.npz").exists():
        return Conversion(data)
    with np.load(folder / "proof.npz", allow_pickle=False) as arrays:
        count = len(arrays["in_0"])

        def rows(prefix: str) -> tuple[Row, ...]:
            columns: list[NDArray[Any]] = [
                arrays[f"{prefix}_{index}"] for index in range(sum(name.startswith(prefix) for name in arrays.files))
            ]
            return tuple(tuple(column[number] for column in columns) for number in range(count))

        return Conversion(data, rows("in"), rows("out"))


def _ending(code: int) -> str:
    if code > 0:
        return f"the converter ended with code {code}"
    hints = {
        signal.SIGSEGV: "; an LSTM or GRU needs unroll=True for int8",
        signal.SIGKILL: "; was it out of memory?",
    }
    return f"the converter crashed ({signal.Signals(-code).name}{hints.get(signal.Signals(-code), '')})"


def _last_meaningful(lines: Sequence[str]) -> str:
    noise = re.compile(
        r"^\s*$|^\s*File \"|^Traceback|^\s*[\^~]+\s*$|^[IW]\d{4} |^WARNING|^INFO|Warning: |warnings\.warn"
    )
    kept = [line.strip() for line in lines if not noise.search(line)]
    return kept[-1][:300] if kept else "it said nothing"
