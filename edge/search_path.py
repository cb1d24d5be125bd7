"""Orders the import path of this process: the installation first, the folders of `PYTHONPATH` last."""

from __future__ import annotations

import importlib
import os
import sys


def put_installation_first() -> None:
    """Moves the folders of `PYTHONPATH` behind the standard library and the installed packages.

    ROS sets `PYTHONPATH`, and a recogniser may be there, so these folders stay in `sys.path`. Python puts them first,
    where a robot's own `random.py` or `models/` would replace modules that this package imports.
    """
    folders = {_absolute(folder) for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder}
    moved = [entry for entry in sys.path if _absolute(entry) in folders]
    sys.path[:] = [entry for entry in sys.path if entry not in moved]
    # `ntpath` tries to import a module `nt`, which does not exist on Linux, so a file `nt.py` in these folders would be
    # run. Import it before they are searched.
    importlib.import_module("ntpath")
    sys.path += moved


def _absolute(folder: str) -> str:
    # Not pathlib, because it imports `ntpath` while the folders of `PYTHONPATH` still come first.
    return os.path.abspath(folder)  # noqa: PTH100
