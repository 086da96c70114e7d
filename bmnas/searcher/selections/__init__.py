"""Which genotype a trained hypernet stands for: by alpha, or by looking. A file each, and one line here.

A selection is its settings: a subclass of `Looking` looks at the trained hypernet after the last epoch, and says how
with a method ``select``. An installed package adds one with an entry point of the group ``bmnas.selections``.
"""

from __future__ import annotations

from bmnas.searcher.selections.alpha import Alpha
from bmnas.searcher.selections.choice import Choice, Selection
from bmnas.searcher.selections.looking import Looking
from bmnas.searcher.selections.looks import Looks
from bmnas.searcher.selections.perturbation import Perturbation
from bmnas.searcher.selections.sampled import Sampled
from bmnas.searcher.selections.scored import Scored
from bmnas.searcher.settings import SelectionSettings
from bmnas.table import Table

__all__ = ["SELECTIONS", "Alpha", "Choice", "Looking", "Looks", "Perturbation", "Sampled", "Scored", "Selection"]

SELECTIONS: Table[type[SelectionSettings]] = Table(
    "selection",
    [
        Scored,
        Alpha,
        Perturbation,
        Sampled,
    ],
    name=lambda selection: selection.name(),
    group="bmnas.selections",
)
