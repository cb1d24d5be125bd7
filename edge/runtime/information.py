"""The content of the `info` topic: software, models, sensors and purpose of this device."""

from __future__ import annotations

import platform
from collections.abc import Iterable

from edge import __version__
from edge.config import Config
from edge.inference.card import Card
from edge.publish.payloads import SCHEMAS, Info, Model, Sensor


def describe(config: Config, cards: Iterable[Card], sensors: Iterable[Sensor], started_at: str) -> Info:
    """Composes the payload of the `info` topic.

    Args:
        config: Gives the device's name and purpose.
        cards: Cards of the models in use.
        sensors: The sensors in use.
        started_at: Start of the process as an RFC 3339 time.
    """
    return Info(
        device=config.device.name,
        software=__version__,
        purpose=config.device.purpose,
        started_at=started_at,
        platform=f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        models=tuple(
            Model(task=card.task, name=card.name, version=card.version, file=card.file, sha256=card.sha256)
            for card in cards
        ),
        sensors=tuple(sensors),
        payloads=SCHEMAS,
    )
