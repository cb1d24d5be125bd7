"""Keras to TFLite. The conversion runs in a process of its own, since the converter may crash."""

from __future__ import annotations

import importlib.util
import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from converters import calibration as calibrations
from converters import imports as modules
from converters import job as jobs
from converters import process, source
from converters.calibration import Row
from converters.job import FORMS, Form, Job
from edge.errors import ConversionError, MissingExtraError

if TYPE_CHECKING:
    import keras

__all__ = ["FORMS", "Conversion", "Form", "convert", "convert_with_proof"]


@dataclass(frozen=True, slots=True, eq=False)
class Conversion:
    """A converted model, and the outputs of its source for some inputs."""

    data: bytes
    """The `.tflite` file."""
    inputs: tuple[Row, ...] = ()
    """The inputs that the Keras model was run on."""
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
    import_paths: Sequence[Path] = (),
    progress: Callable[[str], None] | None = None,
) -> bytes:
    """Converts a Keras model to a TFLite file with the batch fixed to 1, inputs and outputs in Keras's order.

    Weights are quantised per output channel, an embedding table as a whole.

    Args:
        model: A Keras model, or the path of a file with one: a Keras 3 archive or Keras 2's HDF5, whatever its name.
        form: `float32`; `float16` (weights); `dynamic` (int8 weights in tensors of 1,024 values and more, embedding
            tables too; float activations); `int8` (weights and activations), which needs `calibration`.
        calibration: Rows, or an `.npz`; at least `calibration.LEAST_ROWS` different ones.
        integer_io: int8 only: float inputs and outputs become int8. Integer inputs such as token ids never change.
        per_channel_dense: dynamic only: dense layers per channel too, which `tflite-runtime` 2.14 cannot run.
        imports: Modules that register custom layers: paths of `.py` files, or names of modules that are installed
            or lie in `import_paths`. Those of a model in memory are found without.
        import_paths: Folders to search for `imports`. The working directory and `PYTHONPATH` are not searched.
        progress: Called with one line for each step.

    Returns:
        The bytes of the `.tflite` file.

    Raises:
        ConversionError: The model or the calibration cannot be used, or the converter failed or crashed.
        MissingExtraError: TensorFlow is not installed.
    """
    wanted = Job(model="", form=form, integer_io=integer_io, per_channel_dense=per_channel_dense)
    return _convert(model, wanted, calibration, imports, import_paths, progress).data


def convert_with_proof(
    model: keras.Model | Path,
    form: Form,
    calibration: Sequence[Row] | Path | None = None,
    *,
    rows: int = 200,
    integer_io: bool = True,
    per_channel_dense: bool = False,
    imports: Sequence[str] = (),
    import_paths: Sequence[Path] = (),
    progress: Callable[[str], None] | None = None,
) -> Conversion:
    """As `convert`, with the Keras model's outputs for up to `rows` calibration rows, or for random inputs."""
    wanted = Job(model="", form=form, integer_io=integer_io, per_channel_dense=per_channel_dense, proof=rows)
    return _convert(model, wanted, calibration, imports, import_paths, progress)


def _convert(
    model: keras.Model | Path,
    wanted: Job,
    calibration: Sequence[Row] | Path | None,
    imports: Sequence[str],
    import_paths: Sequence[Path],
    progress: Callable[[str], None] | None,
) -> Conversion:
    if wanted.form not in FORMS:
        raise ConversionError(f"unknown form {wanted.form!r}: one of {', '.join(FORMS)}")
    suffix = source.suffix(model) if isinstance(model, Path) else ""
    arrays = _calibration(wanted.form, calibration)
    wanted = msgspec.structs.replace(
        wanted,
        imports=tuple(modules.parse(text) for text in imports),
        import_paths=tuple(str(_folder(path)) for path in import_paths),
    )
    if importlib.util.find_spec("tensorflow") is None:
        raise MissingExtraError("conversion", "convert")

    folder = Path(tempfile.mkdtemp(prefix="edge-emotion-convert-"))
    try:
        if isinstance(model, Path):
            # Keras goes by the name alone, so the file gets one that says what it holds.
            link = folder / f"source{suffix}"
            link.symlink_to(model.absolute())
            wanted = msgspec.structs.replace(wanted, model=str(link))
            label = str(model)
        else:
            found = modules.loaded(_registered(model))
            saved = _save(model, folder)
            wanted = msgspec.structs.replace(wanted, model=str(saved), trusted=True, imports=(*wanted.imports, *found))
            label = f"model {model.name}"
        if arrays is not None:
            np.savez(folder / jobs.CALIBRATION, **arrays)  # type: ignore[arg-type]
        jobs.write(wanted, folder)
        process.run(folder, f"{label} to {wanted.form}", progress)
        return _collect(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _calibration(form: Form, calibration: Sequence[Row] | Path | None) -> dict[str, NDArray[Any]] | None:
    if not calibration:
        if form == "int8":
            raise ConversionError(
                "int8 needs a calibration set: some 100-500 real inputs that show the range of every activation "
                "(an .npz with one array per input); the form dynamic needs none"
            )
        return None
    if isinstance(calibration, Path):
        arrays, label = calibrations.load(calibration), f"calibration {calibration}"
    else:
        arrays, label = calibrations.stack(calibration), "calibration"
    calibrations.require_enough(arrays, label)
    return arrays


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise ConversionError(f"--import-path {path}: not a folder")
    return path.absolute()


def _save(model: keras.Model, folder: Path) -> Path:
    if not getattr(model, "inputs", None):
        raise ConversionError(f"model {model.name} has no symbolic inputs: build it as Functional or Sequential")
    path = folder / "source.keras"
    model.save(path)
    return path


def _registered(model: keras.Model) -> list[str]:
    """The modules of the registered layers and functions that `model` uses, which Keras does not import by itself."""
    import keras

    config = model.to_json()
    parts = [part for name, part in keras.saving.get_custom_objects().items() if json.dumps(name) in config]
    modules = {getattr(part, "__module__", "") for part in parts}
    return sorted(name for name in modules if name and name != "__main__" and name.split(".")[0] != "keras")


def _collect(folder: Path) -> Conversion:
    data = (folder / jobs.MODEL).read_bytes()
    if not (folder / jobs.PROOF).exists():
        return Conversion(data)
    with np.load(folder / jobs.PROOF, allow_pickle=False) as arrays:
        count = len(arrays["in_0"])

        def rows(prefix: str) -> tuple[Row, ...]:
            columns: list[NDArray[Any]] = [
                arrays[f"{prefix}_{index}"] for index in range(sum(name.startswith(prefix) for name in arrays.files))
            ]
            return tuple(tuple(column[number] for column in columns) for number in range(count))

        return Conversion(data, rows("in"), rows("out"))
