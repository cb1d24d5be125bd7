"""A reader that goes away ends a program without a traceback; other errors are still shown."""

from __future__ import annotations

import subprocess
import sys

import pytest

BEGIN = "from models.pipes import end_quietly_with_the_reader as end; end()\n"
PRINTS_ON = BEGIN + "while True: print('x' * 1000, flush=True)"
LITTLE = BEGIN + "import sys, time; sys.stdin.readline(); print('unread')"
OTHER_PIPE = BEGIN + "print('all is well'); raise BrokenPipeError('a worker has died')"


@pytest.mark.parametrize("program", [PRINTS_ON, LITTLE], ids=["while printing", "at the end"])
def test_no_traceback_when_the_reader_goes(program: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stdin.write(b"go\n")
        process.stdin.close()
        assert process.stderr.read() == b""
        process.wait(20)


def test_the_error_of_another_pipe_is_shown() -> None:
    done = subprocess.run([sys.executable, "-c", OTHER_PIPE], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == "all is well\n"
    assert "a worker has died" in done.stderr


def test_measuring_programs_end_so() -> None:
    command = f"{sys.executable} -m models.face.evaluate --help | head -c 5"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stdout == "usage"
    assert done.stderr == ""
