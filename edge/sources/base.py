"""The interface of all sources: opened, read until the end, and closed."""

from __future__ import annotations

from types import TracebackType
from typing import Final, Generic, Protocol, Self, TypeVar, runtime_checkable

Item_co = TypeVar("Item_co", covariant=True)
"""Type of the items that a source delivers."""


class Source(Protocol, Generic[Item_co]):
    """A camera, microphone, file or transcript stream.

    `read` blocks until the next item and is called from one thread. `close` may be called from another thread; a
    blocked `read` then soon raises `SourceEnded`. After `SourceError` a source may be opened again.
    """

    name: str
    """Name for messages and topics, such as `camera /dev/video0`."""

    def open(self) -> None:
        """Opens the source. Raises `SourceError` or `MissingExtraError`, which state what is wrong and what to do."""

    def read(self) -> Item_co:
        """Returns the next item. Raises `SourceEnded` after the last one, `SourceError` if the device is lost."""

    def close(self) -> None:
        """Releases the device. It may be called twice and before `open`."""


NO_PICTURE: Final = "no picture in the file"
"""Condition of the face sense for a recording without video."""
NO_SOUND: Final = "no sound in the file"
"""Condition of the voice sense for a recording without audio."""


@runtime_checkable
class Recording(Protocol):
    """Additional properties of a source of recorded media, valid once it is open."""

    @property
    def has_video(self) -> bool:
        """Whether the recording has video."""

    @property
    def has_audio(self) -> bool:
        """Whether the recording has audio."""


@runtime_checkable
class Refusing(Protocol):
    """A source that skips and counts the items it cannot read."""

    @property
    def refused(self) -> int:
        """Number of items skipped so far."""


class Opened:
    """Mixin that makes a source a context manager: `with Camera(…) as camera:` opens and closes it."""

    def __enter__(self) -> Self:
        self.open()  # type: ignore[attr-defined]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()  # type: ignore[attr-defined]
