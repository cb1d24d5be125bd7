"""The subcommands of `edge-emotion`, one for each module.

Each module has `add_parser(commands)` and `main(arguments)`, which returns the exit code. Modules that load slowly are
imported inside `main`, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    Commands: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]
