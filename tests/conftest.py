"""Fixtures that many tests share."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.brokers import MOSQUITTO, Mosquitto
from support.media_files import frame_at


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """A real mosquitto on a free port, open to all."""
    if MOSQUITTO is None:
        pytest.skip("no mosquitto here (apt-get install mosquitto)")
    broker = Mosquitto(tmp_path).start()
    yield broker
    broker.stop()


def pytest_configure() -> None:
    """Makes Ctrl-C reach the started processes even if a shell runs the tests in the background, which ignores it."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


BESIDE_THE_REPOSITORY = Path(__file__).parents[2] / "shared/data"


def _corpora() -> Path | None:
    """The folder that `EMOTION_DATA` names or, where it is not set, `../shared/data` seen from the repository."""
    folder = Path(os.environ.get("EMOTION_DATA") or BESIDE_THE_REPOSITORY)
    return folder if folder.is_dir() else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips tests marked `corpora` if the corpora are not available."""
    if _corpora() is None:
        for item in items:
            if item.get_closest_marker("corpora"):
                item.add_marker(
                    pytest.mark.skip(reason="no corpora here (EMOTION_DATA names their folder; else ../shared/data)")
                )


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of the corpora, for tests marked `corpora`."""
    folder = _corpora()
    assert folder is not None, "mark the test with `corpora`"
    return folder


@pytest.fixture(scope="session")
def portrait() -> NDArray[np.uint8]:
    """The built-in clip after its second sentence: a smiling woman. (height, width, 3), BGR."""
    image = frame_at(4.4)
    image.flags.writeable = False
    return image
