"""One interpreter over LiteRT (`ai-edge-litert`) or its predecessor `tflite-runtime`."""

from __future__ import annotations

import importlib
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
"""In order of preference; the environment variable `EDGE_EMOTION_RUNTIME` names one alone."""

_CHATTER: Final = re.compile(rb"Created TensorFlow Lite XNNPACK delegate")


def runtime_module() -> Any:
    """The `interpreter` module of the first runtime that is installed. Raises `MissingExtraError`."""
    chosen = os.environ.get("EDGE_EMOTION_RUNTIME")
    for name in (chosen,) if chosen else RUNTIMES:
        try:
            return importlib.import_module(f"{name}.interpreter")
        except ImportError:
            continue
    raise MissingExtraError(f"inference (looked for {chosen or ' and '.join(RUNTIMES)})", "tflite-runtime")


class Interpreter:
    """A loaded model. Real values in, real values out; quantisation happens here. Not thread-safe."""

    def __init__(self, data: bytes, name: str = "model", threads: int = 1) -> None:
        """`data`: the bytes of a `.tflite` file. Raises `ModelError` where they are none."""
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
        return tuple(_describe(detail) for detail in self._inputs)

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        return tuple(_describe(detail) for detail in self._outputs)

    def run(self, *values: NDArray[Any]) -> tuple[NDArray[np.float32], ...]:
        """One inference. `values`: real numbers, one array per input, of the input's shape.

        Returns one float32 array per output. Raises `ModelError` on a wrong number or shape of inputs, an input
        that the model cannot take (a token id beyond its table), or an output that is not finite.
        """
        if len(values) != len(self._inputs):
            raise ModelError(f"{self.name} takes {len(self._inputs)} inputs, not {len(values)}")
        for detail, value in zip(self._inputs, values, strict=True):
            shape = tuple(detail["shape"].tolist())
            if tuple(value.shape) != shape:
                raise ModelError(f"{self.name} takes {shape}, not {tuple(value.shape)}")
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
    """The runtime's own words, or what to do where it is older than the file."""
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
    """A model file whose card vouches for it: hash, shapes and dtypes. Raises `ModelError`."""
    data, card = cards.load(path)
    interpreter = Interpreter(data, f"model {path.name}", threads)
    for kind, said, found in (
        ("input", card.inputs, interpreter.inputs),
        ("output", card.outputs, interpreter.outputs),
    ):
        if [(t.shape, t.dtype) for t in said] != [(t.shape, t.dtype) for t in found]:
            raise ModelError(
                f"model {path}: its card says {kind} {[(t.shape, t.dtype) for t in said]}, "
                f"the file has {[(t.shape, t.dtype) for t in found]}"
            )
    return interpreter, card
