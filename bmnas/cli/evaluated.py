"""What ``bmnas evaluate`` shows and writes: tables of 80 columns, JSON, CSV files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from bmnas.errors import printable
from bmnas.files import csv_cell

if TYPE_CHECKING:
    from bmnas.evaluation import Comparison, Difference, Evaluation, Measured
    from bmnas.searcher.answering import Answered

_WIDTH = 80
_CLASSES = 20  # that a terminal shows; files have all
_CONFUSIONS = 10
_FILES = ("measures.csv", "classes.csv", "confusion.csv", "errors.csv")


def show(found: Answered, split: str, evaluation: Evaluation, comparison: Comparison | None) -> None:
    """Print an evaluation, and a comparison if there is one."""
    console = Console(emoji=False, markup=False, width=_WIDTH)
    _say(_headline(found, split, evaluation))
    console.print(_measures(evaluation))
    for line in _on_measures(evaluation):
        _say(line)
    if comparison is not None:
        _say(f"\nCompared with {comparison.other}:")
        console.print(_differences(comparison))
        for line in _on_differences(comparison):
            _say(line)
    for table in _details(evaluation):
        console.print(table)
    for remark in (*found.remarks, *evaluation.remarks, *(comparison.remarks if comparison else ())):
        _say(f"Note: {remark}.")


def to_json(found: Answered, split: str, evaluation: Evaluation, comparison: Comparison | None) -> str:
    """All numbers, for other programs."""
    content: dict[str, Any] = {
        "what": found.name,
        "split": split,
        "notes": list(found.remarks),
        "evaluation": evaluation.model_dump(mode="json"),
        "comparison": comparison.model_dump(mode="json") if comparison else None,
    }
    return json.dumps(content, indent=2)


def refuse_existing_csv(folder: Path, force: bool) -> None:
    """Stop before any work where a file exists.

    Raises:
        BmnasError: it does, and ``force`` is not given, or the folder cannot be written.
    """
    from bmnas.cli.options import refuse_existing

    for name in _FILES:
        refuse_existing(folder / name, force)


def write_csv(folder: Path, evaluation: Evaluation) -> None:
    """Write measures, classes and the confusion matrix; of a regression the errors of its outputs.

    Raises:
        BmnasError: a file cannot be written.
    """
    _write(
        folder / "measures.csv",
        ["measure", "value", "low", "high"],
        [[each.name, each.value, each.low, each.high] for each in evaluation.measures],
    )
    if evaluation.classes:
        rows = [[csv_cell(each.name), *list(each.model_dump().values())[1:]] for each in evaluation.classes]
        _write(folder / "classes.csv", ["class", "samples", "answers", "precision", "recall", "f1"], rows)
    if evaluation.confusion:
        names = [csv_cell(each.name) for each in evaluation.classes]
        counts = [[name, *row] for name, row in zip(names, evaluation.confusion, strict=True)]
        _write(folder / "confusion.csv", ["label \\ answer", *names], counts)
    if evaluation.errors:
        rows = [[csv_cell(each.name), each.mae, each.rmse, each.r2] for each in evaluation.errors]
        _write(folder / "errors.csv", ["output", "mae", "rmse", "r2"], rows)


def _write(path: Path, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    from bmnas.files import write_atomically

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(["" if cell is None else cell for cell in row] for row in rows)
    write_atomically(path, text.getvalue())


def _headline(found: Answered, split: str, evaluation: Evaluation) -> str:
    of = f"{evaluation.samples:,} {split} sample{'s' if evaluation.samples != 1 else ''}"
    groups = f" of {evaluation.groups:,} groups" if evaluation.groups is not None else ""
    return f"{found.name}: {of}{groups}"


def _measures(evaluation: Evaluation) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("measure")
    table.add_column("value", justify="right")
    table.add_column(f"{100 * evaluation.level:g} % interval", justify="right")
    for each in evaluation.measures:
        table.add_row(each.name, _number(each, each.value), _interval(each))
    return table


def _on_measures(evaluation: Evaluation) -> Iterator[str]:
    if evaluation.one_sample is not None:
        yield f"One sample is worth {100 * evaluation.one_sample:.2g} points of accuracy."
    for each in evaluation.measures:
        if each.value is None:
            yield f"{each.name} is undefined: {each.why}."


def _differences(comparison: Comparison) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=0)  # or seven columns would not fit
    table.add_column("\nmeasure", overflow="fold", min_width=14)
    for heading in ("\nthis", "\nother", "this less\nother", f"\n{100 * comparison.level:g} % interval", "\np"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("could\nshow", justify="right", no_wrap=True)
    for each in comparison.differences:
        table.add_row(
            each.name,
            "-" if each.one is None else _number(each, each.one),
            "-" if each.other is None else _number(each, each.other),
            "-" if each.difference is None else _bare(each, each.difference, "+"),
            "" if each.low is None else f"{_bare(each, each.low, '+')} to {_bare(each, each.high, '+')}",
            _p(each.p),
            _bare(each, each.smallest) if each.smallest is not None else "-",
        )
    return table


def _on_differences(comparison: Comparison) -> Iterator[str]:
    tests = list(dict.fromkeys(each.test for each in comparison.differences if each.test))
    if tests:
        yield (
            f"p by {' and '.join(_TESTS.get(test, test) for test in tests)}, each of one measure alone. Could show: "
            "the smallest difference that so many samples show, at 5 % with a power of 80 %; shares in points."
        )
    if comparison.only_one is not None and comparison.only_other is not None:
        yield (
            f"Samples answered right by this alone: {comparison.only_one:,}, by the other alone: "
            f"{comparison.only_other:,}."
        )


_TESTS = {
    "McNemar": "McNemar's exact test (accuracy)",
    "sign flips of groups": "sign flips of groups (accuracy)",
    "paired bootstrap": "paired bootstrap (the others)",
}


def _details(evaluation: Evaluation) -> Iterator[Table]:
    if evaluation.classes:
        yield _class_table(evaluation)
    if evaluation.confusion:
        yield _confusion_matrix(evaluation) or _confusions(evaluation)
    if len(evaluation.errors) > 1:
        table = Table("output", box=box.SIMPLE_HEAD, title=_title("Outputs", len(evaluation.errors)))
        for heading in ("MAE", "RMSE", "R²"):
            table.add_column(heading, justify="right")
        for each in evaluation.errors[:_CLASSES]:
            table.add_row(printable(each.name), *(_plain(value) for value in (each.mae, each.rmse, each.r2)))
        yield table


def _class_table(evaluation: Evaluation) -> Table:
    classes = list(evaluation.classes)
    title = "Classes"
    if len(classes) > _CLASSES:
        # Those without a number have no samples and no answers, so there is nothing to see.
        classes = sorted(classes, key=lambda each: 2.0 if each.f1 is None else each.f1)[:_CLASSES]
        title = f"The {_CLASSES} classes of {len(evaluation.classes)} with the smallest F1; --csv has all"
    table = Table(box=box.SIMPLE_HEAD, title=title)
    table.add_column("class", overflow="fold")
    for heading in ("samples", "answers", "precision", "recall", "F1"):
        table.add_column(heading, justify="right")
    for each in classes:
        shares = (_percent(each.precision), _percent(each.recall), _plain(each.f1))
        table.add_row(printable(each.name), f"{each.support:,}", f"{each.answers:,}", *shares)
    return table


def _confusion_matrix(evaluation: Evaluation) -> Table | None:
    """The whole matrix, if it fits."""
    assert evaluation.confusion is not None
    names = [printable(each.name) for each in evaluation.classes]
    cells = [[str(count) if count else "·" for count in row] for row in evaluation.confusion]
    widths = [max(len(name), *(len(row[k]) for row in cells)) for k, name in enumerate(names)]
    if max(map(len, names)) + sum(width + 2 for width in widths) + 14 > _WIDTH:
        return None
    title = "Samples by label and answer"
    table = Table("label", box=box.SIMPLE_HEAD, title=title, min_width=len(title) + 4)
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for name, row in zip(names, cells, strict=True):
        table.add_row(name, *row)
    return table


def _confusions(evaluation: Evaluation) -> Table:
    """The most frequent mistakes."""
    assert evaluation.confusion is not None
    names = [printable(each.name) for each in evaluation.classes]
    wrong = [
        (count, i, j) for i, row in enumerate(evaluation.confusion) for j, count in enumerate(row) if i != j and count
    ]
    title = "The most frequent mistakes; --csv has the matrix"
    table = Table("label", "answer", box=box.SIMPLE_HEAD, title=title, min_width=len(title) + 4)
    table.add_column("samples", justify="right")
    for count, i, j in sorted(wrong, key=lambda each: (-each[0], each[1:]))[:_CONFUSIONS]:
        table.add_row(names[i], names[j], f"{count:,}")
    return table


def _title(what: str, count: int) -> str:
    return what if count <= _CLASSES else f"The first {_CLASSES} of {count} {what.lower()}; --csv has all"


def _interval(each: Measured) -> str:
    return "" if each.low is None else f"{_bare(each, each.low)} to {_number(each, each.high)}"


def _number(each: Measured | Difference, value: float | None) -> str:
    if value is None:
        return "undefined"
    return f"{100 * value:.2f} %" if each.is_share else _plain(value)


def _bare(each: Measured | Difference, value: float | None, sign: str = "") -> str:
    if value is None:
        return ""
    return format(100 * value, f"{sign}.2f") if each.is_share else _plain(value, sign)


def _plain(value: float | None, sign: str = "") -> str:
    if value is None:
        return "-"
    return format(value, f"{sign}.4f") if abs(value) < 1000 else format(value, f"{sign}.5g")


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def _p(value: float | None) -> str:
    if value is None:
        return ""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _say(text: str) -> None:
    begin = "\n" if text.startswith("\n") else ""
    typer.echo(begin + fill(printable(text.strip("\n")), _WIDTH, break_long_words=False, break_on_hyphens=False))
