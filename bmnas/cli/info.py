"""``bmnas info``."""

from __future__ import annotations

from bmnas.cli.costs import show_summary
from bmnas.cli.options import GenotypeFile, Json, TaskOfChannels, about, completed


def info(
    genotype: GenotypeFile,
    task: TaskOfChannels = None,
    as_json: Json = False,
) -> None:
    """Show what a genotype's network consists of and costs, without building it.

    Parameters, multiply-adds and activations of every node; the latter two are for one sample.

    Example: bmnas info ntu-1
    """
    from bmnas.genotype import Genotype
    from bmnas.genotype.opening import load_any

    given = load_any(genotype)
    if isinstance(given, Genotype):
        from bmnas.compiler import summarise

        given = completed(given, task)
        with about(genotype):
            summary = summarise(given)
    else:
        from bmnas.cli.stacks import completed_stacks
        from bmnas.compiler.stacks import summarise_stacks

        summary = summarise_stacks(completed_stacks(given, task))
    show_summary(summary, as_json)
