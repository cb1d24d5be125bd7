"""Adds a second output to a finished `.tflite`: the vector before its last dense layer.

Only the list of the graph's outputs changes. All operations and weights stay the same, and so does every bit of the
first output. Converting the source model again with two outputs would calibrate its ranges anew.
"""

from __future__ import annotations

from typing import Any

from converters.restore import IDENTIFIER
from converters.sharing import share_zero_points
from edge.errors import ConversionError, MissingExtraError


def with_embedding(data: bytes) -> bytes:
    """Returns the file with the input of its last dense layer, (1, k), as second output.

    A file that has it already is returned unchanged.

    Raises:
        ConversionError: The bytes are no such file, it has more outputs than one and they are others, or its output
            does not come from a dense layer over a vector.
        MissingExtraError: The library that reads the format is not installed.
    """
    try:
        import flatbuffers
        from ai_edge_litert import schema_py_generated as schema
    except ImportError as error:
        raise MissingExtraError("adding an output to a model", "convert") from error
    if data[4:8] != IDENTIFIER:
        raise ConversionError("not a .tflite file: no output can be added")
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    graph = model.subgraphs[0]
    dense = _dense_before(model, graph, int(graph.outputs[0]), schema.BuiltinOperator.FULLY_CONNECTED)
    embedding = int(dense.inputs[0])
    shape = [int(side) for side in graph.tensors[embedding].shape]
    if len(shape) != 2:
        raise ConversionError(f"the last dense layer takes {shape}, not one vector: no embedding can be added")
    outputs = [int(output) for output in graph.outputs]
    if outputs[1:] == [embedding]:
        return data
    if len(outputs) > 1:
        raise ConversionError(f"the file has {len(outputs)} outputs already: give the model its embedding in training")
    graph.outputs = [*outputs, embedding]
    for signature in model.signatureDefs or []:
        entry = schema.TensorMapT()
        entry.name, entry.tensorIndex = b"embedding", embedding
        signature.outputs = [*signature.outputs, entry]
    builder = flatbuffers.Builder(len(data))
    builder.Finish(model.Pack(builder), IDENTIFIER)
    return share_zero_points(bytes(builder.Output()))


def _dense_before(model: Any, graph: Any, output: int, dense: int) -> Any:
    """The dense layer whose result is a tensor. Raises `ConversionError`."""
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        kind = max(code.builtinCode, code.deprecatedBuiltinCode)
        if output in [int(tensor) for tensor in operator.outputs] and kind == dense:
            return operator
    raise ConversionError("the first output does not come from a dense layer: no embedding can be added")
