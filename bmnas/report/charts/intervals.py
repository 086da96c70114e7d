"""Values with their intervals, one row below the other; and how sure answers are against how often they are right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bmnas.report.charts.svg import HEIGHT, WIDTH, Axis, chart, frame, label, named, short_number, tag, text
from bmnas.report.paired import Interval
from bmnas.report.parts import Figure

_LEFT, _RIGHT, _TOP, _ROW = 132.0, WIDTH - 14, 14.0, 22.0
_MOST = 22  # characters of a name


def interval_chart(
    id: str, caption: str, rows: Mapping[str, Interval], x_title: str, marked: str = "", scale: float = 1
) -> Figure:
    """A dot with its interval for each row.

    Args:
        id: on the page.
        caption: what the chart shows.
        rows: by name, in their order.
        x_title: what the values are.
        marked: the row that counts.
        scale: by which values are multiplied, 100 for percent.
    """
    ends = [end * scale for row in rows.values() for end in (row.value, row.low, row.high) if end is not None]
    x = Axis.over(ends, _LEFT + 6, _RIGHT)
    bottom, parts, said = _TOP + len(rows) * _ROW, [], []
    for value in x.ticks(4):
        parts.append(tag("line", x1=x(value), x2=x(value), y1=_TOP - 4, y2=bottom, class_="grid"))
        parts.append(label(value, x(value), bottom + 15, "middle"))
    for number, (name, row) in enumerate(rows.items()):
        y, weight = _TOP + number * _ROW + _ROW / 2, "best" if name == marked else None
        parts.append(named(name, _MOST, lambda said, y=y, c=weight: text(said, _LEFT - 6, y + 4, "end", c)))  # type: ignore[misc]
        look = "s1" if name == marked else "s0"
        words = short_number(round(row.value * scale, 4))
        if row.low is not None and row.high is not None:
            parts.append(tag("line", x1=x(row.low * scale), x2=x(row.high * scale), y1=y, y2=y, class_=f"bar {look}"))
            words += f" ({row.low * scale:.4g} to {row.high * scale:.4g})"
        parts.append(tag("circle", cx=x(row.value * scale), cy=y, r=4.0, class_=f"dot {look}"))
        said.append(f"{name} {words}")
    parts.append(text(x_title, (_LEFT + _RIGHT) / 2, bottom + 32, "middle", "name"))
    return Figure(chart(id, caption, "; ".join(said), parts, height=bottom + 40), caption)


def reliability_chart(id: str, caption: str, bins: Sequence[tuple[float, float, int]]) -> Figure:
    """How often answers are right by how sure they are.

    Args:
        id: on the page.
        caption: what the chart shows.
        bins: of each bin that has answers, their mean confidence, the share that is right, and how many they are.
    """
    x, y = Axis(0, 1, 46.0, WIDTH - 10), Axis(0, 1, HEIGHT - 40, 26.0)
    parts = frame(x, y, "confidence of the answer", "share that is right")
    parts.append(tag("line", x1=x(0), y1=y(0), x2=x(1), y2=y(1), class_="ideal"))
    most = max((count for *_, count in bins), default=1)
    for confidence, right, count in bins:
        told = f"{count} answers: confidence {confidence:.2f}, right {right:.2f}"
        size = 2.5 + 5.5 * (count / most) ** 0.5
        parts.append(tag("circle", tag("title", told), cx=x(confidence), cy=y(right), r=size, class_="dot s0 seen"))
    said = "; ".join(f"confidence {a:.2f}, right {b:.2f}, {n} answers" for a, b, n in bins)
    return Figure(chart(id, caption, f"On the diagonal answers are as sure as they are right. {said}", parts), caption)
