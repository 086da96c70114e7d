"""The search space as a value: which genotypes there are to choose from, how many, and how to walk among them.

`Space` is what one uses. A genotype of a space is a sequence of choices (`choices.py`): which nodes each cell reads
(`upper.py`), and which operation each step applies to which nodes (`lower.py`). Both number their choices without
gaps, so a genotype has an index, and an even random index gives an even random genotype. `Space.cell_may_read` and
`Space.step_may_read` tell one who makes the choices himself, one after the other, what is left.
"""

from bmnas.genotype.space.rules import OFFICIAL, OFFICIAL_POOL, PAPER, PAPER_POOL, RULES, Rules
from bmnas.genotype.space.value import Space

__all__ = ["OFFICIAL", "OFFICIAL_POOL", "PAPER", "PAPER_POOL", "RULES", "Rules", "Space"]
