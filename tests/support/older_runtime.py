"""An environment with tflite-runtime, which cannot live beside NumPy 2: made once, kept in an ignored folder."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = ("tflite-runtime>=2.14", "numpy<2", "msgspec>=0.19")
CHECK = "import numpy, msgspec, tflite_runtime.interpreter"


def older_runtime(folder: Path) -> str:
    """The Python of an environment that can import tflite-runtime; skips the test where there can be none."""
    python = folder / "bin" / "python"
    if _works(python):
        return str(python)
    newest = sys.version_info[:2] > (3, 11)
    base = shutil.which("python3.11") if newest else sys.executable
    if base is None:
        pytest.skip(f"tflite-runtime has no wheel for Python {platform.python_version()}, and there is no python3.11")
    shutil.rmtree(folder, ignore_errors=True)
    made = _run(base, "-m", "venv", str(folder)) and _run(str(python), "-m", "pip", "install", "--quiet", *PACKAGES)
    if not made or not _works(python):
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip("pip cannot get tflite-runtime here (no network, or no wheel for this machine)")
    return str(python)


def _works(python: Path) -> bool:
    return python.exists() and _run(str(python), "-c", CHECK)


def _run(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
