"""The topics of a device: `<prefix>/<device>/<kind>`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from edge.observation import SENSES, Sense

LEVEL: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""One topic level. It has no slash, wildcard or space, and no character special to a shell or a terminal."""

ONLINE: Final = "online"
"""Payload of `availability` while the device is connected."""

STOPPED: Final = "stopped"
"""Payload of `availability` after the device was stopped in an orderly way."""

OFFLINE: Final = "offline"
"""Payload of `availability` after the device disappeared without disconnecting; its last will."""

AVAILABILITIES: Final = (ONLINE, STOPPED, OFFLINE)
"""All payloads of `availability`; they are plain text."""

TRANSCRIPT: Final = "words/transcript"
"""Topic levels, below the device, on which other programs send transcripts to it."""

SPEAKER_REQUEST: Final = "request/speaker"
"""Topic levels, below the device, on which other programs assign a speaker's name to a tracked person."""


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one device. Raises `ValueError` if `prefix` or `device` does not match `LEVEL`."""

    prefix: str
    """First level of every topic."""
    device: str
    """Name of the device, the second level of every topic."""

    def __post_init__(self) -> None:
        for name in ("prefix", "device"):
            value = getattr(self, name)
            if not LEVEL.fullmatch(value):
                raise ValueError(f"the {name} {value!r} is no topic level: 1 to 64 of letters, digits, '_', '.', '-'")

    @property
    def base(self) -> str:
        """The levels that all topics of the device begin with: `<prefix>/<device>`."""
        return f"{self.prefix}/{self.device}"

    @property
    def availability(self) -> str:
        """The topic of `online`, `stopped` and `offline`."""
        return f"{self.base}/availability"

    @property
    def info(self) -> str:
        """The topic of the description of device and software."""
        return f"{self.base}/info"

    @property
    def state(self) -> str:
        """The topic of the fused emotion."""
        return f"{self.base}/state"

    @property
    def face(self) -> str:
        """The topic of the observations of the face."""
        return f"{self.base}/face"

    @property
    def voice(self) -> str:
        """The topic of the observations of the voice."""
        return f"{self.base}/voice"

    @property
    def words(self) -> str:
        """The topic of the observations of the words."""
        return f"{self.base}/words"

    @property
    def health(self) -> str:
        """The topic of the health of the process."""
        return f"{self.base}/health"

    @property
    def transcript(self) -> str:
        """The topic on which the device receives transcripts of the robot's own speech recogniser."""
        return f"{self.base}/{TRANSCRIPT}"

    @property
    def speaker_request(self) -> str:
        """The topic on which the device receives requests that assign a speaker's name to a tracked person."""
        return f"{self.base}/{SPEAKER_REQUEST}"

    def response(self, verb: str) -> str:
        """The topic of results of requests of the kind `verb`, such as `transcript`. Raises `ValueError` if `verb` does
        not match `LEVEL`."""
        if not LEVEL.fullmatch(verb):
            raise ValueError(f"{verb!r} is no topic level: 1 to 64 of letters, digits, '_', '.', '-'")
        return f"{self.base}/response/{verb}"

    def sense(self, name: Sense) -> str:
        """The topic of the observations of one sense. Raises `ValueError` for an unknown name."""
        if name not in SENSES:
            raise ValueError(f"no sense {name!r}; there are {', '.join(SENSES)}")
        return f"{self.base}/{name}"


def parse(topic: str, prefix: str) -> tuple[str, str] | None:
    """`(device, kind)` of a topic under `prefix`, such as `("robot", "words/transcript")`; None for a foreign topic."""
    levels = topic.split("/", 2)
    if len(levels) < 3 or levels[0] != prefix or not LEVEL.fullmatch(levels[1]) or not levels[2]:
        return None
    return levels[1], levels[2]
