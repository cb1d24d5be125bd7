"""Where this process imports from: the installation first, the folders of `PYTHONPATH` last."""

from __future__ import annotations

import importlib
import os
import sys


def put_installation_first() -> None:
    """Moves the folders of `PYTHONPATH` behind the standard library and the installed packages.

    ROS sets `PYTHONPATH`, and a recogniser may lie there, so these folders stay in `sys.path`. Python puts them first,
    where a robot's own `random.py` or `models/` would replace what we import.
    """
    given = {_absolute(folder) for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder}
    late = [entry for entry in sys.path if _absolute(entry) in given]
    sys.path[:] = [entry for entry in sys.path if entry not in late]
    # On Linux the standard library's `ntpath` looks for a module `nt` that does not exist, and would run an `nt.py`.
    importlib.import_module("ntpath")
    sys.path += late


def _absolute(folder: str) -> str:
    # Not with pathlib, which imports `ntpath`, and that before the folders of `PYTHONPATH` are out of the way.
    return os.path.abspath(folder)  # noqa: PTH100
