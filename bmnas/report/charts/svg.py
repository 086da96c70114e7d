"""Elements of SVG, escaped; and the frame that all charts share: title, description, axes with round numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

WIDTH, HEIGHT = 360.0, 220.0
"""Of a chart, in units that a phone shows as about one pixel each."""
LOOKS = 8
"""How many series have looks of their own: a colour and a dash each, which the page's style has."""


def tag(name: str, *inside: Markup | str, **attributes: str | float | None) -> Markup:
    """An element; numbers are rounded to a tenth, a trailing underscore of an attribute's name is dropped."""
    # Put together as plain text, escaped piece by piece: a page has tens of thousands of elements.
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_attribute(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if not inside:
        return Markup(f"<{name}{given}/>")
    return Markup(f"<{name}{given}>{''.join(map(escape, inside))}</{name}>")


def chart(
    id: str, title: str, description: str, parts: Iterable[Markup], width: float = WIDTH, height: float = HEIGHT
) -> Markup:
    """The whole of a chart, which screen readers take for one picture that is described."""
    return tag(
        "svg",
        tag("title", title, id=f"{id}-title"),
        tag("desc", description, id=f"{id}-desc"),
        *parts,
        viewBox=f"0 0 {width:g} {height:g}",
        class_="chart",
        role="img",
        aria_labelledby=f"{id}-title {id}-desc",
    )


@dataclass(frozen=True)
class Axis:
    """Maps values to places on a line.

    Attributes:
        low: the smallest value.
        high: the greatest one.
        begin: where the smallest is.
        end: where the greatest is.
        logarithmic: whether equal ratios are equally far apart.
    """

    low: float
    high: float
    begin: float
    end: float
    logarithmic: bool = False

    @classmethod
    def over(cls, values: Iterable[float], begin: float, end: float, *, logarithmic: bool = False) -> Axis:
        """Over all finite values, with room where they are all the same."""
        there = [value for value in values if math.isfinite(value) and (value > 0 or not logarithmic)]
        low, high = (min(there), max(there)) if there else (0.0, 1.0)
        if low == high:
            room = abs(low) * 0.1 or 0.5
            low, high = (low / 2, high * 2) if logarithmic else (low - room, high + room)
        return cls(low, high, begin, end, logarithmic)

    def __call__(self, value: float) -> float:
        """Where a value is; one outside is at the nearer end."""
        if self.logarithmic:
            share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.begin + min(max(share, 0.0), 1.0) * (self.end - self.begin)

    def ticks(self, most: int = 5) -> list[float]:
        """Round values on it."""
        if self.logarithmic:
            powers = range(math.ceil(math.log10(self.low)), math.floor(math.log10(self.high)) + 1)
            found = [10.0**power for power in powers]
            step = -(-len(found) // most) or 1
            return found[::step] if len(found) >= 2 else [self.low, self.high]
        raw = (self.high - self.low) / most
        power = 10.0 ** math.floor(math.log10(raw))
        size = next(size * power for size in (1, 2, 5, 10) if size * power >= raw * (1 - 1e-9))
        first = math.ceil(self.low / size - 1e-9)
        return [number * size for number in range(first, math.floor(self.high / size + 1e-9) + 1)]


def frame(x: Axis, y: Axis, x_title: str, y_title: str, x_ticks: Sequence[float] | None = None) -> list[Markup]:
    """Grid lines with their numbers, and what the axes are."""
    parts = []
    for value in y.ticks():
        parts.append(tag("line", x1=x.begin, x2=x.end, y1=y(value), y2=y(value), class_="grid"))
        parts.append(label(value, x.begin - 5, y(value) + 4, anchor="end"))
    for value in x_ticks if x_ticks is not None else x.ticks():
        parts.append(label(value, x(value), y.begin + 15, anchor="middle"))
    parts.append(tag("line", x1=x.begin, x2=x.end, y1=y.begin, y2=y.begin, class_="axis"))
    parts.append(text(x_title, (x.begin + x.end) / 2, y.begin + 32, anchor="middle", class_="name"))
    parts.append(text(y_title, 4, min(y.begin, y.end) - 9, class_="name"))
    return parts


def text(said: str, x: float, y: float, anchor: str | None = None, class_: str | None = None) -> Markup:
    """Words."""
    return tag("text", said, x=x, y=y, text_anchor=anchor, class_=class_)


def label(value: float, x: float, y: float, anchor: str) -> Markup:
    """A number of an axis."""
    return text(short_number(value), x, y, anchor)


def short_number(value: float) -> str:
    """As short as it can be said; ``0.001``, ``1e-05``, ``25``."""
    return f"{round(value, 10):g}"


def cut(name: str, most: int) -> str:
    """A name that fits; its end says more than its beginning, such as a layer's number."""
    return name if len(name) <= most else f"{name[: most // 2]}…{name[len(name) - (most - most // 2 - 1) :]}"


def named(name: str, most: int, draw: Callable[[str], Markup]) -> Markup:
    """What is drawn with a name, cut where it is long; then the whole name shows where one points at it."""
    short = cut(name, most)
    return draw(name) if short == name else tag("g", tag("title", name), draw(short))


def _attribute(value: str | float) -> str:
    return escape(value) if isinstance(value, str) else f"{round(value, 1):g}"
