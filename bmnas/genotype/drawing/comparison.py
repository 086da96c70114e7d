"""Two genotypes as one scene: what only the first has is removed, what only the second has is added, the rest is kept.

Features, cells and steps correspond as in `bmnas.genotype.diff`: namesakes, and what was only renamed. A step (or a
feature) that both have, but differently, is changed: it shows what it was and what it is. So is what was renamed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, TypeVar

from bmnas.genotype.drawing.picture import FOLD_ABOVE, Unused, by_modality, folded_row
from bmnas.genotype.drawing.scene import HEAD, Arrow, ArrowKind, Box, Column, Frame, Key, Kind, Line, Mark, Scene
from bmnas.genotype.drawing.style import SIGN
from bmnas.genotype.drawing.words import cell_lines, head_lines, ordered, output_lines, sizes, step_lines
from bmnas.genotype.genotype import Genotype
from bmnas.genotype.graph import OUTPUT, reads
from bmnas.genotype.matching import in_words_of
from bmnas.genotype.operations import INPUT_NAMES
from bmnas.genotype.schema import Cell, Feature, Step

Lines = tuple[Line, ...]
OldNames = Mapping[Key, str]
Value = TypeVar("Value")


def scene_of_two(a: Genotype, b: Genotype, unused: Unused) -> Scene:
    """What turns ``a`` into ``b``; ``unused`` is about features that nothing reads in either."""
    a, old = in_words_of(b, a)
    read = {source for each in (a, b) for sources in reads(each).values() for source in sources}
    frames = tuple(_frames(a, b, old))
    columns = tuple(_columns(a, b, read, unused))
    ends = tuple(_ends(a, b))
    arrows = tuple(_arrows(a, b))
    notes = tuple(_settings(a, b))
    boxes = [*ends, *(box for frame in frames for box in (*frame.inputs, *frame.boxes))]
    boxes += [row for column in columns for row in column.rows if row.key[0] == "feature"]
    marks = {each.mark for part in (frames, arrows, boxes) for each in part}
    differs = bool(notes) or not marks <= {"kept"}
    aside = sizes(a) if sizes(a) == sizes(b) else ""
    return Scene(f"{a.name} → {b.name}", aside, columns, frames, ends, arrows, notes, _legend(a, b, differs))


def _legend(a: Genotype, b: Genotype, differs: bool) -> tuple[tuple[Mark, str], ...]:
    if not differs:
        return (("kept", "no difference is drawn"),)
    first, second = (a.name, b.name) if a.name != b.name else ("the first", "the second")
    return (
        ("removed", f"only in {first}"),
        ("added", f"only in {second}"),
        ("changed", "differs: shows both"),
        ("kept", "the same in both"),
    )


def _columns(a: Genotype, b: Genotype, read: set[Key], unused: Unused) -> Iterator[Column]:
    before, after = _by_name(a.features), _by_name(b.features)
    both = [*b.features, *(feature for feature in a.features if feature.name not in after)]
    for modality, features in by_modality(both).items():
        rows = [_feature(before.get(each.name), after.get(each.name)) for each in features]
        idle = [row for row in rows if row.mark == "kept" and row.key not in read]
        if unused == "hide":
            rows = [row for row in rows if row not in idle]
        elif unused == "fold" and len(both) > FOLD_ABOVE and len(idle) > 1:
            rows = [row for row in rows if row not in idle]
            rows.append(folded_row(modality, len(idle), others=bool(rows)))
        if rows:
            # What stands in none or only one of the two backbones has no place in the order of both.
            joined = all(row.mark in ("kept", "changed") for row in rows)
            yield Column(modality, tuple(rows), joined=joined)


def _feature(before: Feature | None, after: Feature | None) -> Box:
    feature = after or before
    assert feature is not None
    mark = _mark(before, after)
    lines = [Line(feature.name, mark=mark)]
    if before is not None and after is not None:
        for key, was, now in _differences(before, after):
            lines += [Line(f"{key} {was}", True, "removed"), Line(f"{key} {now}", True, "added")]
    return Box(("feature", feature.name), "feature", tuple(lines), mark, f"feature {feature.name}, {mark}")


def _frames(a: Genotype, b: Genotype, old: OldNames) -> Iterator[Frame]:
    for before, after in _pairs(a.cells, b.cells):
        was = cell_lines(before, a.dialect) if before else None
        now = cell_lines(after, b.dialect) if after else None
        yield _frame(before, after, was, now, old)


def _frame(before: Cell | None, after: Cell | None, was: Lines | None, now: Lines | None, old: OldNames) -> Frame:
    cell = after or before
    assert cell is not None
    sources = [each.inputs if each else () for each in (before, after)]
    inputs = [_input(cell, name, *pair) for name, *pair in zip_longest(INPUT_NAMES[: max(map(len, sources))], *sources)]
    boxes = [_step(cell, *pair, old) for pair in _pairs(before.steps if before else (), after.steps if after else ())]
    boxes.append(_box(("cell", cell.name), "cell", was, now, f"output of {cell.name}"))
    key = ("cell", cell.name)
    mark = ("changed" if key in old else "kept") if before and after else _mark(before, after)
    return Frame(key, _called(key, old), tuple(inputs), tuple(boxes), mark)


def _input(cell: Cell, name: str, was: str | None, now: str | None) -> Box:
    mark = _mark(was, now)
    lines = [Line(name, mark=mark if mark in SIGN else None, bold=True)]
    if mark == "changed" and was and now:
        lines += [Line(was, True, "removed"), Line(now, True, "added")]
    else:
        lines.append(Line(now or was or "", small=True))
    return Box(("input", cell.name, name), "input", tuple(lines), mark, f"{name} of {cell.name}, {mark}")


def _step(cell: Cell, before: Step | None, after: Step | None, old: OldNames) -> Box:
    step = after or before
    assert step is not None
    versions = [each for each in (before, after) if each is not None]
    told = any(map(ordered, versions)) or len({tuple(sorted(each.inputs)) for each in versions}) > 1
    was, now = (step_lines(each, told) if each else None for each in (before, after))
    key = ("step", cell.name, step.name)
    name = Line(_called(key, old), small=True)
    box = _box(key, "step", was, now, f"{name.text} of {cell.name}", (name,))
    if key in old and box.mark == "kept":
        return Box(key, "step", box.lines, "changed", f"{name.text} of {cell.name}, changed")
    return box


def _called(key: Key, old: OldNames) -> str:
    """Its name, or both where it was renamed."""
    return f"{old[key]} → {key[-1]}" if key in old else key[-1]


def _ends(a: Genotype, b: Genotype) -> Iterator[Box]:
    yield _box(OUTPUT, "output", output_lines(a), output_lines(b), "output")
    was, now = head_lines(a), head_lines(b)
    if was or now:
        yield _box(HEAD, "output", was, now, "head")


def _box(
    key: Key,
    kind: Kind,
    was: Lines | None,
    now: Lines | None,
    words: str,
    above: tuple[Line, ...] = (),
) -> Box:
    """A box that shows what it was, what it is, or both where they differ; the sign stands at the first line."""
    mark = _mark(was, now)
    lines = (*above, *(now or was or ()))
    if mark == "changed" and was and now:
        lines = (*above, *_signed(was, "removed"), *_signed(now, "added"))
    elif mark in ("added", "removed"):
        lines = _signed(lines, mark)
    return Box(key, kind, lines, mark, f"{words}, {mark}")


def _signed(lines: Sequence[Line], mark: Mark) -> tuple[Line, ...]:
    first, *others = lines
    return Line(first.text, first.small, mark), *others


def _arrows(a: Genotype, b: Genotype) -> Iterator[Arrow]:
    before, after = _reads(a), _reads(b)
    for edge in {**after, **before}:
        kept = min(before[edge], after[edge])
        counts: dict[Mark, int] = {"kept": kept, "removed": before[edge] - kept, "added": after[edge] - kept}
        for mark, count in counts.items():
            if count:
                yield Arrow(*edge, mark, count)


def _reads(genotype: Genotype) -> Counter[tuple[Key, Key, ArrowKind]]:
    """Source, target and kind of an edge, with how many times the target reads the source."""
    found: Counter[tuple[Key, Key, ArrowKind]] = Counter()
    for target, sources in reads(genotype).items():
        for place, source in enumerate(sources):
            kind: ArrowKind = "upper" if target[0] in ("input", "output") else "inner"
            if target[0] == "cell" and genotype.dialect == "official" and place == len(sources) - 1:
                kind = "residual"
            found[source, target, kind] += 1
    if head_lines(genotype):
        found[OUTPUT, HEAD, "upper"] = 1
    return found


def _settings(a: Genotype, b: Genotype) -> Iterator[str]:
    """What no box shows."""
    values: list[Mapping[str, Any]] = [
        {
            "dialect": each.dialect,
            "channels": each.representation.channels,
            "length": each.representation.length,
            "dropout": each.dropout,
        }
        for each in (a, b)
    ]
    for key, was in values[0].items():
        if was != values[1][key]:
            yield f"{key} {was} → {values[1][key]}"


def _differences(before: Feature, after: Feature) -> Iterable[tuple[str, Any, Any]]:
    for key in ("modality", "channels", "reshape"):
        was, now = getattr(before, key), getattr(after, key)
        if was != now:
            yield key, was, now


def _pairs(before: Sequence[Any], after: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """What has one name in both, ``None`` for what one of them lacks: in the order of ``after``, then the removed."""
    old, new = _by_name(before), _by_name(after)
    for name in {**new, **old}:
        yield old.get(name), new.get(name)


def _by_name(values: Iterable[Value]) -> dict[str, Value]:
    return {value.name: value for value in values}  # type: ignore[attr-defined]


def _mark(before: object, after: object) -> Mark:
    if before is None:
        return "added"
    if after is None:
        return "removed"
    return "kept" if before == after else "changed"
