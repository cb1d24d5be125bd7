"""What every source is: something opened, read until it ends, and closed."""

from __future__ import annotations

from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

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


class Opened:
    """Mixed in: `with Camera(…) as camera:` opens and closes."""

    def __enter__(self) -> Self:
        self.open()  # type: ignore[attr-defined]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()  # type: ignore[attr-defined]
