"""What a cell and a step of a search space may read, after the paper and after the released code."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from math import comb
from types import MappingProxyType
from typing import Literal

from pydantic import Field

from bmnas.genotype.schema import Frozen


class Rules(Frozen):
    """What cells and steps may read. The defaults are the paper's rules."""

    cells_read: Literal["any", "features"] = Field(
        default="any", description="What a cell may read: features and earlier cells (Eq. 3), or features only."
    )
    cells_differ: Literal["inputs", "new feature"] = Field(
        default="inputs",
        description="How cells differ: no two read the same set of nodes (footnote 1 of the paper), or each reads a "
        "feature that no earlier cell reads.",
    )
    steps_repeat: bool = Field(
        default=True, description="Whether a step may read one node twice (footnote 2 of the paper)."
    )

    def most_cells(self, features: int, cell_inputs: int = 2) -> int | None:
        """For how many cells there is something to read; ``None`` where that is so for any number."""
        if features < cell_inputs:
            return 0
        if self.cells_differ == "new feature":
            return features - cell_inputs + 1
        # With one node more for every cell, there are always more sets than cells.
        return None if self.cells_read == "any" else comb(features, cell_inputs)

    def least_features(self, cells: int, cell_inputs: int = 2) -> int:
        """How many features there have to be, so that there is something to read for so many cells."""
        enough = (self.most_cells(features, cell_inputs) for features in count(cell_inputs))
        return cell_inputs + next(more for more, most in enumerate(enough) if most is None or most >= cells)


PAPER = Rules()
OFFICIAL = Rules(cells_read="features", cells_differ="new feature", steps_repeat=False)
RULES: Mapping[str, Rules] = MappingProxyType({"paper": PAPER, "official": OFFICIAL})

PAPER_POOL = ("Zero", "Sum", "Attention", "LinearGLU", "ConcatFC")  # Section 3.3
OFFICIAL_POOL = PAPER_POOL[1:]  # the released code never derives Zero
