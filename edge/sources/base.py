"""What every source is: something opened, read until it ends, and closed."""

from __future__ import annotations

from types import TracebackType
from typing import Final, Generic, Protocol, Self, TypeVar, runtime_checkable

Item_co = TypeVar("Item_co", covariant=True)


class Source(Protocol, Generic[Item_co]):
    """A camera, microphone, file or transcript stream.

    `read` blocks until the next item and is called from one thread; `close` may be called from another and
    makes a blocked `read` return soon by raising `SourceEnded`. After `SourceError` a source may be opened again.
    """

    name: str
    """For messages and topics, such as `camera /dev/video0`."""

    def open(self) -> None:
        """Raises `SourceError` (what is wrong and what to do) or `MissingExtraError`."""

    def read(self) -> Item_co:
        """The next item. Raises `SourceEnded` after the last, `SourceError` when the device has gone."""

    def close(self) -> None:
        """Frees the device; harmless when called twice or before `open`."""


NO_PICTURE: Final = "no picture in the file"
NO_SOUND: Final = "no sound in the file"


@runtime_checkable
class Recording(Protocol):
    """What a source of recorded media knows besides, once it is open."""

    @property
    def has_video(self) -> bool:
        """Whether there is a picture."""

    @property
    def has_audio(self) -> bool:
        """Whether there is sound."""


@runtime_checkable
class Refusing(Protocol):
    """A source that leaves out what it cannot read, and counts it."""

    @property
    def refused(self) -> int:
        """Items left out since it was made."""


class Opened:
    """Mixed in: `with Camera(…) as camera:` opens and closes."""

    def __enter__(self) -> Self:
        self.open()  # type: ignore[attr-defined]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()  # type: ignore[attr-defined]
