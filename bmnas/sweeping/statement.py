"""A sweep as a value: a task, settings that all trials share, and values of those that differ."""

from __future__ import annotations

import os
from itertools import product
from math import prod
from pathlib import Path
from random import Random
from typing import Literal, TypeAlias

from pydantic import Field, ValidationError, model_validator

from bmnas.errors import BmnasError
from bmnas.files import parse_json, parse_yaml, read_text
from bmnas.genotype.numbers import below
from bmnas.genotype.schema import Frozen

Value: TypeAlias = str | int | float | bool | None

_LIMIT = 2**20
_MOST = 10_000


class Sweep(Frozen):
    """Searches on one task, a trial for each combination of values.

    Raises:
        BmnasError: a value makes no sense; one sentence that names it.
    """

    format: Literal["bmnas-sweep/1"] = "bmnas-sweep/1"
    task: str = Field(min_length=1, description="As --task takes it.")
    data: str | None = Field(default=None, description="Folder of the task's data, where it needs one.")
    settings: dict[str, Value] = Field(default_factory=dict, description="Of all trials, by the names of a search.")
    vary: dict[str, tuple[Value, ...]] = Field(description="Of each setting that differs, its values.")
    choose: Literal["grid", "random"] = Field(default="grid", description="All combinations, or some drawn at random.")
    trials: int | None = Field(default=None, ge=1, le=_MOST, description="random: how many.")
    seed: int = Field(default=0, ge=0, description="random: of the draw.")

    @model_validator(mode="after")
    def _has_trials(self) -> Sweep:
        empty = [name for name, values in self.vary.items() if not values]
        if not self.vary or empty:
            what = f"of {empty[0]} there is no value" if empty else "no setting differs"
            raise ValueError(f"the sweep has no trial: {what}")
        both = sorted(self.vary.keys() & self.settings.keys())
        if both:
            raise ValueError(f"{both[0]} is both in settings and in vary")
        if (self.choose == "random") != (self.trials is not None):
            raise ValueError("trials says how many combinations are drawn at random, and is for choose 'random' alone")
        if self.choose == "grid" and self.count > _MOST:
            raise ValueError(f"there are {self.count:,} combinations; at most {_MOST:,} are run, so choose 'random'")
        return self

    @property
    def count(self) -> int:
        """How many combinations there are."""
        return prod(len(values) for values in self.vary.values())

    def combinations(self) -> list[dict[str, Value]]:
        """What differs in each trial, in their order; drawn ones are all different."""
        names, values = list(self.vary), list(self.vary.values())
        if self.choose == "grid":
            return [dict(zip(names, each, strict=True)) for each in product(*values)]
        assert self.trials is not None
        rng, seen = Random(self.seed), dict[tuple[int, ...], None]()
        while len(seen) < min(self.trials, self.count):
            seen[tuple(below(len(each), rng) for each in values)] = None
        return [{name: each[place] for name, each, place in zip(names, values, places, strict=True)} for places in seen]


def read_sweep(path: str | os.PathLike[str]) -> Sweep:
    """A sweep from a file: JSON, or YAML where PyYAML is installed.

    Raises:
        BmnasError: it cannot be read, or states no sweep.
    """
    text = read_text(Path(path), _LIMIT)
    is_yaml = Path(path).suffix.lower() in (".yml", ".yaml")
    try:
        data = parse_yaml(text) if is_yaml else parse_json(text)
    except BmnasError as error:
        raise BmnasError(f"{path}: {error}") from None
    if not isinstance(data, dict):
        raise BmnasError(f"{path}: should be an object with task and vary")
    try:
        return Sweep.model_validate(data)
    except ValidationError as error:
        raise BmnasError(f"{path}: {str(Sweep._refusal(data, error)).removeprefix('Sweep: ')}") from None
