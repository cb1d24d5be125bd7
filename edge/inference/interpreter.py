"""An interpreter for `.tflite` models on LiteRT (`ai-edge-litert`) or its predecessor `tflite-runtime`."""

from __future__ import annotations

import importlib
import math
import os
import re
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge.errors import MissingExtraError, ModelError
from edge.inference import card as cards
from edge.inference.card import Card, Tensor
from edge.quiet import quiet_stderr

RUNTIMES: Final = ("ai_edge_litert", "tflite_runtime")
"""Supported runtimes in order of preference. The environment variable `EDGE_EMOTION_RUNTIME` selects one of them."""

_SCALE_TOLERANCE: Final = 1e-5
"""Allowed relative difference between the scale in the card and in the file, because JSON may round a float32."""

_CHATTER: Final = re.compile(rb"Created TensorFlow Lite XNNPACK delegate")
"""Line that a runtime prints to standard error on every start, which is suppressed."""


def runtime_module() -> Any:
    """Imports the `interpreter` module of the first installed runtime.

    Raises:
        ModelError: `EDGE_EMOTION_RUNTIME` names a runtime that does not exist.
        MissingExtraError: No runtime is installed, or not the one requested.
    """
    requested = os.environ.get("EDGE_EMOTION_RUNTIME")
    if requested and requested not in RUNTIMES:
        raise ModelError(f"EDGE_EMOTION_RUNTIME is {requested!r}: one of {', '.join(RUNTIMES)}, or unset")
    for name in (requested,) if requested else RUNTIMES:
        try:
            return importlib.import_module(f"{name}.interpreter")
        except ImportError:
            continue
    need = f"inference (looked for {requested or ' and '.join(RUNTIMES)})"
    if requested == "tflite_runtime":
        raise MissingExtraError(need, "tflite-runtime")
    raise MissingExtraError(need, "", "ai-edge-litert")


class Interpreter:
    """A loaded model that takes and returns real values, and quantises and dequantises them. Not thread-safe."""

    def __init__(self, data: bytes, name: str = "model", threads: int = 1) -> None:
        """Loads a model and allocates its tensors.

        Args:
            data: The bytes of a `.tflite` file.
            name: Name of the model in error messages.
            threads: Number of threads of the runtime.

        Raises:
            ModelError: The bytes are not a model that the runtime can run.
            MissingExtraError: No runtime is installed.
        """
        if not data:
            raise ModelError(f"{name} is empty")
        module = runtime_module()
        try:
            with quiet_stderr(_CHATTER):
                self._interpreter = module.Interpreter(model_content=data, num_threads=threads)
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"{name} is not a model that {module.__name__} can run: {_reason(error)}") from error
        self._inputs = self._interpreter.get_input_details()
        self._outputs = self._interpreter.get_output_details()
        self.name = name

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """Input tensors in the order of the file."""
        return tuple(_describe(detail) for detail in self._inputs)

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """Output tensors in the order of the file."""
        return tuple(_describe(detail) for detail in self._outputs)

    def run(self, *values: NDArray[Any]) -> tuple[NDArray[np.float32], ...]:
        """Runs one inference.

        Args:
            values: One array of real numbers per input, in the shape of that input.

        Returns:
            One float32 array of real numbers per output.

        Raises:
            ModelError: The number or shape of the inputs is wrong, a value or an output is not finite, or the model
                cannot process an input (such as a token id beyond its table).
        """
        if len(values) != len(self._inputs):
            raise ModelError(f"{self.name} takes {len(self._inputs)} inputs, not {len(values)}")
        for detail, value in zip(self._inputs, values, strict=True):
            shape = tuple(detail["shape"].tolist())
            if tuple(value.shape) != shape:
                raise ModelError(f"{self.name} takes {shape}, not {tuple(value.shape)}")
            # Converting NaN to an integer gives a processor-dependent value.
            if not np.isfinite(value).all():
                raise ModelError(f"{self.name} was given a value that is not finite")
            self._interpreter.set_tensor(detail["index"], _quantise(value, detail))
        try:
            self._interpreter.invoke()
        except RuntimeError as error:  # such as a token id beyond the embedding table
            raise ModelError(f"{self.name} cannot run on this input: {_reason(error)}") from error
        results = tuple(_dequantise(self._interpreter.get_tensor(detail["index"]), detail) for detail in self._outputs)
        if not all(np.isfinite(result).all() for result in results):
            raise ModelError(f"{self.name} returned a value that is not finite")
        return results


