"""Which side of a picture data flow along: a layout knows lengths along the flow and across it, a picture x and y."""

from __future__ import annotations

from typing import Literal, NamedTuple

Orientation = Literal["landscape", "portrait"]


class Rect(NamedTuple):
    """A rectangle, in points; ``x`` and ``y`` are those of its top left corner."""

    x: float
    y: float
    width: float
    height: float

    def moved(self, x: float, y: float) -> Rect:
        """The same, further to the right and further down."""
        return Rect(self.x + x, self.y + y, self.width, self.height)

    @property
    def middle(self) -> tuple[float, float]:
        """Its centre."""
        return self.x + self.width / 2, self.y + self.height / 2


class Axes(NamedTuple):
    """The flow: from left to right, or from top to bottom in portrait."""

    portrait: bool = False

    @property
    def turned(self) -> Axes:
        """The other ones."""
        return Axes(not self.portrait)

    def along(self, x: float, y: float) -> float:
        """Of two lengths or places, the one along the flow."""
        return y if self.portrait else x

    def across(self, x: float, y: float) -> float:
        """Of two lengths or places, the one across the flow."""
        return x if self.portrait else y

    def point(self, along: float, across: float) -> tuple[float, float]:
        """As x and y."""
        return (across, along) if self.portrait else (along, across)
