"""Real values in, real values out, over either runtime."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="no tensorflow here (pip install 'edge-emotion[convert]')")

from support.keras_models import batches, converted, rows
from support.older_runtime import older_runtime

from edge.errors import MissingExtraError, ModelError
from edge.inference.interpreter import Interpreter, runtime_module

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "models").glob("*/*.tflite"))


def test_values_beyond_the_quantised_range_are_clipped_and_not_wrapped() -> None:
    interpreter = Interpreter(converted("residual", "int8"))
    big, bigger = (interpreter.run(np.full((1, 24, 24, 1), value, np.float32))[0] for value in (1e3, 1e6))
    np.testing.assert_array_equal(big, bigger)
    assert big.dtype == np.float32


def test_a_wrong_shape_or_number_of_inputs_is_named() -> None:
    interpreter = Interpreter(converted("two", "float32"), "model two")
    with pytest.raises(ModelError, match=r"model two takes \(1, 3\), not \(1, 4\)"):
        interpreter.run(np.zeros((1, 4), np.float32), np.zeros((1, 3), np.float32))
    with pytest.raises(ModelError, match="model two takes 2 inputs, not 1"):
        interpreter.run(np.zeros((1, 3), np.float32))


def test_an_id_beyond_the_table_is_an_error_and_the_next_input_is_fine() -> None:
    interpreter = Interpreter(converted("text", "int8"), "model text")
    good = rows("text")[0][0][None]
    before = interpreter.run(good)[0]
    with pytest.raises(ModelError, match="model text cannot run on this input: gather index out of bounds"):
        interpreter.run(np.full((1, 24), 4000, np.int32))
    np.testing.assert_array_equal(interpreter.run(good)[0], before)


def test_a_result_that_is_not_finite_is_an_error() -> None:
    with pytest.raises(ModelError, match="not finite"):
        Interpreter(converted("two", "float32")).run(np.full((1, 3), np.nan, "f"), np.zeros((1, 4), "f"))


@pytest.mark.parametrize("data", [b"", b"TFL3", bytes(range(256)) * 40])
def test_bytes_that_are_not_a_model_are_refused(data: bytes) -> None:
    with pytest.raises(ModelError, match="model x is "):
        Interpreter(data, "model x")


def test_a_truncated_model_is_refused() -> None:
    with pytest.raises(ModelError, match="is not a model"):
        Interpreter(converted("text", "int8")[:-500])


def test_without_a_runtime_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_EMOTION_RUNTIME", "no_such_runtime")
    with pytest.raises(ModelError, match="EDGE_EMOTION_RUNTIME is 'no_such_runtime': one of ai_edge_litert, tflite_"):
        runtime_module()
    for name in ("ai_edge_litert", "tflite_runtime"):
        monkeypatch.setitem(sys.modules, f"{name}.interpreter", None)
    monkeypatch.setenv("EDGE_EMOTION_RUNTIME", "tflite_runtime")
    with pytest.raises(MissingExtraError, match=r"looked for tflite_runtime\)"):
        runtime_module()
    monkeypatch.delenv("EDGE_EMOTION_RUNTIME")
    with pytest.raises(MissingExtraError, match=r"pip install 'ai-edge-litert>="):
        runtime_module()


SCRIPT = """
import sys
from pathlib import Path
import numpy as np
from edge.errors import ModelError
from edge.inference.interpreter import Interpreter, runtime_module
assert runtime_module().__name__ == "tflite_runtime.interpreter"
folder = Path(sys.argv[1])
for path in sorted(folder.glob("*.tflite")):
    with np.load(path.with_suffix(".npz")) as arrays:
        rows = [[arrays[f"arr_{index}"][n] for index in range(len(arrays.files))] for n in range(len(arrays["arr_0"]))]
    try:
        interpreter = Interpreter(path.read_bytes(), path.name)
        np.save(path.with_suffix(".out.npy"), np.concatenate([interpreter.run(*row)[0] for row in rows]))
    except ModelError as error:
        path.with_suffix(".error").write_text(str(error))
