"""The JSON Schemas of the payloads, generated from the types: `python -m edge.publish.schema [--write]`.

The files are part of the package, in `schemas/`, so that readers in any language can validate what they receive.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from edge.publish.payloads import PAYLOADS, Payload

FOLDER: Final = Path(__file__).with_name("schemas")
"""Folder with one schema file for each payload."""

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
"""URI of the JSON Schema dialect."""


def json_schema(payload: type[Payload]) -> dict[str, Any]:
    """The JSON Schema, draft 2020-12, of one payload type."""
    (reference,), components = msgspec.json.schema_components([payload], ref_template="#/$defs/{name}")
    name = str(reference["$ref"]).removeprefix("#/$defs/")
    body = components.pop(name)
    version = body["properties"]["schema"]
    # msgspec treats a field with a default as optional. This one is always sent, and readers should check it.
    version.pop("default")
    identity = version.pop("enum")[0]
    version["const"] = identity
    body["required"] = ["schema", *body["required"]]
    body["properties"] = {"schema": version, **{key: of for key, of in body["properties"].items() if key != "schema"}}
    head = {"$schema": DIALECT, "$id": "urn:" + identity.replace("/", ":")}
    return {**head, **body, **({"$defs": components} if components else {})}


def text(kind: str) -> str:
    """The content of the schema file for the topic level `kind`, such as `state`."""
    return json.dumps(json_schema(PAYLOADS[kind]), indent=2, ensure_ascii=False) + "\n"


def stale() -> list[str]:
    """Topic levels whose schema file in the package is missing or differs from the types."""
    return [kind for kind in PAYLOADS if not _file(kind).is_file() or _file(kind).read_text("utf-8") != text(kind)]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m edge.publish.schema", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the files; without it, only list the stale ones")
    arguments = parser.parse_args(argv)
    old = stale()
    if arguments.write:
        FOLDER.mkdir(exist_ok=True)
        for kind in old:
            _file(kind).write_text(text(kind), "utf-8")
            print(f"wrote {_file(kind)}")
        return 0
    for kind in old:
        print(f"{_file(kind)} is stale; `python -m edge.publish.schema --write` regenerates it", file=sys.stderr)
    return 1 if old else 0


def _file(kind: str) -> Path:
    return FOLDER / f"{kind}.json"


if __name__ == "__main__":
    sys.exit(main())
