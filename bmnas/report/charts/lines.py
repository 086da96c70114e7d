"""Series of values over epochs, and points of two values each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from bmnas.report.charts.svg import HEIGHT, LOOKS, WIDTH, Axis, chart, frame, short_number, tag
from bmnas.report.parts import Figure

_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, WIDTH - 10, 26.0, HEIGHT - 40
_RATIO = 50  # values that differ by more are shown by their logarithms


def line_chart(
    id: str,
    caption: str,
    series: Mapping[str, Mapping[int, float]],
    x_title: str,
    y_title: str,
    looks: Sequence[int] | None = None,
) -> Figure | None:
    """Series by name, each a value by epoch (or whatever ``x_title`` says); ``None`` where no value is there.

    Args:
        id: on the page.
        caption: what the chart shows.
        series: a gap stands where a value is absent or no number.
        x_title: what is counted.
        y_title: what the values are.
        looks: of the series, where they are to look like those of another chart.
    """
    there = {name: {x: y for x, y in sorted(values.items()) if math.isfinite(y)} for name, values in series.items()}
    there = {name: values for name, values in there.items() if values}
    if not there:
        return None
    numbers = dict(zip(series, looks if looks is not None else range(len(series)), strict=True))
    every = [y for values in there.values() for y in values.values()]
    logarithmic = min(every) > 0 and max(every) / min(every) > _RATIO
    x = Axis.over([float(x) for values in there.values() for x in values], _LEFT, _RIGHT)
    y = Axis.over(every, _BOTTOM, _TOP, logarithmic=logarithmic)
    ticks = [value for value in x.ticks() if value == round(value)]
    parts = frame(x, y, x_title, y_title + (" (logarithmic)" if logarithmic else ""), ticks)
    for name, values in there.items():
        look = f"s{numbers[name] % LOOKS}"
        points = [(x(float(epoch)), y(value)) for epoch, value in values.items()]
        drawn = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        if len(points) > 1:
            parts.append(tag("polyline", points=drawn, class_=f"line {look}"))
        parts.append(tag("circle", cx=points[-1][0], cy=points[-1][1], r=2.5, class_=f"dot {look}"))
    legend = tuple((numbers[name] % LOOKS, name) for name in there) if len(series) > 1 else ()
    return Figure(chart(id, caption, _described(there, x_title), parts), caption, legend)


def scatter(id: str, caption: str, points: Sequence[tuple[float, float, str]], x_title: str, y_title: str) -> Figure:
    """Points (x, y), each with what it is."""
    x = Axis.over([point[0] for point in points], _LEFT, _RIGHT - 6)
    y = Axis.over([point[1] for point in points], _BOTTOM - 4, _TOP + 4)
    parts: list[Markup] = frame(x, y, x_title, y_title)
    for one, other, name in points:
        parts.append(tag("circle", tag("title", name), cx=x(one), cy=y(other), r=4.0, class_="dot s0"))
    said = "; ".join(f"{name}: {short_number(round(a, 4))}, {short_number(round(b, 4))}" for a, b, name in points[:40])
    return Figure(chart(id, caption, f"{len(points)} points. {said}", parts), caption)


def _described(series: Mapping[str, Mapping[int, float]], x_title: str) -> str:
    """From where to where each goes."""
    found = []
    for name, values in list(series.items())[:20]:
        first, last = min(values), max(values)
        found.append(
            f"{name}: from {short_number(round(values[first], 4))} at {x_title} {first} to "
            f"{short_number(round(values[last], 4))} at {x_title} {last}"
        )
    return "; ".join(found)