"""


@pytest.fixture(scope="module")
def both_runtimes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models and inputs with tflite-runtime's result for each: `<model>.out.npy` or `<model>.error`."""
    python = older_runtime(ROOT / ".cache" / "tflite-runtime-venv")
    folder = tmp_path_factory.mktemp("runtimes")

    def place(name: str, data: bytes, inputs: list[tuple[np.ndarray, ...]]) -> None:
        (folder / f"{name}.tflite").write_bytes(data)
        np.savez(folder / f"{name}.npz", *(np.stack(column) for column in zip(*inputs, strict=True)))

    for kind in ("residual", "text", "lstm"):
        inputs = batches(kind)
        for form, options in (("float32", {}), ("int8", {}), ("dynamic", {}), ("dynamic", {"per_channel_dense": True})):
            name = f"{kind}-{form}{'-finer' if options else ''}"
            place(name, converted(kind, form, json.dumps(options)), inputs)
    for path in SHIPPED:
        place(f"shipped-{path.stem}", path.read_bytes(), shipped_inputs(path))
    subprocess.run(
        [python, "-c", SCRIPT, folder],
        check=True,
        env=os.environ | {"EDGE_EMOTION_RUNTIME": "tflite_runtime", "PYTHONPATH": str(ROOT)},
        timeout=200,
    )
    return folder


def shipped_inputs(path: Path) -> list[tuple[np.ndarray, ...]]:
    """Inputs over the range that a shipped model's tensors can hold."""
    generator = np.random.default_rng(5)

    def one(shape: tuple[int, ...], dtype: str, scale: float, zero: int) -> np.ndarray:
        if dtype.startswith("float"):
            return generator.uniform(-1, 1, shape).astype(np.float32)
        if scale:
            return ((generator.integers(-128, 128, shape) - zero) * scale).astype(np.float32)
        return generator.integers(0, 100, shape).astype(np.int32)

    tensors = Interpreter(path.read_bytes()).inputs
    return [tuple(one(t.shape, t.dtype, t.scale, t.zero_point) for t in tensors) for _ in range(8)]


def results(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray, float]:
    """Outputs of this runtime and the older one, and the output's quantisation step (0 for a float output)."""
    interpreter = Interpreter((folder / f"{name}.tflite").read_bytes())
    with np.load(folder / f"{name}.npz") as arrays:
        columns = [arrays[f"arr_{index}"] for index in range(len(arrays.files))]
    here = np.concatenate([interpreter.run(*row)[0] for row in zip(*columns, strict=True)])
    failure = folder / f"{name}.error"
    assert not failure.exists(), failure.read_text()
    return here, np.load(folder / f"{name}.out.npy"), interpreter.outputs[0].scale


@pytest.mark.parametrize("kind", ["residual", "text", "lstm"])
def test_int8_runs_alike_on_tflite_runtime(both_runtimes: Path, kind: str) -> None:
    here, there, quantum = results(both_runtimes, f"{kind}-int8")
    assert np.abs(here - there).max() <= 3.01 * quantum
    assert np.abs(here - there).mean() <= 0.5 * quantum


@pytest.mark.parametrize("kind", ["residual", "text", "lstm"])
@pytest.mark.parametrize(("form", "tolerance"), [("float32", 1e-4), ("dynamic", 0.03)])
def test_real_outputs_are_alike_on_tflite_runtime(both_runtimes: Path, kind: str, form: str, tolerance: float) -> None:
    here, there, _ = results(both_runtimes, f"{kind}-{form}")
    assert np.abs(here - there).max() <= tolerance * np.abs(here).max()


def test_models_that_tflite_runtime_cannot_run_are_reported_with_a_remedy(both_runtimes: Path) -> None:
    message = (both_runtimes / "text-dynamic-finer.error").read_text()
    assert "FULLY_CONNECTED in version 12, newer than this runtime" in message
    assert "ai-edge-litert" in message
    assert len(message.splitlines()) == 1


LITERT_ONLY = "voice_large"
"""The shipped model whose weights have a scale for each channel, which `tflite-runtime` cannot run."""


def test_the_large_voice_model_says_that_it_needs_litert(both_runtimes: Path) -> None:
    assert "ai-edge-litert" in (both_runtimes / f"shipped-{LITERT_ONLY}.error").read_text()


@pytest.mark.parametrize("path", [file for file in SHIPPED if file.stem != LITERT_ONLY], ids=lambda path: path.stem)
def test_shipped_models_run_alike_on_tflite_runtime(both_runtimes: Path, path: Path) -> None:
    here, there, quantum = results(both_runtimes, f"shipped-{path.stem}")
    assert np.abs(here - there).max() <= max(4 * quantum, 0.03 * np.abs(here).max())


def test_python_here_has_the_default_runtime() -> None:
    assert runtime_module().__name__ == "ai_edge_litert.interpreter", sys.version
