"""Every form of every kind of model against its source, and the errors of impossible conversions."""

from __future__ import annotations

import importlib
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="no tensorflow here (pip install 'edge-emotion[convert]')")

import keras
from support.keras_models import convert_here, converted, model, rows

from converters import _worker, job, process
from converters.job import Import
from converters.parity import measure
from converters.tflite import convert, convert_with_proof
from edge.errors import ConversionError, MissingExtraError
from edge.inference.interpreter import Interpreter


@pytest.mark.parametrize("kind", ["residual", "text", "lstm", "two"])
@pytest.mark.parametrize(("form", "error"), [("float32", 1e-4), ("float16", 0.005), ("dynamic", 0.05), ("int8", 0.1)])
def test_every_form_stays_close_to_keras(kind: str, form: str, error: float) -> None:
    parity = measure(model(kind), converted(kind, form), rows(kind))
    assert parity.n == 60
    # An untrained model's decisions are close calls: the LSTM's seven outputs differ by little.
    assert parity.agreement >= (1.0 if form == "float32" else 0.8)
    assert parity.mean_error <= error * parity.scale


@pytest.mark.parametrize("form", ["dynamic", "int8"])
def test_embedding_tables_become_int8(form: str) -> None:
    whole, small = len(converted("text", "float32")), len(converted("text", form))
    assert small < 0.3 * whole
    interpreter = Interpreter(converted("text", form))
    assert [(t.name, t.shape, t.dtype) for t in interpreter.inputs] == [("ids", (1, 24), "int32")]


def test_float16_halves_the_weights() -> None:
    assert len(converted("text", "float16")) < 0.55 * len(converted("text", "float32"))


def test_int8_has_int8_input_and_output_unless_asked_otherwise() -> None:
    integer = Interpreter(converted("residual", "int8"))
    assert integer.inputs[0].dtype == integer.outputs[0].dtype == "int8"
    assert integer.inputs[0].scale > 0
    real = Interpreter(converted("residual", "int8", '{"integer_io": false}'))
    assert real.inputs[0].dtype == real.outputs[0].dtype == "float32"


@pytest.mark.parametrize("form", ["float32", "int8"])
def test_inputs_and_outputs_keep_the_order_of_the_model(form: str) -> None:
    interpreter = Interpreter(converted("two", form))
    assert [(t.name, t.shape) for t in interpreter.inputs] == [("zulu", (1, 3)), ("alpha", (1, 4))]
    assert [t.shape for t in interpreter.outputs] == [(1, 2), (1, 5)]


def test_conversion_in_its_own_process_gives_the_same_file_and_reports_its_steps() -> None:
    steps: list[str] = []
    result = convert_with_proof(model("residual"), "int8", rows("residual"), rows=10, progress=steps.append)
    assert result.data == converted("residual", "int8")
    assert len(result.inputs) == len(result.expected) == 10
    assert steps[0] == "loading TensorFlow"
    assert "calibrating on row 60 of 60" in steps
    here = keras.ops.convert_to_numpy(model("residual")(result.inputs[0][0], training=False))
    np.testing.assert_allclose(result.expected[0][0], here, rtol=1e-4, atol=1e-5)


def test_an_lstm_that_crashes_the_converter_is_an_error_and_not_the_end() -> None:
    with pytest.raises(ConversionError, match=r"^model rolled to int8: "):
        convert(model("rolled"), "int8", rows("rolled"))


def test_a_crash_is_reported_with_its_signal_and_its_last_output(tmp_path: Path) -> None:
    (tmp_path / "crashing.py").write_text(
        "import os, signal, sys\n"
        "print('W0000 noise', 'loc: shape inference failed', 'WARNING: noise', '', sep='\\n', file=sys.stderr)\n"
        "sys.stderr.flush()\n"
        "os.kill(os.getpid(), signal.SIGSEGV)\n"
    )
    with pytest.raises(ConversionError, match=r"crashed \(SIGSEGV; .*unroll=True.*\): loc: shape inference failed$"):
        convert(model("two"), "float32", imports=["crashing"], import_paths=[tmp_path])


def test_a_layer_from_a_file_is_explicit_and_nothing_else_of_the_folder_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user's folder is the working directory and on PYTHONPATH, and holds modules with names of ours and others."""
    path = tmp_path / "custom.keras"
    with monkeypatch.context() as patch:
        model_with_custom_layer(tmp_path, patch, "doubling_from_a_file", register=True).save(path)
    for name in ("nt", "json", "keras", "msgspec", "converters", "edge", "models", "sitecustomize"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(
            f"import pathlib; pathlib.Path({str(tmp_path / (name + '.ran'))!r}).touch()\n"
        )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert convert(path, "float32", imports=["./doubling_from_a_file.py"])
    assert not list(tmp_path.glob("*.ran"))


def test_hdf5_is_converted_under_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "run", lambda folder, *_: _worker.work(job.read(folder), folder))
    model("two").save(tmp_path / "two.h5")
    (tmp_path / "two.h5").rename(tmp_path / "two.hdf5")
    assert [t.shape for t in Interpreter(convert(tmp_path / "two.hdf5", "float32")).outputs] == [(1, 2), (1, 5)]


def test_a_registered_layer_of_a_model_in_memory_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = model_with_custom_layer(tmp_path, monkeypatch, "doubling_registered", register=True)
    assert Interpreter(convert(source, "float32")).inputs[0].shape == (1, 8)


