"""Fills the wheel with one top-level package, `edge_emotion`, which contains only what a device runs.

The repository's packages are `edge`, `converters` and `models`, names that a robot's own code may use too. So the wheel
gets a rewritten copy: `edge` becomes `edge_emotion`, `converters` becomes `edge_emotion.converters`, the shipped
models become `edge_emotion/weights/<room>/`, and `systemd/` becomes `edge_emotion/service/data/`. Training code is
left out. The build fails if a rewritten module still refers to one of the old names.

The BlazeFace file is Google's and not in the repository. It is fetched and checked by its hash; without it, the build
fails.
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
"""Name of the top-level package in a wheel."""

RENAMED: Final = {"edge": PACKAGE, "converters": f"{PACKAGE}.converters"}
"""Package of the repository → its name in a wheel."""

LEFT_OUT: Final = ("models", "tests")
"""Packages of the repository that wheels do not contain."""

CARD_SCHEMA: Final = "edge-emotion/card/"
"""Beginning of a model card's `schema`."""

TEXT_SUFFIXES: Final = (".toml", ".service", ".sysusers")
"""Suffixes of data files that may contain names of our modules."""

IMPORTING_CALLS: Final = ("import_module", "__import__", "files", "find_spec", "run_module")
"""Functions whose first argument is the name of a module to import."""


class BuildError(Exception):
    """The wheel would be incomplete or would not run; the message says why in one line."""


class Edit(NamedTuple):
    """One replacement within one line of a source file."""

    line: int
    """Number of the line, from 1."""
    start: int
    """First replaced character of the line, from 0."""
    end: int
    """First character after the replaced ones."""
    text: str
    """The replacement."""


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
    """The path of the BlazeFace file, which is fetched if `root` does not contain it. Raises `BuildError`."""
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
    """Writes the package, as it is in a wheel, to the folder `target`. Raises `BuildError`."""
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
    for name, command in (("fusion", "models.fusion.train"), ("speaker", "models.speaker.train")):
        numbers = root / "models" / name / f"{name}.json"
        if not numbers.is_file():
            raise BuildError(f"{numbers.relative_to(root)} is missing: `python -m {command}` makes it")
        (target / "weights" / name).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(numbers, target / "weights" / name / numbers.name)


def shipped_models(root: Path) -> tuple[Path, ...]:
    """Every model with a card in `models/<room>/`. Raises `BuildError` if one does not match its card."""
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
    """Copies one file and replaces the names of our modules.

    Args:
        source: file of the repository.
        target: file to write.
        names: matches the names of our modules.
        root: folder of the repository, for error messages.

    Raises:
        BuildError: the rewritten module would still refer to an old name.
    """
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
            # Only white space precedes an import, so the byte offset equals the character offset.
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
    """Raises `BuildError` if the module still refers to a package that wheels do not contain.

    A docstring may name the training code, which readers find in the repository. Other strings may not.
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
    """The files of a package, without leftovers of editors, interpreters and downloads."""
    for path in sorted(folder.rglob("*")):
        below = path.relative_to(folder)
        stray = any(part == "__pycache__" or part.startswith(".") for part in below.parts)
        if path.is_file() and not stray and path.suffix not in (".pyc", ".part") and not path.name.endswith("~"):
            yield path


def _matches(model: Path, card: Path) -> bool:
    expected = json.loads(card.read_text("utf-8"))["sha256"]
    return model.is_file() and hashlib.sha256(model.read_bytes()).hexdigest() == expected
