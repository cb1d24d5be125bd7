"""The two sizes of the face model: the shape of each net and how it is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from models.face.nets import mobilenet


@dataclass(frozen=True)
class Size:
    """A MobileNet (`models.face.nets.mobilenet`) on the face up-sampled to `side` pixels, and how it is trained."""

    filters: tuple[int, ...]
    first: int
    side: int
    epochs: int
    rate: float
    """Peak, of the whole net."""
    dropout: float

    def build(self) -> Any:
        return mobilenet.build(self.filters, self.side, self.first, self.dropout)


SIZES: Final = {
    "small": Size(
        filters=(48, 96, 96, 160, 160, 208, 208, 208, 208), first=24, side=112, epochs=60, rate=1e-3, dropout=0.1
    ),
    "large": Size(filters=mobilenet.FILTERS[:9], first=32, side=112, epochs=13, rate=5e-4, dropout=0.3),
}
