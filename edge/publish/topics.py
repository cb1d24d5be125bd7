"""The names under which a device speaks: `<prefix>/<device>/<kind>`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from edge.observation import SENSES, Sense

LEVEL: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""One level: no slash, no wildcard, no space, nothing a shell or a terminal would take amiss."""

ONLINE: Final = "online"
STOPPED: Final = "stopped"
OFFLINE: Final = "offline"
AVAILABILITIES: Final = (ONLINE, STOPPED, OFFLINE)
"""Payloads of `availability`, plain text: running; closed on purpose; gone without a word (the last will)."""

TRANSCRIPT: Final = "words/transcript"


@dataclass(frozen=True, slots=True)
class Topics:
    """Every topic of one device. Raises `ValueError` when a part is not one plain level."""

    prefix: str
    device: str

    def __post_init__(self) -> None:
        for name in ("prefix", "device"):
            value = getattr(self, name)
            if not LEVEL.fullmatch(value):
                raise ValueError(f"the {name} {value!r} is no topic level: 1 to 64 of letters, digits, '_', '.', '-'")

    @property
    def base(self) -> str:
        return f"{self.prefix}/{self.device}"

    @property
    def availability(self) -> str:
        return f"{self.base}/availability"

    @property
    def info(self) -> str:
        return f"{self.base}/info"

    @property
    def state(self) -> str:
        return f"{self.base}/state"

    @property
    def face(self) -> str:
        return f"{self.base}/face"

    @property
    def voice(self) -> str:
        return f"{self.base}/voice"

    @property
    def words(self) -> str:
        return f"{self.base}/words"

    @property
    def health(self) -> str:
        return f"{self.base}/health"

    @property
    def transcript(self) -> str:
        """Read, not written: what the robot's own speech recogniser heard."""
        return f"{self.base}/{TRANSCRIPT}"

    def response(self, verb: str) -> str:
        """What came of something that was sent to us, such as `transcript`. Raises `ValueError` for no level."""
        if not LEVEL.fullmatch(verb):
            raise ValueError(f"{verb!r} is no topic level: 1 to 64 of letters, digits, '_', '.', '-'")
        return f"{self.base}/response/{verb}"

    def sense(self, name: Sense) -> str:
        """The topic of one sense's single observations. Raises `ValueError` for no sense."""
        if name not in SENSES:
            raise ValueError(f"no sense {name!r}; there are {', '.join(SENSES)}")
        return f"{self.base}/{name}"


def parse(topic: str, prefix: str) -> tuple[str, str] | None:
    """`(device, kind)` of a topic under `prefix`, such as `("robot", "words/transcript")`; None for a foreign topic."""
    levels = topic.split("/", 2)
    if len(levels) < 3 or levels[0] != prefix or not LEVEL.fullmatch(levels[1]) or not levels[2]:
        return None
    return levels[1], levels[2]
