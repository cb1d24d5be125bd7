"""Fills the wheel: one top-level package, `edge_emotion`, with what a device runs and nothing else.

The repository's packages are `edge`, `converters` and `models`, names that a robot's own code may have too. So the
wheel gets a rewritten copy: `edge` becomes `edge_emotion`, `converters` becomes `edge_emotion.converters`, the shipped
models become `edge_emotion/weights/<room>/`, and `systemd/` becomes `edge_emotion/service/data/`. Training code stays
out. The build fails where a rewritten module would still reach for one of the old names.

The BlazeFace file is Google's and not in the repository; it is fetched by its hash, and without it no wheel is built.
"""

from __future__ import annotations

import ast
import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE: Final = "edge_emotion"
RENAMED: Final = {"edge": PACKAGE, "converters": f"{PACKAGE}.converters"}
LEFT_OUT: Final = ("models", "tests")
"""Packages of the repository that no wheel holds."""

CARD_SCHEMA: Final = "edge-emotion/card/"
TEXT_SUFFIXES: Final = (".toml", ".service", ".sysusers")
"""Data files in which names of our modules may stand."""

IMPORTING_CALLS: Final = ("import_module", "__import__", "files", "find_spec", "run_module")


class BuildError(Exception):
    """The wheel would be incomplete or would not run; the message says why in one line."""


class Edit(NamedTuple):
    """One replacement in a source file, in characters of one line (counted from 1)."""

    line: int
    start: int
    end: int
    text: str


class CustomBuildHook(BuildHookInterface[Any]):
    """Called by hatchling before a wheel or an sdist is written."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Adds the staged package to a wheel, and BlazeFace to an sdist; an editable install needs neither."""
        if version == "editable":
            return
        root = Path(self.root)
        blazeface = fetched_blazeface(root)
        if self.target_name == "sdist":
            build_data["force_include"][str(blazeface)] = str(blazeface.relative_to(root))
            return
        self._staging = tempfile.TemporaryDirectory()
        stage(root, Path(self._staging.name))
        build_data["force_include"][self._staging.name] = PACKAGE

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Removes the staged package."""
        if hasattr(self, "_staging"):
            self._staging.cleanup()


def fetched_blazeface(root: Path) -> Path:
    """The BlazeFace file, fetched if it is not in `root` yet. Raises `BuildError`."""
    (card,) = root.glob("models/face/**/blazeface_short.json")
    (fetch,) = root.glob("models/face/**/fetch.py")
    model = card.with_suffix(".tflite")
    if not _matches(model, card):
        module = ".".join(fetch.relative_to(root).with_suffix("").parts)
        done = subprocess.run(
            [sys.executable, "-m", module], cwd=root, capture_output=True, text=True, check=False, timeout=600
        )
        if not _matches(model, card):
            said = (done.stderr.strip().splitlines() or ["it was fetched, but its hash is not the card's"])[-1]
            raise BuildError(f"no wheel without the face detector: {said}; try `make setup` where there is a network")
    return model


def stage(root: Path, target: Path) -> None:
    """Writes the package as a wheel holds it into the folder `target`. Raises `BuildError`."""
    names = module_names(root)
    for folder, below in (("edge", target), ("converters", target / "converters")):
        for source in _files(root / folder):
            copy(source, below / source.relative_to(root / folder), names, root)
    for source in _files(root / "systemd"):
        copy(source, target / "service" / "data" / source.relative_to(root / "systemd"), names, root)
    for model in shipped_models(root):
        room = target / "weights" / model.parent.name
        room.mkdir(parents=True, exist_ok=True)
        for source in (model, model.with_suffix(".json")):
            shutil.copyfile(source, room / source.name)


def shipped_models(root: Path) -> tuple[Path, ...]:
    """Every model with a card in `models/<room>/`, checked against its card. Raises `BuildError`."""
    found = []
    for card in sorted(root.glob("models/*/*.json")):
        if not str(json.loads(card.read_text("utf-8")).get("schema", "")).startswith(CARD_SCHEMA):
            continue
        model = card.with_suffix(".tflite")
        if not _matches(model, card):
            raise BuildError(f"{model.relative_to(root)} is missing or is not the file that its card describes")
        found.append(model)
    return tuple(found)


def copy(source: Path, target: Path, names: re.Pattern[str], root: Path) -> None:
    """Copies one file, with our modules' names replaced. Raises `BuildError`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.suffix == ".py":
        try:
            target.write_text(rewritten(source.read_text("utf-8"), names), "utf-8")
        except BuildError as error:
            raise BuildError(f"{source.relative_to(root)}: {error}") from None
    elif source.suffix in TEXT_SUFFIXES:
        target.write_text(names.sub(_renamed, source.read_text("utf-8")), "utf-8")
    else:
        shutil.copyfile(source, target)


