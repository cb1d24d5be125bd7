"""`edge-emotion convert` converts a Keras model to TFLite, and compares the result with its source."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.errors import ConversionError

if TYPE_CHECKING:
    from converters.report import Report
    from edge.commands import Commands

PROOF_ROWS = 200
"""Largest number of inputs on which both models are compared."""


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "convert",
        help="turn a Keras model into TFLite",
        description="Turns a trained Keras model into a .tflite file with a batch of one, and reports sizes, "
        "latency and how far its outputs are from the Keras model's.",
        epilog="Needs the extra `convert`. int8 needs --calibration: an .npz with one array per input, named as the "
        "model's inputs or arr_0, arr_1 …, of some 100-500 real inputs (at least 30) as the front end puts them out.",
    )
    parser.add_argument(
        "model", type=Path, metavar="MODEL", help="a model saved with model.save(…): .keras, or .h5/.hdf5 of Keras 2"
    )
    parser.add_argument("--to", required=True, choices=("float32", "float16", "dynamic", "int8"), help="form to make")
    parser.add_argument("--calibration", type=Path, metavar="FILE.npz", help="real inputs")
    parser.add_argument("--out", type=Path, metavar="FILE.tflite", help="default: MODEL.<form>.tflite beside the model")
    parser.add_argument("--float-io", action="store_true", help="int8: keep inputs and outputs as float32")
    parser.add_argument(
        "--per-channel-dense", action="store_true", help="dynamic: finer, but tflite-runtime 2.14 cannot run it"
    )
    parser.add_argument(
        "--import",
        dest="imports",
        action="append",
        default=[],
        metavar="FILE.py|MODULE",
        help="registers custom layers: a Python file, or a module that is installed or in an --import-path; repeatable",
    )
    parser.add_argument(
        "--import-path",
        dest="import_paths",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="a folder to search for --import MODULE; the working directory and PYTHONPATH are not searched",
    )
    parser.add_argument(
        "--min-agreement",
        type=share,
        metavar="SHARE",
        help="refuse, and write nothing, where fewer decisions (0…1) equal the Keras model's",
    )
    parser.add_argument("--card", action="store_true", help="write a model card beside the file (--labels or --like)")
    parser.add_argument("--labels", metavar="A,B,…", help="with --card: names of the output's columns, in order")
    parser.add_argument(
        "--like",
        type=Path,
        metavar="CARD.json",
        help="with --card: take task, labels, front end and kind of output from this card",
    )
    parser.add_argument("--json", action="store_true", help="print the report as one JSON object")
    parser.set_defaults(main=main)


def share(text: str) -> float:
    """A number from 0 to 1. The function name appears in argparse's message: `invalid share value`."""
    share = float(text)
    if not 0 <= share <= 1:
        raise ValueError(text)
    return share


def main(arguments: argparse.Namespace) -> int:
    from converters import calibration, cards, report, tflite
    from edge.inference.card import read as read_card

    out: Path = arguments.out or arguments.model.with_suffix(f".{arguments.to}.tflite")
    if out.suffix != ".tflite":
        raise ConversionError(f"--out {out}: the file's name must end in .tflite")
    if arguments.card != bool(arguments.labels or arguments.like):
        raise ConversionError("--card needs --labels or --like, and these need --card")
    labels = arguments.labels.split(",") if arguments.labels else ()
    like = read_card(arguments.like) if arguments.like else None
    if like is not None and arguments.calibration is not None:
        calibration.require_range(calibration.load(arguments.calibration), like, f"calibration {arguments.calibration}")

    print_step = _step_printer()
    conversion = tflite.convert_with_proof(
        arguments.model,
        arguments.to,
        arguments.calibration,
        rows=PROOF_ROWS,
        integer_io=not arguments.float_io,
        per_channel_dense=arguments.per_channel_dense,
        imports=arguments.imports,
        import_paths=arguments.import_paths,
        progress=print_step,
    )
    print_step("measuring the result")
    result = report.make(
        conversion,
        model=arguments.model,
        form=arguments.to,
        out=out,
        real=arguments.calibration is not None,
        card=arguments.card,
    )
    if arguments.min_agreement is not None:
        report.require_agreement(result, arguments.min_agreement)
    if arguments.card:
        cards.save(conversion.data, report.card_for(conversion.data, result, labels=labels, like=like), out)
    else:
        cards.write_whole(out, conversion.data)
    print(json.dumps(report.builtins(result), ensure_ascii=False) if arguments.json else _text(result))
    return 0


def _step_printer() -> Callable[[str], None]:
    """Returns a function that writes a step to standard error, with the seconds since the start."""
    start = time.monotonic()

    def show(step: str) -> None:
        print(f"{time.monotonic() - start:5.1f} s  {step}", file=sys.stderr, flush=True)

    return show


def _text(result: Report) -> str:
    from converters import report

    rows: list[tuple[str, Any]] = [
        ("file", result.out),
        ("size", f"{result.bytes:,} bytes ({result.bytes / result.source_bytes:.0%} of {result.source_bytes:,})"),
        *(("input", tensor) for tensor in result.inputs),
        *(("output", tensor) for tensor in result.outputs),
        ("compared on", f"{result.parity.n} {result.compared_on}"),
        ("equal decisions", report.agreement(result.parity)),
        ("error", f"mean {result.parity.mean_error:.3g}, largest {result.parity.max_error:.3g}"),
        ("", f"(outputs have a root mean square of {result.parity.scale:.3g})"),
        ("latency", f"median {result.latency.median_ms:.3f} ms, p95 {result.latency.p95_ms:.3f} ms, one thread"),
    ]
    if result.card:
        rows.append(("card", result.card))
    return "\n".join(f"{name:<16} {value}" for name, value in rows)
