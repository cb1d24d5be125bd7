"""Command-line programs report a bad input as one line on standard error instead of a traceback."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from edge.errors import EdgeEmotionError

P = ParamSpec("P")
R = TypeVar("R")


def one_line_errors(main: Callable[P, R]) -> Callable[P, R]:
    """Decorates a program's `main` so that one of the project's own errors prints `error: …` and exits with code 1."""

    @functools.wraps(main)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return main(*args, **kwargs)
        except EdgeEmotionError as error:
            sys.exit(f"error: {error}")

    return guarded
