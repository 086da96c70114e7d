"""What a cell and a step of a search space may read, after the paper and after the released code."""

from __future__ import annotations

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


PAPER = Rules()
OFFICIAL = Rules(cells_read="features", cells_differ="new feature", steps_repeat=False)

PAPER_POOL = ("Zero", "Sum", "Attention", "LinearGLU", "ConcatFC")  # Section 3.3
OFFICIAL_POOL = PAPER_POOL[1:]  # the released code never derives Zero
