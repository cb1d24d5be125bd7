"""Programs end with one line on standard error, not with a traceback, when something from outside is wrong."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from edge.errors import EdgeEmotionError

P = ParamSpec("P")
R = TypeVar("R")


def one_line_errors(main: Callable[P, R]) -> Callable[P, R]:
    """Decorates a program's `main`: the project's own errors end it with `error: …` and exit code 1."""

    @functools.wraps(main)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return main(*args, **kwargs)
        except EdgeEmotionError as error:
            sys.exit(f"error: {error}")

    return guarded
