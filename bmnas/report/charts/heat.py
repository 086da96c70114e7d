"""A heat map: the weights of alternatives over the epochs, a row for each alternative, with its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from bmnas.report.charts.svg import WIDTH, chart, named, short_number, tag, text
from bmnas.report.parts import Figure

_LEFT, _RIGHT, _TOP, _ROW, _BOTTOM = 104.0, WIDTH - 40, 24.0, 16.0, 34.0
_MOST = 17  # characters of a name
_LEVELS = 50


def heat_map(id: str, caption: str, rows: Mapping[str, Sequence[float]], epochs: Sequence[int]) -> Figure:
    """Shares from 0 to 1, stronger where greater; the last one of each row stands at its end.

    Args:
        id: on the page.
        caption: what the map shows.
        rows: of each alternative, a share for each epoch.
        epochs: their numbers.
    """
    width = (_RIGHT - _LEFT) / len(epochs)
    # Where all weigh the same, as before anything is learnt, all are of middle strength.
    most = max([2 / len(rows), *(max(values) for values in rows.values())])
    ends = {name: values[-1] for name, values in rows.items()}
    best = max(ends, key=ends.__getitem__)
    parts = []
    for number, (name, values) in enumerate(rows.items()):
        top, weight = _TOP + number * _ROW, "best" if name == best else None
        parts.append(
            named(name, _MOST, lambda said, y=top + 12, c=weight: text(said, _LEFT - 6, y, "end", c))  # type: ignore[misc]
        )
        parts.append(tag("rect", x=_LEFT, y=top, width=_RIGHT - _LEFT, height=_ROW - 1, class_="ground"))
        begin = 0
        # Epochs beside each other that look the same are one box: a page of many searches stays small.
        levels = (round(_LEVELS * max(value, 0) / most) for value in values)
        for level, same in groupby(levels):
            count = len(list(same))
            if level:
                parts.append(
                    tag(
                        "rect",
                        x=_LEFT + begin * width,
                        y=top,
                        width=count * width,
                        height=_ROW - 1,
                        fill_opacity=f"{level / _LEVELS:.2g}",
                        class_="heat",
                    )
                )
            begin += count
        parts.append(text(f"{values[-1]:.2f}", _RIGHT + 5, top + 12, None, weight))
    bottom = _TOP + len(rows) * _ROW
    for place, epoch in ((0, epochs[0]), (len(epochs) - 1, epochs[-1])) if len(epochs) > 1 else ((0, epochs[0]),):
        parts.append(text(str(epoch), _LEFT + (place + 0.5) * width, bottom + 13, "middle"))
    parts.append(text("epoch", (_LEFT + _RIGHT) / 2, bottom + 13, "middle", "name"))
    parts.append(text("last", _RIGHT + 5, _TOP - 8, None, "name"))
    description = (
        f"Rows are alternatives, columns epochs {epochs[0]} to {epochs[-1]}; the strongest ground is "
        f"{short_number(round(most, 3))}. After the last epoch: "
        + ", ".join(f"{name} {value:.2f}" for name, value in sorted(ends.items(), key=lambda item: -item[1])[:30])
    )
    return Figure(chart(id, caption, description, parts, height=bottom + _BOTTOM - 10), caption)
