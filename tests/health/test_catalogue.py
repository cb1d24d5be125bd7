"""Every metric is defined once, in the catalogue, and used from there."""

from __future__ import annotations

import ast
import re
from collections import Counter as Tally
from pathlib import Path

import pytest

import edge
from edge.health import catalogue
from edge.health.registry import Counter, Gauge, Histogram
from edge.observation import SENSES

EDGE = Path(edge.__file__).parent
CATALOGUE = EDGE / "health" / "catalogue.py"
REGISTRY = EDGE / "health" / "registry.py"
SOURCES = [path for path in sorted(EDGE.rglob("*.py")) if path not in (CATALOGUE, REGISTRY)]

WRITERS = {"increment", "raise_to", "observe"}
"""Methods of `Registry` that no other class has; their first argument is the metric."""

CONSTANTS = {name: value for name, value in vars(catalogue).items() if isinstance(value, (Counter, Gauge, Histogram))}


@pytest.mark.parametrize("metric", catalogue.METRICS, ids=lambda metric: metric.name)
def test_every_metric_has_a_help_text(metric: Counter | Gauge | Histogram) -> None:
    assert metric.unit.strip() == metric.unit != ""
    assert re.fullmatch(r"[A-Z].{10,}\.", metric.help), f"the help of {metric.name} is not a sentence"
    pattern = r"[a-z]+( [a-z]+)?" if isinstance(metric, Histogram) else r"[a-z_]+\.[a-z_]+"
    assert re.fullmatch(pattern, metric.name)
    if isinstance(metric, Counter):
        assert metric.kind in ("rate", "loss", "overrun")


def test_names_are_unique_and_complete() -> None:
    names = Tally(metric.name for metric in catalogue.METRICS)
    assert [name for name, times in names.items() if times > 1] == []
    assert set(catalogue.METRICS) == set(CONSTANTS.values())
    assert len(Tally(metric.help for metric in catalogue.METRICS)) == len(catalogue.METRICS)


def test_the_counters_of_senses_are_complete() -> None:
    for sense in SENSES:
        assert catalogue.OBSERVATIONS[sense].name == f"{sense}.observations"
        assert catalogue.ITEMS_FAILED[sense].name == f"{sense}.items_failed"


def faults(path: Path, text: str) -> list[str]:
    """Where a file names a metric by a string or defines one of its own."""
    names = {metric.name for metric in catalogue.METRICS if not isinstance(metric, Histogram)}
    found = []
    for node in ast.walk(ast.parse(text)):
        where = f"{path.name}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Constant) and node.value in names:
            found.append(f"{where} writes the name {node.value!r}")
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        timed = called == "time" and node.args
        if (called in WRITERS or timed) and isinstance(node.args[0], (ast.Constant, ast.JoinedStr, ast.BinOp)):
            found.append(f"{where} passes a string to {called}")
        if called in ("Counter", "Gauge", "Histogram") and len(node.args) > 1:
            found.append(f"{where} defines a metric")
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(EDGE)))
def test_code_uses_the_constants(path: Path) -> None:
    assert faults(path, path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        'registry.increment("camera.frames")',
        'self._registry.raise_to(f"{name}.faults", 3)',
        'with self._registry.time("fuse"): pass',
        'counter = Counter("my.own", "things", "Things of mine.", "rate")',
        'NAMES = ("mqtt.dropped",)',
    ],
)
def test_a_name_written_elsewhere_is_found(line: str) -> None:
    assert faults(Path("x.py"), line)


def test_no_metric_is_defined_without_being_used() -> None:
    used = set(re.findall(r"\b[A-Z][A-Z_]+\b", "".join(path.read_text("utf-8") for path in SOURCES)))
    grouped = {
        *catalogue.OBSERVATIONS.values(),
        *catalogue.ITEMS_FAILED.values(),
        *(
            counter
            for source in vars(catalogue).values()
            if isinstance(source, catalogue.SourceCounters)
            for counter in (source.faults, source.items_failed)
        ),
    }
    assert [name for name, metric in CONSTANTS.items() if name not in used and metric not in grouped] == []
