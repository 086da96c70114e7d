"""What is to be done and what it costs, phase by phase: the time left follows from it.

Costs are in samples that go through a hypernet once, forward and backward. How much less the others cost was measured
on the digits, on two CPU cores. Before a search, costs are in passes of a backbone over the training split. They only
serve until some of a phase is done; then what it took is what counts.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from bmnas.fit.events import Event

LOOK = 0.025
"""What a sample costs that goes through a hypernet most of whose choices are made, forward alone."""

NETWORK = 0.15
"""What one costs that goes through a fusion network, forward and backward."""

BACKBONE = 60.0
"""What the training of a backbone costs, in passes over the training split: 20 epochs, forward and backward."""

SMALL_SPLIT = 0.3
"""How many samples the other splits have, for one of the training split: they are read later."""


class Stage(BaseModel):
    """A phase of the work, and what it is expected to cost."""

    model_config = ConfigDict(frozen=True)

    phase: str
    kind: str = Field(description="Phases of one kind take equally long for equal costs.")
    cost: float


class Outline(Event):
    """The phases that are to come, in order. What a later outline says of a phase counts.

    It is not logged, and reports other than displays are not told of it.
    """

    stages: tuple[Stage, ...]
    then: str = Field(
        default="",
        description="What comes after them and cannot be told yet how long it will take: the time left is counted up "
        "to it. The next outline stands in the place of this one.",
    )
