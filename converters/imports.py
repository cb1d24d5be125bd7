"""Modules that register custom Keras layers: named by the user, imported by the converting process.

Nothing is searched for in the working directory or in `PYTHONPATH`. A module is given by its file, lies in a folder
that was given, or is installed.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from converters.job import Import
from edge.errors import ConversionError


def parse(text: str) -> Import:
    """A module from what the user wrote: `path/to/layers.py`, or the dotted name of a module.

    Raises:
        ConversionError: The file does not exist or its name cannot be a module's, or the name is not a dotted name.
    """
    if not text.endswith(".py"):
        if not all(part.isidentifier() for part in text.split(".")):
            raise ConversionError(f"--import {text}: neither a .py file nor the name of a module")
        return Import(module=text)
    path = Path(text).absolute()
    if not path.is_file():
        raise ConversionError(f"--import {text}: no such file")
    if not path.stem.isidentifier():
        raise ConversionError(f"--import {text}: a module cannot have this name; rename the file")
    return Import(module=path.stem, file=str(path))


def loaded(names: Iterable[str]) -> tuple[Import, ...]:
    """Modules that this process has imported already, each with the file it came from."""
    return tuple(Import(module=name, file=_file(name.partition(".")[0])) for name in names)


def _file(package: str) -> str:
    return str(getattr(sys.modules.get(package), "__file__", None) or "")


def perform(imports: Sequence[Import], paths: Sequence[str]) -> None:
    """Imports the modules in this process.

    Args:
        imports: In this order.
        paths: Folders to search after everything that is installed.

    Raises:
        ConversionError: A module is missing, fails while it is imported, or its file has an installed module's name.
    """
    sys.path.extend(paths)
    for one in imports:
        try:
            if one.file:
                _execute(one.module.partition(".")[0], Path(one.file))
            importlib.import_module(one.module)
        except ModuleNotFoundError as error:
            raise ConversionError(
                f"cannot import {one.module!r}, which registers custom layers: {error}; modules are not searched for "
                "in the working directory or PYTHONPATH: give a file (--import ./layers.py) or a folder "
                "(--import-path DIR)"
            ) from error
        except ConversionError:
            raise
        except Exception as error:
            text = " ".join(str(error).split()) or type(error).__name__
            raise ConversionError(f"cannot import {one.module!r}, which registers custom layers: {text}") from error


def _execute(name: str, file: Path) -> None:
    """Imports the top-level module or package `name` from `file`, whatever `sys.path` is."""
    found = importlib.util.find_spec(name)
    if found is not None:
        if found.origin is None or Path(found.origin).resolve() != file.resolve():
            raise ConversionError(f"{file} has the name of an installed module: rename it")
        return
    folder = [str(file.parent)] if file.name == "__init__.py" else None
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=folder)
    if spec is None or spec.loader is None:
        raise ConversionError(f"{file} is not a Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
