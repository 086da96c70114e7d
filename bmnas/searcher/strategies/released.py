"""The released code's protocol: its schedule with restarts, validation in train mode, the best epoch on the test split.

Its numbers are no estimate of what a network does on new data; whatever prints them says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, SerializeAsAny

from bmnas.searcher.hypernet import Relaxation
from bmnas.searcher.selections import Alpha
from bmnas.searcher.settings import SelectionSettings
from bmnas.searcher.strategies.bilevel import Bilevel


class Released(Bilevel):
    """A bilevel search as the released code does it."""

    class Settings(Bilevel.Settings):
        """Those of the bilevel search, with the released code's defaults."""

        suits: ClassVar[Mapping[str, Any]] = {"derive": "official"}

        kind: Literal["released"] = "released"  # type: ignore[assignment]
        relaxation: Relaxation = Field(
            default="shared", description="shared: x and y have one mixture; split: each its own, which is ours."
        )
        select: SerializeAsAny[SelectionSettings] = Field(
            default_factory=Alpha, description="How the hypernet is turned into a genotype at the end."
        )
        restart_epochs: int = Field(
            default=1, ge=1, description="Epochs before the step size of the weights first starts anew."
        )

    settings: Settings
    ties_are_better = True
    best_on_test = True
