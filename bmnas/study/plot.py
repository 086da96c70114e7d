"""A table as a drawing: a dot for each seed, a mark at the mean, rows below each other; SVG that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from math import ceil, floor, log10

from bmnas.study.table import Row, Study, Table

_ROW, _TOP, _LEFT, _WIDTH, _RIGHT = 26, 44, 190, 420, 24
_STYLE = (
    "text{font:13px sans-serif;fill:#222}.tick{fill:#666;font-size:11px}.grid{stroke:#ddd}.dot{fill:#888}"
    ".mean{stroke:#222;stroke-width:2}.own .dot{fill:#0072b2}.own .mean{stroke:#0072b2}.own text{font-weight:bold}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.tick{fill:#999}.grid{stroke:#444}.mean{stroke:#ddd}"
    ".own .dot{fill:#56b4e9}.own .mean{stroke:#56b4e9}}"
)


def plotted(table: Table, study: Study) -> str:
    """The drawing of a table."""
    rows = [row for row in table.rows if row.scores]
    height = _TOP + _ROW * max(1, len(rows)) + 16
    width = _LEFT + _WIDTH + _RIGHT
    factor = 100 if study.is_share else 1
    ticks = _ticks([factor * score for row in rows for score in row.scores])
    title = f"{table.title}: {study.task}, test {study.metric}" + (", %" if study.is_share else "")
    said = "; ".join(f"{row.name} {factor * row.mean:.2f}" for row in rows if row.mean is not None)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            'role="img" aria-labelledby="title desc">',
            f'<title id="title">{escape(title)}</title><desc id="desc">{escape(said)}</desc>',
            f"<style>{_STYLE}</style>",
            f'<text x="8" y="18">{escape(title)}</text>',
            *_grid(ticks, height),
            *(line for at, row in enumerate(rows) for line in _drawn(row, at, factor, ticks, table.looked_at)),
            "</svg>",
            "",
        ]
    )


def _drawn(row: Row, at: int, factor: int, ticks: list[float], looked_at: str) -> Iterator[str]:
    y = _TOP + _ROW * at + _ROW / 2
    own = ' class="own"' if row.name == looked_at else ""
    yield f'<g{own}><text x="{_LEFT - 12}" y="{y + 4}" text-anchor="end">{escape(_short(row.name))}</text>'
    for score in row.scores:
        yield f'<circle class="dot" cx="{_x(factor * score, ticks):.1f}" cy="{y}" r="3.5" fill-opacity="0.6"/>'
    if row.mean is not None:
        x = _x(factor * row.mean, ticks)
        yield f'<line class="mean" x1="{x:.1f}" x2="{x:.1f}" y1="{y - 9}" y2="{y + 9}"/>'
    yield "</g>"


def _grid(ticks: list[float], height: int) -> Iterator[str]:
    step = ticks[1] - ticks[0]
    digits = max(0, -floor(log10(step)))
    for tick in ticks:
        x = _x(tick, ticks)
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 4}" y2="{height - 12}"/>'
        yield f'<text class="tick" x="{x:.1f}" y="{_TOP - 8}" text-anchor="middle">{tick:.{digits}f}</text>'


def _x(value: float, ticks: list[float]) -> float:
    return _LEFT + _WIDTH * (value - ticks[0]) / (ticks[-1] - ticks[0])


def _ticks(values: list[float]) -> list[float]:
    """Round numbers around all values, at most eight, at least two."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    spread = (high - low) or max(abs(high) * 0.01, 1e-6)
    size = 10.0 ** floor(log10(spread / 4))
    step = next(size * factor for factor in (1, 2, 5, 10) if spread / (size * factor) <= 6)
    first, last = floor(low / step), ceil(high / step)
    last = max(last, first + 1)
    return [number * step for number in range(first, last + 1)]


def _short(name: str) -> str:
    return name if len(name) <= 26 else f"{name[:25]}…"
