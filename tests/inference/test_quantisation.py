"""Golden vectors of quantisation: rounding at .5, saturation, and zero points at the limits of the type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edge.errors import ModelError
from edge.inference.interpreter import Interpreter


class Runtime:
    """A model of the identity: the runtime's interface, with the quantisation that the test asks for."""

    def __init__(self, dtype: str, scale: float, zero_point: int, width: int) -> None:
        self.detail = {
            "name": "x",
            "index": 0,
            "shape": np.array([1, width]),
            "dtype": np.dtype(dtype).type,
            "quantization": (scale, zero_point),
        }
        self.given = np.zeros(0)

    def allocate_tensors(self) -> None: ...

    def invoke(self) -> None: ...

    def get_input_details(self) -> list[dict[str, Any]]:
        return [self.detail]

    get_output_details = get_input_details

    def set_tensor(self, index: int, value: np.ndarray) -> None:
        assert value.dtype == self.detail["dtype"]
        self.given = value

    def get_tensor(self, index: int) -> np.ndarray:
        return self.given


Make = Callable[..., tuple[Interpreter, Runtime]]


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> Make:
    def make(dtype: str, scale: float, zero_point: int, width: int) -> tuple[Interpreter, Runtime]:
        runtime = Runtime(dtype, scale, zero_point, width)
        module = type("module", (), {"Interpreter": staticmethod(lambda **_: runtime), "__name__": "fake"})
        monkeypatch.setattr("edge.inference.interpreter.runtime_module", lambda: module)
        return Interpreter(b"anything"), runtime

    return make


GOLDEN = [
    # dtype, scale, zero point, real values, quantised, real again
    # Halves go to the even neighbour, before the zero point is added: 0.5 → 0, 1.5 → 2, 2.5 → 2.
    ("int8", 0.5, 3, [0.25, 0.75, 1.25, -0.25, -0.75], [3, 5, 5, 3, 1], [0.0, 1.0, 1.0, 0.0, -1.0]),
    ("int8", 0.5, 0, [63.5, 63.74, 64.0, 1e30, -64.0, -64.5, -1e30], [127, 127, 127, 127, -128, -128, -128],
     [63.5, 63.5, 63.5, 63.5, -64.0, -64.0, -64.0]),
    ("int8", 0.25, -128, [0.0, -0.25, 63.75, 64.0], [-128, -128, 127, 127], [0.0, 0.0, 63.75, 63.75]),
    ("int8", 0.25, 127, [0.0, 0.25, -63.75, -64.0], [127, 127, -128, -128], [0.0, 0.0, -63.75, -63.75]),
    ("uint8", 0.5, 128, [-64.0, -64.5, 63.5, 64.0, 0.5], [0, 0, 255, 255, 129], [-64.0, -64.0, 63.5, 63.5, 0.5]),
    ("int16", 0.001953125, 0, [1.0, 63.99804688, 64.0], [512, 32767, 32767], [1.0, 63.99804688, 63.99804688]),
    # Without a scale integers are left as they are: token ids.
    ("int32", 0.0, 0, [0, 7, 3999], [0, 7, 3999], [0.0, 7.0, 3999.0]),
    ("float32", 0.0, 0, [0.1, -2.5], [0.1, -2.5], [0.1, -2.5]),
]  # fmt: skip


@pytest.mark.parametrize(("dtype", "scale", "zero_point", "real", "quantised", "again"), GOLDEN)
def test_golden_vector(  # noqa: PLR0917
    identity: Make, dtype: str, scale: float, zero_point: int, real: Any, quantised: Any, again: Any
) -> None:
    interpreter, runtime = identity(dtype, scale, zero_point, len(real))
    (result,) = interpreter.run(np.array([real]))
    np.testing.assert_array_equal(runtime.given, np.array([quantised], dtype))
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, [again], rtol=1e-6)
    # A second run does not depend on the first.
    np.testing.assert_array_equal(interpreter.run(np.array([real]))[0], result)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_non_finite_values_are_never_quantised(identity: Make, value: float) -> None:
    interpreter, _ = identity("int8", 0.5, 0, 2)
    with pytest.raises(ModelError, match="model was given a value that is not finite"):
        interpreter.run(np.array([[0.0, value]]))