def _reason(error: Exception) -> str:
    """Returns the runtime's message in one line, or what to do if the runtime is older than the file requires."""
    text = str(error).strip() or type(error).__name__
    newer = re.search(r"Didn't find op for builtin opcode '(\w+)' version '(\d+)'", text)
    if newer:
        return (
            f"the file has {newer[1]} in version {newer[2]}, newer than this runtime: install ai-edge-litert, "
            "or convert the model again without --per-channel-dense"
        )
    return text.splitlines()[0]


def _quantise(value: NDArray[Any], detail: dict[str, Any]) -> NDArray[Any]:
    dtype = np.dtype(detail["dtype"])
    scale, zero = detail["quantization"]
    if scale and np.issubdtype(dtype, np.integer):
        limits = np.iinfo(dtype)
        return np.asarray(np.clip(np.rint(value / scale) + zero, limits.min, limits.max), dtype)
    return np.asarray(value, dtype)


def _dequantise(value: NDArray[Any], detail: dict[str, Any]) -> NDArray[np.float32]:
    scale, zero = detail["quantization"]
    if scale and np.issubdtype(value.dtype, np.integer):
        return np.asarray((value.astype(np.float32) - zero) * scale, np.float32)
    return np.asarray(value, np.float32)


def _describe(detail: dict[str, Any]) -> Tensor:
    scale, zero = detail["quantization"]
    return Tensor(
        name=detail["name"],
        shape=tuple(int(side) for side in detail["shape"]),
        dtype=np.dtype(detail["dtype"]).name,
        scale=float(scale),
        zero_point=int(zero),
    )


def open_model(path: Path, threads: int = 1) -> tuple[Interpreter, Card]:
    """Loads a model file and checks it against the card beside it.

    Args:
        path: The `.tflite` file.
        threads: Number of threads of the runtime.

    Raises:
        ModelError: The file or card is missing or invalid; size, hash, or the shape, dtype or quantisation of a tensor
            differs from the card; or the number of labels differs from the columns of the first output.
    """
    data, card = cards.load(path)
    interpreter = Interpreter(data, f"model {path.name}", threads)
    for kind, stated, found in (
        ("input", card.inputs, interpreter.inputs),
        ("output", card.outputs, interpreter.outputs),
    ):
        if [(t.shape, t.dtype) for t in stated] != [(t.shape, t.dtype) for t in found]:
            raise ModelError(
                f"model {path}: its card says {kind} {[(t.shape, t.dtype) for t in stated]}, "
                f"the file has {[(t.shape, t.dtype) for t in found]}"
            )
        for one, other in zip(stated, found, strict=True):
            if one.zero_point != other.zero_point or not math.isclose(one.scale, other.scale, rel_tol=_SCALE_TOLERANCE):
                raise ModelError(
                    f"model {path}: its card says that {kind} {other.name!r} has scale {one.scale:g} and zero point "
                    f"{one.zero_point}, the file has {other.scale:g} and {other.zero_point}"
                )
    columns = card.outputs[0].shape[-1] if card.outputs and card.outputs[0].shape else 0
    if card.output_kind != "other" and len(card.labels) != columns:
        raise ModelError(f"model {path}: its card names {len(card.labels)} labels for {columns} {card.output_kind}")
    return interpreter, card
