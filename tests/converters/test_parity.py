"""Parity: the figures are those of the difference that was put in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="no tensorflow here (pip install 'edge-emotion[convert]')")

from support.keras_models import batches, converted, model, rows

from converters.parity import compare, measure
from edge.errors import ConversionError, ModelError
from edge.inference.interpreter import Interpreter

KIND = "two"


def shifted(change: Callable[[int, Any], Any]) -> object:
    """A reference that is the candidate itself, its outputs changed by `change(row number, outputs)`."""
    interpreter = Interpreter(converted(KIND, "float32"))
    calls = iter(range(10**6))
    return lambda *values: change(next(calls), interpreter.run(*values))


def test_a_model_equals_itself() -> None:
    data = converted(KIND, "float32")
    parity = measure(data, data, rows(KIND))
    assert (parity.n, parity.max_error, parity.mean_error, parity.agreement) == (60, 0.0, 0.0, 1.0)
    assert parity.divergence == 0.0
    assert parity.scale > 0


def test_errors_are_those_of_all_outputs() -> None:
    # Seven values a row in two outputs; one of them is off by 0.7.
    reference = shifted(lambda _, outputs: (outputs[0] + np.array([[0.7, 0.0]], "f"), outputs[1]))
    parity = measure(reference, converted(KIND, "float32"), rows(KIND))
    assert parity.max_error == pytest.approx(0.7, rel=1e-5)
    assert parity.mean_error == pytest.approx(0.1, rel=1e-5)


def test_agreement_is_of_decisions_and_divergence_of_their_softmax() -> None:
    def every_third_turned_round(row: int, outputs: Any) -> Any:
        return (outputs[0][:, ::-1] if row % 3 == 0 else outputs[0], outputs[1])

    parity = measure(shifted(every_third_turned_round), converted(KIND, "float32"), rows(KIND))
    assert parity.agreement == pytest.approx(2 / 3)
    assert parity.divergence > 0.01
    same = measure(shifted(lambda _, outputs: (outputs[0] + 5, outputs[1])), converted(KIND, "float32"), rows(KIND))
    assert same.agreement == 1.0
    assert same.max_error == pytest.approx(5.0)
    assert same.divergence == pytest.approx(0, abs=1e-9)


def fixed_outputs(*outputs: list[float]) -> Any:
    """A reference with one output for each call in turn, beside the candidate's second output."""
    interpreter = Interpreter(converted(KIND, "float32"))
    calls = iter(outputs)
    return lambda *values: (np.array([next(calls)], np.float32), interpreter.run(*values)[1])


def test_divergence_is_of_the_candidate_from_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    """Golden numbers of an asymmetric pair: logits (2, 0) and (0, 0) differ by 0.3278 nats, the other way by 0.4338."""
    outputs = {"peaked": [np.array([[2.0, 0.0]], "f")], "flat": [np.array([[0.0, 0.0]], "f")]}
    row = (np.zeros((1, 1), "f"),)
    for reference, candidate, nats in (("peaked", "flat", 0.32781333), ("flat", "peaked", 0.43378083)):
        fake = type("Fake", (), {"run": lambda self, *_, out=candidate: outputs[out]})
        monkeypatch.setattr("converters.parity.Interpreter", lambda *_, made=fake: made())
        parity = compare([outputs[reference]], b"", [row])
        assert parity.divergence == pytest.approx(nats, abs=1e-7)
        assert (parity.max_error, parity.mean_error) == (2.0, 1.0)
        assert parity.scale == pytest.approx(np.sqrt(2.0) if reference == "peaked" else 0.0)
        assert parity.agreement == 1.0


def test_decisions_are_taken_along_the_last_axis_and_all_of_a_row_must_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row holds two decisions (as of a detector with two anchors) over three classes."""
    expected = [np.array([[[1, 0, 0], [0, 1, 0]]], "f"), np.array([[[0, 0, 1], [1, 0, 0]]], "f")]
    found = [np.array([[[2, 0, 1], [0, 3, 1]]], "f"), np.array([[[0, 0, 1], [0, 1, 0]]], "f")]
    given = iter(found)
    monkeypatch.setattr(
        "converters.parity.Interpreter", lambda *_: type("Fake", (), {"run": lambda self, *_: [next(given)]})()
    )
    parity = compare([[one] for one in expected], b"", [(np.zeros(1),)] * 2)
    assert (parity.n, parity.agreement, parity.decisions) == (2, 0.5, 2)


def test_a_reference_that_always_decides_alike_is_noticed() -> None:
    data = converted(KIND, "float32")
    stuck = fixed_outputs(*([[3.0, 0.0]] * 60))
    assert measure(stuck, data, rows(KIND)).decisions == 1
    turning = fixed_outputs(*([[3.0, 0.0]] * 59), [0.0, 3.0])
    assert measure(turning, data, rows(KIND)).decisions == 2


def test_keras_and_rows_with_a_batch_of_one() -> None:
    with_batch = measure(model(KIND), converted(KIND, "int8"), batches(KIND))
    assert with_batch == measure(model(KIND), converted(KIND, "int8"), rows(KIND))
    assert 0 < with_batch.mean_error < with_batch.max_error < with_batch.scale


def test_every_row_is_compared_where_keras_runs_them_in_batches() -> None:
    """130 rows are two full batches and a rest."""
    parity = measure(model(KIND), converted(KIND, "float32"), rows(KIND, 130))
    assert parity.n == 130
    assert parity.max_error < 1e-4 * parity.scale


def test_incomparable_models_are_refused() -> None:
    data = converted(KIND, "float32")
    with pytest.raises(ConversionError, match="at least one input row"):
        measure(data, data, [])
    with pytest.raises(ConversionError, match="a row of 1 arrays for a model of 2 inputs"):
        measure(data, data, [rows(KIND)[0][:1]])
    with pytest.raises(ConversionError, match=r"shape \(4,\), the model takes \(3,\)"):
        measure(data, data, [rows(KIND)[0][::-1]])
    with pytest.raises(ConversionError, match=r"the reference returns \[\(1, 2\)\]"):
        measure(shifted(lambda _, outputs: outputs[:1]), data, rows(KIND))
    with pytest.raises(ModelError, match="the converted model is not a model"):
        measure(data, b"rubbish", rows(KIND))
