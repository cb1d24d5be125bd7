"""The two sizes of the face model: architecture and training parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from models.face.nets import mobilenet


@dataclass(frozen=True)
class Size:
    """Architecture and training parameters of one MobileNet (`models.face.nets.mobilenet`)."""

    filters: tuple[int, ...]
    """Filters of the pointwise convolution of each separable block."""
    first: int
    """Filters of the convolution before the separable blocks."""
    side: int
    """Side of the square, pixels, to which the face is up-sampled."""
    epochs: int
    """Default number of epochs."""
    rate: float
    """Peak learning rate while the whole network is trained."""
    dropout: float
    """Share of features dropped before the last layer."""

    def build(self, given: int = 48) -> Any:
        """A new network with random weights for faces of `given` pixels a side."""
        return mobilenet.build(self.filters, self.side, self.first, self.dropout, given)


SIZES: Final = {
    "small": Size(
        filters=(48, 96, 96, 160, 160, 208, 208, 208, 208), first=24, side=112, epochs=60, rate=1e-3, dropout=0.1
    ),
    "large": Size(filters=mobilenet.FILTERS[:9], first=32, side=112, epochs=13, rate=5e-4, dropout=0.3),
}
"""The sizes by name."""
