"""How far a converted model is from its source, on the same inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from converters.calibration import Row
from edge.errors import ConversionError
from edge.inference.interpreter import Interpreter
from edge.inference.posterior import softmax

if TYPE_CHECKING:
    import keras

Forward: TypeAlias = "Callable[..., Sequence[NDArray[Any]] | NDArray[Any]]"
"""One array per input, each with a batch of one, to the output or outputs."""


@dataclass(frozen=True, slots=True)
class Parity:
    """The differences between two models on the same inputs. Errors have the unit of the outputs."""

    n: int
    """Number of input rows."""
    max_error: float
    """Largest absolute difference of any output value."""
    mean_error: float
    """Mean absolute difference over all output values."""
    scale: float
    """Root mean square of the reference's outputs, to compare the errors with."""
    agreement: float
    """0…1: share of rows for which both models decide alike: the first output has its largest value along the last
    axis at the same index."""
    divergence: float
    """Nats: mean over the rows of D_KL(softmax(reference) ‖ softmax(candidate)) of the first output.
    Meaningful where the first output is logits."""
    decisions: int
    """Number of different decisions of the reference over all rows. With 1, `agreement` measures nothing: any model
    that is stuck on that decision agrees."""


def measure(reference: Forward | keras.Model | bytes, candidate: bytes, inputs: Sequence[Row]) -> Parity:
    """Runs two models on the same inputs and measures how far their outputs differ.

    Args:
        reference: A Keras model, the bytes of a `.tflite`, or a function.
        candidate: The bytes of a `.tflite`.
        inputs: Rows, with or without a batch of one.

    Raises:
        ConversionError: There are no inputs, or the outputs differ in number or shape.
        ModelError: A file does not run.
    """
    if not inputs:
        raise ConversionError("parity needs at least one input row")
    shapes = [tensor.shape for tensor in Interpreter(candidate, "the converted model").inputs]
    rows = [_batched(row, shapes) for row in inputs]
    return compare(_outputs(reference, rows), candidate, rows)


def compare(expected: Sequence[Sequence[NDArray[Any]]], candidate: bytes, inputs: Sequence[Row]) -> Parity:
    """Measures `candidate` on `inputs` (batch of one) against the reference's outputs `expected`, one per row."""
    interpreter = Interpreter(candidate, "the converted model")
    found = [list(interpreter.run(*row)) for row in inputs]
    _check_shapes(expected[0], found[0])

    difference = np.concatenate([np.abs(a - b).ravel() for a, b in _pairs(expected, found)])
    square = np.concatenate([np.square(output, dtype=np.float64).ravel() for row in expected for output in row])
    first = [(np.atleast_1d(a[0]), np.atleast_1d(b[0])) for a, b in zip(expected, found, strict=True)]
    return Parity(
        n=len(found),
        max_error=float(difference.max()),
        mean_error=float(difference.mean()),
        scale=float(np.sqrt(square.mean())),
        agreement=float(np.mean([np.array_equal(a.argmax(-1), b.argmax(-1)) for a, b in first])),
        divergence=float(np.mean([_divergence(a, b) for a, b in first])),
        decisions=len({a.argmax(-1).tobytes() for a, _ in first}),
    )


def _batched(row: Row, shapes: Sequence[tuple[int, ...]]) -> Row:
    if len(row) != len(shapes):
        raise ConversionError(f"a row of {len(row)} arrays for a model of {len(shapes)} inputs")
    for value, shape in zip(row, shapes, strict=True):
        if value.shape not in (shape, shape[1:]):
            raise ConversionError(f"an input row has shape {value.shape}, the model takes {shape[1:]}")
    return tuple(value.reshape(shape) for value, shape in zip(row, shapes, strict=True))


def _outputs(reference: Forward | keras.Model | bytes, rows: Sequence[Row]) -> list[list[NDArray[Any]]]:
    if isinstance(reference, bytes):
        interpreter = Interpreter(reference, "the reference model")
        return [list(interpreter.run(*row)) for row in rows]
    if hasattr(reference, "predict_on_batch"):
        return _keras_outputs(reference, rows)
    results = [reference(*row) for row in rows]
    return [[np.asarray(r)] if isinstance(r, np.ndarray) else [np.asarray(o) for o in r] for r in results]


def _keras_outputs(model: Any, rows: Sequence[Row], batch: int = 64) -> list[list[NDArray[Any]]]:
    import keras

    outputs: list[list[NDArray[Any]]] = []
    for start in range(0, len(rows), batch):
        columns = [np.concatenate(column) for column in zip(*rows[start : start + batch], strict=True)]
        nested = keras.tree.pack_sequence_as(getattr(model, "_inputs_struct", columns), columns)
        stacked = [keras.ops.convert_to_numpy(out) for out in keras.tree.flatten(model(nested, training=False))]
        outputs += [[out[index : index + 1] for out in stacked] for index in range(len(columns[0]))]
    return outputs


def _pairs(
    expected: Sequence[Sequence[NDArray[Any]]], found: Sequence[Sequence[NDArray[Any]]]
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    return [
        (np.asarray(a, np.float64), np.asarray(b, np.float64))
        for row, other in zip(expected, found, strict=True)
        for a, b in zip(row, other, strict=True)
    ]


def _check_shapes(expected: Sequence[NDArray[Any]], found: Sequence[NDArray[Any]]) -> None:
    shapes, others = [out.shape for out in expected], [out.shape for out in found]
    if shapes != others:
        raise ConversionError(f"the reference returns {shapes}, the converted model {others}")


def _divergence(reference: NDArray[Any], candidate: NDArray[Any]) -> float:
    p, q = softmax(reference), softmax(candidate)
    tiny = np.finfo(np.float64).tiny
    return max(0.0, float(np.mean(np.sum(p * (np.log(p + tiny) - np.log(q + tiny)), axis=-1))))
