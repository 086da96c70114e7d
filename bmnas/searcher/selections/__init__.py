"""Which genotype a trained hypernet stands for: by alpha, or by looking. A file each, and one line here."""

from __future__ import annotations

from collections.abc import Callable

from bmnas.searcher.hypernet import Hypernet
from bmnas.searcher.problem import Problem
from bmnas.searcher.selections.choice import Choice, Selection
from bmnas.searcher.selections.looks import Looks
from bmnas.searcher.selections.perturbation import perturbation
from bmnas.searcher.selections.sampled import sampled
from bmnas.searcher.selections.scored import scored

__all__ = ["SELECTIONS", "Choice", "Looks", "select"]

SELECTIONS: dict[str, Callable[[Problem, Hypernet, int, Looks], Selection]] = {
    "perturbation": perturbation,
    "sampled": sampled,
    "scored": scored,
}
"""What looks at the hypernet after the last epoch; ``alpha`` looks at alpha, beta and gamma after every one."""


def select(name: str, problem: Problem, hypernet: Hypernet, seed: int, looks: Looks | None = None) -> Selection:
    """Select a genotype from a hypernet of one seed; a generator of pauses that returns a `Choice`.

    Args:
        name: of the selection.
        problem: what is searched on.
        hypernet: as it is after its last step.
        seed: its own.
        looks: takes what is measured, and has what was measured before the same selection was stopped.
    """
    return SELECTIONS[name](problem, hypernet, seed, looks or Looks())