def test_custom_objects_registered_by_others_do_not_affect_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model_with_custom_layer(tmp_path, monkeypatch, "doubling_elsewhere", register=True)
    (tmp_path / "doubling_elsewhere.py").unlink()
    assert convert(model("two"), "float32")


def test_a_custom_layer_of_a_file_needs_its_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "custom.keras"
    model_with_custom_layer(tmp_path, monkeypatch, "doubling_unregistered", register=False).save(path)
    with pytest.raises(ConversionError, match=r"custom part 'Doubling'.*register_keras_serializable"):
        convert_here(path, "float32")
    with pytest.raises(ConversionError, match="cannot import 'no_such_module'"):
        convert_here(path, "float32", imports=(Import(module="no_such_module"),))


def model_with_custom_layer(
    folder: Path, monkeypatch: pytest.MonkeyPatch, module: str, *, register: bool
) -> keras.Model:
    decorator = "@keras.saving.register_keras_serializable()\n" if register else ""
    body = "class Doubling(keras.layers.Layer):\n    def call(self, x):\n        return 2 * x\n"
    (folder / f"{module}.py").write_text(f"import keras\n\n{decorator}{body}")
    monkeypatch.syspath_prepend(folder)
    layer = importlib.import_module(module).Doubling()
    inputs = keras.Input((8,))
    return keras.Model(inputs, keras.layers.Dense(3)(layer(inputs)))


def test_an_operation_that_tflite_lacks_is_named() -> None:
    inputs = keras.Input((8,))
    with pytest.raises(ConversionError, match="no such operation: Erfinv"):
        convert_here(keras.Model(inputs, keras.ops.erfinv(keras.layers.Dense(3)(inputs))), "float32")


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_lambda_in_a_file_is_not_run(tmp_path: Path, suffix: str) -> None:
    inputs = keras.Input((8,))
    path = tmp_path / f"lambda{suffix}"
    keras.Model(inputs, keras.layers.Lambda(lambda x: 2 * x)(inputs)).save(path)
    with pytest.raises(ConversionError, match="Lambda layer, which may run any code"):
        convert_here(path, "float32")
    assert convert_here(path, "float32", trusted=True)


def test_a_lambda_in_hdf5_is_refused_before_keras_sees_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some releases of Keras 3 execute the code regardless of `safe_mode`."""
    inputs = keras.Input((8,))
    path = tmp_path / "lambda.h5"
    keras.Model(inputs, keras.layers.Lambda(lambda x: 2 * x)(inputs)).save(path)
    monkeypatch.setattr(keras.saving, "load_model", lambda *_, **__: pytest.fail("the model was loaded"))
    with pytest.raises(ConversionError, match="Lambda layer, which may run any code"):
        convert_here(path, "float32")


def test_a_free_dimension_beside_the_batch_is_named() -> None:
    inputs = keras.Input((None, 8), name="series")
    with pytest.raises(ConversionError, match=r"'series' has a free dimension in \(None, None, 8\)"):
        convert_here(keras.Model(inputs, keras.layers.GlobalAveragePooling1D()(inputs)), "float32")


def test_a_model_without_symbolic_inputs_is_refused() -> None:
    class Bare(keras.Model):  # type: ignore[misc]
        def call(self, x: object) -> object:
            return x

    with pytest.raises(ConversionError, match="no symbolic inputs"):
        convert(Bare(name="bare"), "float32")


def test_int8_without_calibration_says_what_to_give() -> None:
    with pytest.raises(ConversionError, match=r"int8 needs a calibration set.*\.npz"):
        convert(model("residual"), "int8")


def test_too_little_calibration_is_refused_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("converters.process.run", lambda *_: pytest.fail("a process was started"))
    with pytest.raises(ConversionError, match=r"^calibration: too little to measure on: 1 rows, of which 1 have one"):
        convert(model("residual"), "int8", [(np.zeros((24, 24, 1), np.float32),)])
    with pytest.raises(ConversionError, match="29 rows"):
        convert(model("residual"), "int8", rows("residual")[:29])


def test_an_unknown_form_is_named() -> None:
    with pytest.raises(ConversionError, match="unknown form 'int4': one of float32, float16, dynamic, int8"):
        convert(model("residual"), "int4")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("absent.keras", None, "No such file"),
        ("empty.keras", b"", "not a Keras model"),
        ("text.keras", b"hello, world", "not a Keras model"),
        ("model.onnx", b"PK\x03\x04", "not a Keras model"),
    ],
)
def test_files_that_are_not_models_are_refused(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ConversionError, match=f"{name}: {message}"):
        convert(tmp_path / name, "float32")


def test_archives_that_are_not_models_or_truncated_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "other.keras", "w") as archive:
        archive.writestr("readme.txt", "no model here")
    with pytest.raises(ConversionError, match="not a Keras model that can be loaded"):
        convert_here(tmp_path / "other.keras", "float32")
    model("two").save(tmp_path / "whole.keras")
    (tmp_path / "cut.keras").write_bytes((tmp_path / "whole.keras").read_bytes()[:-400])
    with pytest.raises(ConversionError, match="not a Keras model that can be loaded"):
        convert_here(tmp_path / "cut.keras", "float32")


def test_without_tensorflow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model("two").save(tmp_path / "model.keras")
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'keras.*tensorflow"):
        convert(tmp_path / "model.keras", "float32")
