"""Selection by alpha, beta and gamma: the derivation of the paper (Eq. 3 and 11), after every epoch."""

from __future__ import annotations

from typing import Literal

from bmnas.searcher.settings import SelectionSettings


class Alpha(SelectionSettings):
    """The genotype of the epoch with the best score on validation: nothing is left to be selected at the end."""

    kind: Literal["alpha"] = "alpha"
