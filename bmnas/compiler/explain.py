"""A plan in words, pass by pass."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from bmnas.compiler.passes import FOR_INFERENCE, FOR_TRAINING, Pass, resolve
from bmnas.compiler.plan.plan import Op, Plan, in_words
from bmnas.genotype import Genotype


def explain(genotype: Genotype) -> Iterator[str]:
    """The lines that tell what every pass makes of a genotype: the whole plan where the pass changed it.

    Raises:
        GenotypeError: a used feature's channels are not known.
    """
    plan = resolve(genotype)
    yield from _stage("resolve", resolve, plan, None)
    for number, each in enumerate(FOR_INFERENCE):
        if number == len(FOR_TRAINING):
            yield "The network executes this plan. The following passes are those of for_inference()."
            yield ""
        before, plan = plan, each(plan)
        yield from _stage(each.__name__, each, plan, before)


def _stage(name: str, function: Pass | object, plan: Plan, before: Plan | None) -> Iterator[str]:
    about = (inspect.getdoc(inspect.getmodule(function)) or "").partition("\n")[0]
    changed = before is None or before.ops != plan.ops
    count = f"{len(plan)} ops" if before is None or len(before) == len(plan) else f"{len(before)} -> {len(plan)} ops"
    yield f"{name}: {about} {count}{'' if changed else ', unchanged'}"
    if changed:
        old = set(before.ops) if before else set()
        rows = [_row(op) for op in plan]
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        for op, row in zip(plan, rows, strict=True):
            mark = " " if before is None or op in old else "*"
            cells = [text.ljust(width) for text, width in zip(row, widths, strict=False)]
            yield f"  {mark} {'  '.join([*cells, row[3]])}".rstrip()
    yield ""


def _row(op: Op) -> tuple[str, str, str, str]:
    shape = f"({', '.join(map(str, op.shape))})" if op.shape else ""
    reads = ", ".join(map(in_words, op.reads))
    return op.name(), op.primitive.words(), shape, f"<- {reads}" if reads else ""
