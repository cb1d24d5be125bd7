"""The process that converts a model; its one argument is a folder. The module `process` starts it.

The folder holds `job.json` and, for int8, `calibration.npz`. The process writes `model.tflite` there and, where the
job asks for proof, `proof.npz` (inputs and the Keras model's outputs for them). If it refuses, it writes one line
into `error.txt` instead. It prints one line for each step.
"""

from __future__ import annotations

import ctypes
import os
import re
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

# Tracing and folding a graph needs no GPU, and a training run may be using the GPU's memory.
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from numpy.typing import NDArray

from converters import calibration, imports, job
from converters.calibration import Input, Row
from converters.job import Job
from converters.sharing import share_zero_points
from edge.errors import ConversionError


def main(folder: Path) -> int:
    end_with_parent()
    try:
        work(job.read(folder), folder)
    except ConversionError as error:
        (folder / job.ERROR).write_text(str(error), encoding="utf-8")
        return job.REFUSED
    return 0


def end_with_parent() -> None:
    """Ends this process when its parent dies, even by SIGKILL (Linux only)."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


def say(step: str) -> None:
    print(step, flush=True)


def work(wanted: Job, folder: Path) -> None:
    say("loading TensorFlow")
    model = load(wanted)
    inputs = [fixed(tensor) for tensor in model.inputs]
    rows: list[Row] = []
    if (folder / job.CALIBRATION).exists():
        rows = calibration.arrange(calibration.load(folder / job.CALIBRATION), inputs)
    forward = trace(model, inputs)
    data = to_tflite(forward, wanted, rows)
    (folder / job.MODEL).write_bytes(data)
    if wanted.proof:
        kept = spread(rows, wanted.proof) or calibration.random_rows(inputs, wanted.proof, vocabulary(model))
        say(f"running Keras on {len(kept)} inputs")
        np.savez(folder / job.PROOF, **proof(forward, kept))  # type: ignore[arg-type]


def load(wanted: Job) -> Any:
    """The Keras model of a job. Raises `ConversionError`."""
    try:
        import keras
        import tensorflow  # noqa: F401
    except ImportError as error:
        raise ConversionError(
            f"Keras with TensorFlow cannot be imported by {sys.executable}, which does not look into PYTHONPATH: "
            f"{first_line(str(error))}"
        ) from error
    imports.perform(wanted.imports, wanted.import_paths)
    say("loading the model")
    path = Path(wanted.model)
    try:
        if not wanted.trusted and path.suffix == ".h5":
            refuse_lambda(path)
        # A Lambda layer of a file could run any code; only a model from the calling program itself may have one.
        return keras.saving.load_model(path, compile=False, safe_mode=not wanted.trusted)
    except ConversionError:
        raise
    except Exception as error:
        raise ConversionError(explain_load(str(error))) from error


def refuse_lambda(path: Path) -> None:
    """Refuses a Lambda layer in an HDF5 file, for which some releases of Keras 3 ignore `safe_mode` (CVE-2025-9905)."""
    import h5py

    with h5py.File(path, "r") as file:
        config = file.attrs.get("model_config", "")
    text = config.decode("utf-8", "replace") if isinstance(config, bytes) else str(config)
    if re.search(r'"class_name":\s*"(?:Lambda|__lambda__)"', text):
        raise ConversionError(explain_load("lambda"))


def explain_load(text: str) -> str:
    """Keras's page-long message in one line."""
    custom = re.search(r"Could not (?:locate|deserialize) \w+ '([^']+)'|Unknown (?:layer|object): '([^']+)'", text)
    if custom:
        return (
            f"it has a custom part {custom.group(1) or custom.group(2)!r}: decorate that with "
            "@keras.saving.register_keras_serializable() in a module, and name that with --import"
        )
    if "lambda" in text:
        return "it has a Lambda layer, which may run any code: replace that by a layer or a registered function"
    return f"not a Keras model that can be loaded: {first_line(text)}"


def fixed(tensor: Any) -> Input:
    """An input of the model with a batch of one."""
    shape = (1, *tensor.shape[1:])
    if None in shape:
        raise ConversionError(
            f"input {tensor.name!r} has a free dimension in {tuple(tensor.shape)}: only the batch may be free"
        )
    return Input(tensor.name, shape, tensor.dtype)


def vocabulary(model: Any) -> int:
    """The size of the smallest embedding table: random token ids must lie below it."""
    import keras

    tables = [layer.input_dim for layer in model._flatten_layers() if isinstance(layer, keras.layers.Embedding)]
    return int(min(tables, default=2))


def trace(model: Any, inputs: Sequence[Input]) -> Any:
    """The model as a graph with its weights folded in.

    Freezing before conversion keeps inputs and outputs in Keras's order and the inputs under their own names.
    """
    import keras
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    nest = getattr(model, "_inputs_struct", None)
    if nest is None:
        nest = model.inputs[0] if len(inputs) == 1 else list(model.inputs)

    def call(*tensors: Any) -> Any:
        nested = keras.tree.pack_sequence_as(nest, list(tensors))
        return tuple(keras.tree.flatten(model(nested, training=False)))

    say("tracing with a batch of one")
    signature = [tf.TensorSpec(given.shape, given.dtype, name=given.name) for given in inputs]
    function = tf.function(call, input_signature=signature, autograph=False)
    return convert_variables_to_constants_v2(function.get_concrete_function())


def to_tflite(forward: Any, wanted: Job, rows: Sequence[Row]) -> bytes:
    import tensorflow as tf

    form = wanted.form
    converter = tf.lite.TFLiteConverter.from_concrete_functions([forward])
    if form != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if form == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if form == "dynamic" and not wanted.per_channel_dense:
        converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    if form == "int8":
        converter.representative_dataset = lambda: with_progress(rows)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        if wanted.integer_io:
            # Integer inputs such as token ids are left alone by this.
            converter.inference_input_type = converter.inference_output_type = tf.int8
    say(f"converting to {form}")
    try:
        return share_zero_points(bytes(converter.convert()))
    except Exception as error:
        raise ConversionError(explain_convert(str(error)) or type(error).__name__) from error


def with_progress(rows: Sequence[Row]) -> Iterator[list[NDArray[Any]]]:
    for number, row in enumerate(rows, 1):
        if number % 100 == 0 or number == len(rows):
            say(f"calibrating on row {number} of {len(rows)}")
        yield list(row)


def explain_convert(text: str) -> str:
    for mark in ("TF Select ops:", "Custom ops:"):
        if mark in text:
            names = text.partition(mark)[2].splitlines()[0].strip()
            return f"TFLite has no such operation: {names}; replace the layer that makes it"
    return first_line(text)


def first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def spread(rows: Sequence[Row], most: int) -> list[Row]:
    """At most `most` rows, evenly spaced over all, the first and the last included."""
    return [rows[index] for index in np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows)), dtype=int))]


def proof(forward: Any, rows: Sequence[Row]) -> dict[str, NDArray[Any]]:
    """The arrays `in_0`, … and `out_0`, …, each of shape (rows, 1, …)."""
    import tensorflow as tf

    results = [[np.asarray(out) for out in forward(*map(tf.constant, row))] for row in rows]
    columns = {f"in_{index}": np.stack(column) for index, column in enumerate(zip(*rows, strict=True))}
    return columns | {f"out_{index}": np.stack(column) for index, column in enumerate(zip(*results, strict=True))}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
