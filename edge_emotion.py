"""In a clone, `edge_emotion` is an alias of `edge`, and `edge_emotion.converters` of `converters`.

An installed wheel has one package, `edge_emotion` (see `hatch_build.py`). With this module, a recogniser or client that
imports from that package runs in a clone too, and gets the same modules: `edge_emotion.observation.Transcript` is
`edge.observation.Transcript`. Wheels do not contain this file.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import CodeType, ModuleType
from typing import Any

from edge import __version__

__all__ = ["__version__"]

__path__: list[str] = []
"""Makes this module a package. Its submodules come from the finder below."""


class _Alias(MetaPathFinder, Loader):
    """Finds and loads `edge_emotion.NAME` as the module that it stands for."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        if not fullname.startswith(f"{__name__}.") or importlib.util.find_spec(_real(fullname)) is None:
            return None
        return ModuleSpec(fullname, self)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(_real(spec.name))
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has replaced the module's own specification by that of the alias; this restores it.
        if module.__spec__ is not None:
            module.__spec__ = module.__spec__.loader_state

    def get_code(self, fullname: str) -> CodeType | None:
        """The code of a module, which `python -m edge_emotion.cli` asks for."""
        spec = importlib.util.find_spec(_real(fullname))
        loader: Any = spec and spec.loader
        return loader.get_code(_real(fullname)) if loader else None


def _real(name: str) -> str:
    """The name of the module that an alias stands for."""
    below = name.partition(".")[2]
    return below if below.partition(".")[0] == "converters" else f"edge.{below}"


# The finder comes first, since the path finder would load a submodule of `edge.words` again under its other name.
sys.meta_path.insert(0, _Alias())
