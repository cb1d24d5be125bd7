"""The `edge-emotion` command.

Little is imported before `main` runs, so that it can take charge of SIGINT and SIGTERM as early as possible.
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

COMMANDS: Final = ("run", "replay", "watch", "devices", "bench", "convert", "service", "config")

INTERRUPTED: Final = 130
"""Exit code of a command that SIGINT has ended, as a shell gives it."""


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands. Each sets `main`, and `ends_in_order` where it ends in order after a signal."""
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
        importlib.import_module(f"edge.commands.{name}").add_parser(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    `run` ends in order after SIGINT and SIGTERM, whenever they come, and `watch` ends at once; both return 0. Another
    command that is interrupted returns 130 or 143. An error of ours is one line on standard error, and 1 is returned.

    Args:
        argv: The arguments. None means those of the process, which is then ours alone: signals are ignored from the
            end of the command until the interpreter has shut down.
    """
    from edge import search_path

    search_path.put_installation_first()
    from edge.runtime import stop

    with stop.on_signals(ignore_afterwards=argv is None) as asked:
        # Before NumPy is imported. Its matrices are small here, and OpenBLAS's threads wait for each other by
        # spinning: beside other work a spectrogram took twenty times as long with two as with one.
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
    # Left to the interpreter, a full disk would be found out only while it shuts down.
    sys.stdout.flush()
    return 0


def _outcome(act: Callable[[], int]) -> int:
    """The exit code that `act` ends with, its error being told on standard error."""
    from edge.errors import EdgeEmotionError
    from edge.runtime.stop import Interrupted
    from edge.terminal import standard_output

    try:
        return act()
    except BrokenPipeError:
        # The reader of our output (`| head`) has gone, which is its right.
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
