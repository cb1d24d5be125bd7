"""The process that converts: `python -m converters._worker FOLDER`; the other end is `converters.tflite`.

The folder holds `job.json` (and `calibration.npz`); `model.tflite` comes out, or `error.txt` with one line.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

# The graph is only traced and folded here: the CPU does it, and a GPU that a training run holds stays its own.
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

REFUSED = 3
"""Exit code with `error.txt` written."""


class Refused(Exception):
    """Cannot be converted; the message is the whole story."""


def main(folder: Path) -> int:
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    try:
        say("loading TensorFlow")
        data = convert(job, folder / "calibration.npz")
    except Refused as refusal:
        (folder / "error.txt").write_text(str(refusal), encoding="utf-8")
        return REFUSED
    (folder / "model.tflite").write_bytes(data)
    return 0


def say(step: str) -> None:
    print(step, flush=True)


def convert(job: dict[str, Any], calibration: Path) -> bytes:
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    say("loading the model")
    model = load(Path(job["model"]))
    specs = fixed_inputs(model, tf)
    form: str = job["form"]

    @tf.function(input_signature=specs, autograph=False)  # type: ignore[untyped-decorator]
    def call(*inputs: Any) -> Any:
        import keras

        nested = keras.tree.pack_sequence_as(structure(model), list(inputs))
        return tuple(keras.tree.flatten(model(nested, training=False)))

    say("tracing with a batch of one")
    # Freezing first keeps inputs and outputs in Keras's order and under the inputs' own names.
    frozen = convert_variables_to_constants_v2(call.get_concrete_function())
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    if form != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if form == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if form == "int8":
        rows = read_rows(calibration, len(specs))
        check_rows(rows, specs)

        def representative() -> Any:
            for number, row in enumerate(rows, 1):
                if number % 100 == 0 or number == len(rows):
                    say(f"calibrating on row {number} of {len(rows)}")
                yield list(row)

        converter.representative_dataset = representative
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        if job["integer_io"]:
            # Tokens and other integer inputs are not touched by this; float ones become int8.
            converter.inference_input_type = converter.inference_output_type = tf.int8
    say(f"converting to {form}")
    try:
        return bytes(converter.convert())
    except Exception as error:
        raise Refused(explain(str(error)) or type(error).__name__) from error


def load(path: Path) -> Any:
    import keras

    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        text = str(error)
        if "Could not locate" in text or "Unknown layer" in text or "Could not deserialize" in text:
            name = text.partition("'")[2].partition("'")[0] or "unknown"
            raise Refused(
                f"it has a custom layer or function {name!r}: put that into an importable module and "
                "decorate it with @keras.saving.register_keras_serializable()"
            ) from error
        raise Refused(f"not a Keras model that can be loaded: {first_line(text)}") from error
    if not getattr(model, "inputs", None):
        raise Refused("the model has no symbolic inputs: build it as Functional or Sequential with an Input")
    return model


def structure(model: Any) -> Any:
    """How the model nests its inputs."""
    nested = getattr(model, "_inputs_struct", None)
    return nested if nested is not None else model.inputs[0] if len(model.inputs) == 1 else list(model.inputs)


def fixed_inputs(model: Any, tf: Any) -> list[Any]:
    specs = []
    for tensor in model.inputs:
        shape = (1, *tensor.shape[1:])
        if None in shape:
            raise Refused(f"input {tensor.name!r} has a free dimension {tensor.shape}: only the batch may be free")
        specs.append(tf.TensorSpec(shape, tensor.dtype, name=tensor.name))
    return specs


def read_rows(path: Path, inputs: int) -> list[tuple[Any, ...]]:
    import numpy as np

    with np.load(path, allow_pickle=False) as arrays:
        columns = [arrays[f"arr_{index}"] for index in range(len(arrays.files))]
    if len(columns) != inputs:
        raise Refused(f"the calibration rows have {len(columns)} arrays, the model has {inputs} inputs")
    return list(zip(*columns, strict=True))


def check_rows(rows: list[tuple[Any, ...]], specs: list[Any]) -> None:
    """Rows come stacked, so that the first speaks for all; each array gets its batch of one in place."""
    for index, (value, spec) in enumerate(zip(rows[0], specs, strict=True)):
        wanted = tuple(spec.shape)
        if value.shape not in (wanted, wanted[1:]):
            raise Refused(f"calibration for input {spec.name!r} has shape {value.shape}, the model takes {wanted[1:]}")
        if value.dtype.kind != ("f" if spec.dtype.is_floating else "i"):
            raise Refused(
                f"calibration for input {spec.name!r} is {value.dtype.name}, the model takes {spec.dtype.name}"
            )
        for number, row in enumerate(rows):
            rows[number] = (
                *row[:index],
                row[index].reshape(wanted).astype(spec.dtype.as_numpy_dtype),
                *row[index + 1 :],
            )


def first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def explain(text: str) -> str:
    """The converter's page-long message in one line."""
    marks = ("TF Select ops:", "Custom ops:", "Details:")
    for mark in marks:
        if mark in text:
            ops = text.partition(mark)[2].splitlines()[0].strip()
            return f"TFLite has no such operation: {ops}; replace the layer that makes it"
    return first_line(text)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
