"""What the converting process is asked to do: one typed JSON file instead of arguments on a command line."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

import msgspec

Form: TypeAlias = Literal["float32", "float16", "dynamic", "int8"]
FORMS: Final[tuple[Form, ...]] = get_args(Form)

JOB: Final = "job.json"
CALIBRATION: Final = "calibration.npz"
MODEL: Final = "model.tflite"
PROOF: Final = "proof.npz"
ERROR: Final = "error.txt"

REFUSED: Final = 3
"""The process's exit code after it has written the reason into `ERROR`."""


class Import(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A module to import before the model is loaded, because it registers custom layers."""

    module: str
    """Full dotted name."""
    file: str = ""
    """Source file of the module's top-level package (its `__init__.py`) or of the module itself. Empty for a module
    that is installed or lies in one of `Job.import_paths`."""


class Job(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One conversion."""

    model: str
    """Path of a `.keras` or `.h5` file."""
    form: Form
    trusted: bool = False
    """The model was saved by the calling program itself, so that its Lambda layers may run."""
    imports: tuple[Import, ...] = ()
    import_paths: tuple[str, ...] = ()
    """Folders to look for `imports` in, after everything that is installed."""
    integer_io: bool = True
    """int8 only: float inputs and outputs become int8."""
    per_channel_dense: bool = False
    """dynamic only: dense layers are quantised per channel."""
    proof: int = 0
    """Number of inputs whose outputs Keras computes for comparison; 0 for none."""


def write(job: Job, folder: Path) -> None:
    (folder / JOB).write_bytes(msgspec.json.encode(job))


def read(folder: Path) -> Job:
    return msgspec.json.decode((folder / JOB).read_bytes(), type=Job)
