"""The subcommands of `edge-emotion`, one a module.

Each has `add_parser(commands)` and `main(arguments) -> int` (the exit code); what is heavy is imported inside
`main`, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    Commands: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]
