"""`python -m models.fusion.evaluate --data DIR --json`: scores of the shipped fusion and of what it is compared with.

Every protocol measures anew from the committed files. Each row has `protocol`, `fusion` (what decides), `mask` (which
senses are given, and how one is disturbed), `n`, `accuracy`, `uar` and `ece`.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from models.command import one_line_errors
from models.corpora import add_data_option, require
from models.fusion.rows import Protocol

PROTOCOLS: Final[Mapping[str, str]] = {
    "pairing": "models.fusion.declared:rows",
    "humans": "models.fusion.declared:humans",
    "steadiness": "models.fusion.steadiness:rows",
    "ravdess": "models.fusion.ravdess:rows",
    "features": "models.fusion.paired_features:rows",
}
"""Name of a protocol on the command line → `module:function` that yields its rows; imported when it is run."""


def protocol(name: str) -> Protocol:
    """Imports the function of a protocol in `PROTOCOLS`."""
    module, function = PROTOCOLS[name].split(":")
    found: Protocol = getattr(importlib.import_module(module), function)
    return found


@one_line_errors
def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m models.fusion.evaluate", description=__doc__)
    add_data_option(parser)
    parser.add_argument(
        "--protocol", nargs="+", choices=sorted(PROTOCOLS), default=list(PROTOCOLS), help="default: all"
    )
    parser.add_argument("--quick", action="store_true", help="measure a part of the data, to see that it works")
    parser.add_argument("--json", action="store_true", help="one JSON object a row")
    arguments = parser.parse_args()
    data: Path = require(arguments.data, "voice").parent
    for name in arguments.protocol:
        for row in protocol(name)(data, arguments.quick):
            found = msgspec.to_builtins(row)
            if arguments.json:
                print(json.dumps(found, ensure_ascii=False), flush=True)
                continue
            scores = "  ".join(f"{key} {found.pop(key):.4f}" for key in ("accuracy", "uar", "ece") if key in found)
            named = [str(found.pop(key)) for key in ("protocol", "fusion", "mask")]
            rest = "  ".join(f"{key} {value}" for key, value in found.items())
            print(" | ".join((*named, scores, rest)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
