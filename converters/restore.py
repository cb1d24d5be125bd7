"""Restores a float Keras model from an int8 `.tflite`, so that training can continue from a file that ships.

Quantising rounds each weight to one of 255 steps of its output channel (Jacob et al., Quantization and Training of
Neural Networks for Efficient Integer-Arithmetic-Only Inference, CVPR 2018) and folds batch normalisation into the
convolution before it. Here the steps are read as real numbers, and batch normalisation is set so
that both together compute the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge.errors import ConversionError, MissingExtraError

IDENTIFIER: Final = b"TFL3"
"""Bytes 4 to 7 of every `.tflite` file."""
_AXES: Final = {"CONV_2D": (1, 2, 3, 0), "DEPTHWISE_CONV_2D": (1, 2, 3, 0), "FULLY_CONNECTED": (1, 0)}
"""The transposition from the axes of a `.tflite` kernel to those of a Keras kernel."""
_KINDS: Final = {"Conv2D": "CONV_2D", "DepthwiseConv2D": "DEPTHWISE_CONV_2D", "Dense": "FULLY_CONNECTED"}


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """An operation with weights as real numbers. `kernel` has Keras's order of axes; `bias` has shape (outputs,)."""

    kind: str
    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]


def operations(data: bytes) -> list[Operation]:
    """Convolutions and dense layers of a `.tflite` file, in the order in which they run.

    Raises `ConversionError` where the bytes are no such file, and `MissingExtraError`.
    """
    try:
        from ai_edge_litert import schema_py_generated as schema
    except ImportError as error:
        raise MissingExtraError("reading a model's weights", "convert") from error
    if data[4:8] != IDENTIFIER:
        raise ConversionError("not a .tflite file: its weights cannot be read")
    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    graph = model.subgraphs[0]
    types = {value: name for name, value in vars(schema.TensorType).items() if not name.startswith("_")}

    def constant(index: int) -> NDArray[np.float32]:
        tensor = graph.tensors[index]
        raw = model.buffers[tensor.buffer].data
        if raw is None:
            raise ConversionError("a kernel is computed, not kept: such a model cannot be restored")
        values = np.frombuffer(bytes(raw), types[tensor.type].lower()).reshape(tensor.shape).astype(np.float32)
        quantisation = tensor.quantization
        if quantisation is None or quantisation.scale is None:
            return np.asarray(values, np.float32)
        shape = [1] * values.ndim
        if len(quantisation.scale) > 1:
            shape[quantisation.quantizedDimension] = -1
        zero, scale = (np.asarray(part, np.float32) for part in (quantisation.zeroPoint, quantisation.scale))
        return np.asarray((values - zero.reshape(shape)) * scale.reshape(shape), np.float32)

    found = []
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        kind = names[max(code.builtinCode, code.deprecatedBuiltinCode)]
        if kind in _AXES:
            stored = constant(operator.inputs[1])
            outputs = stored.shape[-1 if kind == "DEPTHWISE_CONV_2D" else 0]
            biased = len(operator.inputs) > 2 and operator.inputs[2] >= 0
            bias = constant(operator.inputs[2]) if biased else np.zeros(outputs, np.float32)
            found.append(Operation(kind, stored.transpose(_AXES[kind]), bias))
    return found


def restore(model: Any, data: bytes, images: NDArray[np.float32]) -> None:
    """Gives the Keras `model` the weights of `data`, a `.tflite` of the same architecture; its input may be larger.

    Where `model` normalises, the statistics are measured on `images` (n, …) of its input, so that it computes what
    the file does and training goes on from what it will see. Raises `ConversionError` where the two don't fit.
    """
    left = operations(data)
    for layer in weighted(model):
        shape = tuple(layer.kernel.shape)
        kind = _KINDS[type(layer).__name__]
        match = next((one for one in left if one.kind == kind and one.kernel.shape == shape), None)
        if match is None:
            raise ConversionError(f"the file has no {kind} of {shape} for the layer {layer.name}: another architecture")
        left.remove(match)
        give(model, layer, match.kernel, match.bias, images)
    if left:
        raise ConversionError(f"the file has {len(left)} more operations with weights than {model.name}")


def give(
    model: Any, layer: Any, kernel: NDArray[np.float32], offset: NDArray[np.float32], images: NDArray[np.float32]
) -> None:
    """Lets `layer` of `model` compute `kernel` and `offset`, together with the batch normalisation behind it, if any.

    Its statistics are measured on `images`, so that training goes on from what it will see. Whatever lies before the
    layer must have its weights already.
    """
    import keras

    normal = normal_behind(layer)
    if normal is None:
        layer.set_weights([kernel, offset] if layer.use_bias else [kernel])
        return
    layer.set_weights([kernel])
    responses = keras.Model(model.input, layer.output).predict(images, batch_size=64, verbose=0)
    mean, variance = responses.mean((0, 1, 2)), responses.var((0, 1, 2))
    normal.set_weights([np.sqrt(variance + normal.epsilon), offset + mean, mean, variance])


def weighted(model: Any) -> Iterator[Any]:
    """The layers with kernels, inputs first."""
    return (layer for layer in model.layers if type(layer).__name__ in _KINDS)


def normal_behind(layer: Any) -> Any | None:
    """The batch normalisation right behind a layer."""
    followers = [node.operation for node in layer._outbound_nodes]
    return next((one for one in followers if type(one).__name__ == "BatchNormalization"), None)
