"""A study in files: Markdown, JSON, LaTeX, and a plot of each table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bmnas.files import write_atomically
from bmnas.study.plot import plotted
from bmnas.study.table import Row, Study, Table

LEVEL = 0.05


def write(study: Study, folder: Path) -> list[Path]:
    """Write all of them.

    Returns:
        The files: ``study.md``, ``study.json``, ``study.tex``, and one drawing a table.

    Raises:
        BmnasError: a file cannot be written.
    """
    files = {
        "study.md": markdown(study),
        "study.json": study.model_dump_json(indent=2) + "\n",
        "study.tex": latex(study),
        **{f"{table.name}.svg": plotted(table, study) for table in study.tables},
    }
    for name, content in files.items():
        write_atomically(folder / name, content)
    return [folder / name for name in files]


def markdown(study: Study) -> str:
    """Every table with what is needed to read it."""
    return "\n".join(_markdown(study)).rstrip() + "\n"


def latex(study: Study) -> str:
    """Every table for a paper; it needs the package booktabs."""
    return "\n\n".join("\n".join(_latex(table, study)) for table in study.tables) + "\n"


def cells_of(row: Row, study: Study) -> list[str]:
    """A row as people read it: name, score, difference, p, smallest difference, parameters, seconds."""
    if row.why_not is not None:
        return [row.name, "", "", "", "", "", ""]
    factor = 100 if study.is_share else 1
    digits = 2 if study.is_share else 4
    score = "" if row.mean is None else f"{factor * row.mean:.{digits}f}"
    if row.std is not None and len(set(row.scores)) > 1:
        score += f" ± {factor * row.std:.{digits}f}"
    difference = p = smallest = ""
    if row.against is not None:
        of_share = row.against.of == "accuracy"
        scale, places = (100, 2) if of_share else (1, 4)
        difference = (
            f"{scale * row.against.difference:+.{places}f} "
            f"[{scale * row.against.low:+.{places}f}, {scale * row.against.high:+.{places}f}]"
        )
        p = _p(row.against.corrected)
        smallest = "" if row.against.smallest is None else f"{scale * row.against.smallest:.{places}f}"
    parameters = "" if row.parameters is None else f"{row.parameters:,.0f}"
    return [row.name, score, difference, p, smallest, parameters, _seconds(row)]


def headings(table: Table, study: Study) -> list[str]:
    """Of `cells_of`."""
    unit = ", %" if study.is_share else ""
    return [
        "",
        f"test {study.metric}{unit}",
        f"{table.looked_at} − row [95 %]",
        "p (Holm)",
        "shows",
        "parameters",
        "seconds",
    ]


def notes(table: Table, study: Study) -> list[str]:
    """What a reader has to know of a table, in sentences."""
    seeds = f"{len(study.seeds)} seeds ({', '.join(map(str, study.seeds))})" if len(study.seeds) > 1 else "one seed"
    groups = "" if study.groups is None else f" of {study.groups} groups, which count as one sample each"
    of = {row.against.of for row in table.rows if row.against}
    what = "points of accuracy" if of == {"accuracy"} else "loss"
    found = [
        f"{study.samples:,} test samples{groups}, {seeds}; mean ± standard deviation over seeds.",
        f"Every row: {study.budget}.",
    ]
    if of:
        test = "exact sign-flip test" if of == {"accuracy"} else "t-test"
        found.append(
            f"Differences are {what}, paired sample by sample, means over seeds, with their 95 % interval; p is "
            f"two-sided ({test}), corrected for the rows of the table (Holm); *shows* is the smallest difference that "
            "so many samples show four times in five."
        )
    return found


def _markdown(study: Study) -> Iterator[str]:
    for table in study.tables:
        yield f"## {table.title}"
        yield ""
        yield f"Task {study.task}. " + " ".join(notes(table, study))
        yield ""
        columns = headings(table, study)
        yield f"| {' | '.join(map(_escaped_markdown, columns))} |"
        yield f"|{'---|' * len(columns)}"
        for row in table.rows:
            cells = cells_of(row, study)
            if row.name == table.looked_at:
                cells[:2] = [f"**{cell}**" for cell in cells[:2]]
            if row.why_not is not None:
                cells[1] = f"left out: {row.why_not}"
            yield f"| {' | '.join(map(_escaped_markdown, cells))} |"
        yield ""
        for row in table.rows:
            if row.source:
                yield f"- *{_escaped_markdown(row.name)}*: {_escaped_markdown(row.source)}"
        yield ""
    if study.command:
        yield f"Made by `{study.command}`."
    yield ", ".join(f"{name} {value}" for name, value in study.environment.items()) + "."


def _latex(table: Table, study: Study) -> Iterator[str]:
    columns = headings(table, study)
    yield f"% {table.title}; {study.task}. {' '.join(notes(table, study))}"
    yield rf"\begin{{tabular}}{{l{'r' * (len(columns) - 1)}}}"
    yield r"\toprule"
    yield " & ".join(map(_escaped_latex, columns)) + r" \\"
    yield r"\midrule"
    for row in table.rows:
        cells = [_escaped_latex(cell) for cell in cells_of(row, study)]
        if row.name == table.looked_at:
            cells[:2] = [rf"\textbf{{{cell}}}" for cell in cells[:2]]
        if row.why_not is not None:
            cells[1] = "left out"
        yield " & ".join(cells) + r" \\"
    yield r"\bottomrule"
    yield r"\end{tabular}"


def _seconds(row: Row) -> str:
    total = sum(row.seconds.values())
    return f"{total:.1f}" if total < 100 else f"{total:,.0f}"


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else "< 0.001"


def _escaped_markdown(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


_LATEX = {
    "\\": r"\textbackslash{}",
    "−": "$-$",
    "±": r"$\pm$",
    "<": "$<$",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}


def _escaped_latex(text: str) -> str:
    return "".join(_LATEX.get(sign, sign) for sign in text)