def module_names(root: Path) -> re.Pattern[str]:
    """Matches the start of a dotted name of one of our modules, such as `edge.` in `edge.face.crop`."""
    packages = []
    for package in (*RENAMED, *LEFT_OUT):
        modules = sorted(path.stem for path in (root / package).glob("*") if path.is_dir() or path.suffix == ".py")
        if modules:
            packages.append(rf"{package}(?=\.(?:{'|'.join(map(re.escape, modules))})\b)")
    return re.compile(rf"(?<![\w./-])(?:{'|'.join(packages)})")


def rewritten(source: str, names: re.Pattern[str]) -> str:
    """A module's source with imports of our packages, and their names in strings and comments, replaced.

    Args:
        source: Python source.
        names: From `module_names`.

    Returns:
        Source that imports nothing but `edge_emotion` of ours.

    Raises:
        BuildError: For an import that cannot be rewritten, or a name of a package that no wheel holds.
    """
    lines = source.split("\n")
    edits = [*_import_edits(ast.parse(source), lines), *_text_edits(source, names)]
    for edit in sorted(edits, reverse=True):
        line = lines[edit.line - 1]
        lines[edit.line - 1] = line[: edit.start] + edit.text + line[edit.end :]
    result = "\n".join(lines)
    _check(ast.parse(result), names)
    return result


def _import_edits(tree: ast.Module, lines: list[str]) -> Iterator[Edit]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            wanted = [(node.module, True)]
        elif isinstance(node, ast.Import):
            wanted = [(alias.name, alias.asname is not None) for alias in node.names]
        else:
            continue
        for name, binds_itself in wanted:
            package, dot, rest = name.partition(".")
            if package not in RENAMED:
                continue
            if dot and not binds_itself:
                raise BuildError(f"line {node.lineno}: write `from {package} import {rest}` for `import {name}`")
            # Nothing but white space stands before an import, so the byte offset is the one in characters too.
            found = re.compile(rf"\b{package}\b").search(lines[node.lineno - 1], node.col_offset)
            if found is None:
                raise BuildError(f"line {node.lineno}: `{name}` must stand on the first line of its import")
            alias = "" if binds_itself else f" as {package}"
            yield Edit(node.lineno, *found.span(), RENAMED[package] + alias)


def _text_edits(source: str, names: re.Pattern[str]) -> Iterator[Edit]:
    kinds = {tokenize.STRING, tokenize.COMMENT, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in kinds:
            continue
        for offset, line in enumerate(token.string.split("\n")):
            begin = token.start[1] if offset == 0 else 0
            for match in names.finditer(line):
                if match[0] in RENAMED:
                    yield Edit(token.start[0] + offset, begin + match.start(), begin + match.end(), RENAMED[match[0]])


def _check(tree: ast.Module, names: re.Pattern[str]) -> None:
    """Raises `BuildError` where the module still reaches for a package that no wheel holds.

    A documentation string may name the training code, which readers find in the repository; other strings may not.
    """
    ours = {*RENAMED, *LEFT_OUT}
    documentation = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        imported: list[str] = []
        if isinstance(node, ast.ImportFrom) and not node.level:
            imported = [node.module or ""]
        elif isinstance(node, ast.Import):
            imported = [alias.name for alias in node.names]
        elif isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in IMPORTING_CALLS and node.args and isinstance(node.args[0], ast.Constant):
                imported = [str(node.args[0].value)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            found = names.search(node.value)
            if found:
                raise BuildError(
                    f"line {node.lineno}: the string {node.value[:60]!r} names {found[0]!r}, not in a wheel"
                )
        for name in imported:
            if name.partition(".")[0] in ours:
                raise BuildError(f"line {getattr(node, 'lineno', 0)}: {name!r} is imported, which no wheel holds")


def _renamed(match: re.Match[str]) -> str:
    return RENAMED.get(match[0], match[0])


def _files(folder: Path) -> Iterator[Path]:
    """The files of a package, without what editors, interpreters and downloads leave behind."""
    for path in sorted(folder.rglob("*")):
        below = path.relative_to(folder)
        stray = any(part == "__pycache__" or part.startswith(".") for part in below.parts)
        if path.is_file() and not stray and path.suffix not in (".pyc", ".part") and not path.name.endswith("~"):
            yield path


def _matches(model: Path, card: Path) -> bool:
    expected = json.loads(card.read_text("utf-8"))["sha256"]
    return model.is_file() and hashlib.sha256(model.read_bytes()).hexdigest() == expected
