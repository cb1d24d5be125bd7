"""The `edge-emotion` command.

Few modules are imported before `main` runs, so that it can handle SIGINT and SIGTERM as early as possible.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from edge.runtime.stop import StopRequest

COMMANDS: Final = ("run", "replay", "watch", "devices", "bench", "convert", "service", "config", "ros-bag")
"""Names of the subcommands, which are also those of their modules in `edge.commands`, with `_` for `-`."""

INTERRUPTED: Final = 130
"""Exit code of a command that SIGINT ended, as shells report it."""


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands. Each command sets `main`, and `ends_in_order` if it handles signals itself."""
    import argparse
    import importlib

    from edge import __version__

    parser = argparse.ArgumentParser(
        prog="edge-emotion",
        description="Reads the emotion of the person in front of a robot from face, voice and words, "
        "and publishes it over MQTT.",
        epilog="`edge-emotion COMMAND --help` explains a command.",
    )
    parser.add_argument("--version", action="version", version=f"edge-emotion {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name in COMMANDS:
        importlib.import_module(f"edge.commands.{name.replace('-', '_')}").add_parser(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    After SIGINT or SIGTERM, `run` stops in an orderly way and `watch` stops at once. An `EdgeEmotionError` is printed
    as one line on standard error.

    Args:
        argv: The arguments. None takes those of the process; signals are then ignored from the end of the command
            until the interpreter has shut down.

    Returns:
        The exit code: 0 after success, and for `run` and `watch` after a signal; 1 after an `EdgeEmotionError`; 130 or
        143 for another command after SIGINT or SIGTERM.
    """
    from edge import search_path

    search_path.put_installation_first()
    from edge.runtime import stop

    with stop.on_signals(ignore_afterwards=argv is None) as asked:
        # This must be set before NumPy is imported. Matrices are small here, and OpenBLAS's threads spin while they
        # wait for each other: beside other work, a spectrogram took twenty times as long with two threads as with one.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        from edge.terminal import standard_output

        standard_output.guard()
        try:
            code = _outcome(lambda: _command(argv, asked))
        except SystemExit:
            # argparse has printed its help or its error.
            if _outcome(_flush):
                return 1
            raise
        return _outcome(_flush) or code


def _command(argv: Sequence[str] | None, asked: StopRequest) -> int:
    from edge.runtime.stop import interrupting

    arguments = build_parser().parse_args(argv)
    if getattr(arguments, "ends_in_order", False):
        return int(arguments.main(arguments))
    with interrupting(asked):
        return int(arguments.main(arguments))


def _flush() -> int:
    # Without this flush, a full disk would be detected only at interpreter shutdown.
    sys.stdout.flush()
    return 0


def _outcome(act: Callable[[], int]) -> int:
    """Runs `act` and returns its exit code. An error is printed on standard error."""
    from edge.errors import EdgeEmotionError
    from edge.runtime.stop import Interrupted
    from edge.terminal import standard_output

    try:
        return act()
    except BrokenPipeError:
        # The reader of the output, such as `| head`, has closed it, which is normal.
        standard_output.abandon()
        return 0
    except EdgeEmotionError as error:
        if isinstance(error, standard_output.OutputError):
            standard_output.abandon()
        if sys.stderr is not None:
            with suppress(OSError):
                print(f"edge-emotion: error: {error}", file=sys.stderr)
        return 1
    except Interrupted as interrupted:
        return interrupted.exit_code


if __name__ == "__main__":
    sys.exit(main())
