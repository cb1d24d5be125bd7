"""Fixtures that many tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from brokers import MOSQUITTO, Mosquitto


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """A real mosquitto on a free port, open to all."""
    if MOSQUITTO is None:
        pytest.skip("no mosquitto here (apt-get install mosquitto)")
    broker = Mosquitto(tmp_path).start()
    yield broker
    broker.stop()
