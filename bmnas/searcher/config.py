"""The settings of a search, whole: what all searches share, and one strategy with its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import Field, SerializeAsAny, model_validator

from bmnas.errors import BmnasError, did_you_mean
from bmnas.searcher.settings import SearchSettings, StrategySettings, TrainConfig, command_line
from bmnas.searcher.strategies import STRATEGIES, Bilevel
from bmnas.settings import Choosing, Settings, shown
from bmnas.table import Table
from bmnas.tasks import Extraction, Task
from bmnas.tasks.settings_check import refuse_no_mapping


class SearchConfig(Choosing, SearchSettings):
    """A search. The defaults are the paper's best configuration on NTU (Table 8, NTU 1).

    Example:
        >>> SearchConfig(cells=1, epochs=5).steps
        2
        >>> SearchConfig(strategy="evolution", population=16).strategy.population
        16
    """

    chooses: ClassVar[str] = "strategy"

    strategy: SerializeAsAny[StrategySettings] = Field(
        default_factory=Bilevel.Settings,
        description="How is searched: a strategy and its own settings.",
        json_schema_extra=shown(group="Search"),
    )

    @classmethod
    def members(cls) -> Table[Any]:
        """The strategies."""
        return STRATEGIES

    @classmethod
    def _suiting(cls, task: Task, given: Mapping[str, Any]) -> dict[str, Any]:
        suggested = dict(task.settings)
        if not isinstance(given.get("strategy", ""), str):
            suggested = {name: value for name, value in suggested.items() if name in SearchSettings.model_fields}
        names = cls.names_with({**suggested, **given})
        return {name: value for name, value in suggested.items() if name in names}

    @model_validator(mode="before")
    @classmethod
    def _suit_the_strategy(cls, given: Any) -> Any:
        """What is left out is as the strategy has it."""
        if not isinstance(given, Mapping):
            return given
        settings = cls.settings_of(cls.kind_of(given))
        return {**settings.suits, **given} if issubclass(settings, StrategySettings) else given

    @model_validator(mode="after")
    def _strategy_agrees(self) -> Self:
        self.strategy.check(self)
        return self


def search_command(task: Task, config: SearchConfig, extraction: Extraction | None = None) -> str:
    """The command line of a search with these settings: those that differ from what suits the task are named."""
    given = config.flat()
    # What suits the task depends on the strategy and the selection, which are named where they are not the usual ones.
    choices = {name: given[name] for name in ("strategy", "select") if name in given}
    try:
        usual = SearchConfig.for_task(task, **choices).flat() | {"seed": None}
        for n, name in enumerate(choices):
            before = {other: choices[other] for other in list(choices)[:n]}
            usual[name] = SearchConfig.for_task(task, **before).flat()[name]
    except BmnasError:  # what suits the task needs what is given beside it: then all is named
        usual = {}
    differing = given | (extraction or Extraction()).decisive
    return command_line("search", task, differing, usual | Extraction().decisive)


def refuse_unknown_suggestions(task: Task) -> None:
    """Look at the names of the settings that a task suggests; the values are checked where they are used.

    Raises:
        BmnasError: it is no mapping, or has a name that no search and no training takes.
    """
    refuse_no_mapping(task.settings)
    # A seed suits no task better than another one, nor does a number of seeds.
    names = (all_names(SearchConfig) | set(TrainConfig.model_fields) | {"train_epochs"}) - {"seed", "seeds"}
    for name in task.settings:
        if name not in names:
            near = did_you_mean(str(name), sorted(names))
            raise BmnasError(f"settings of task {task.name} has {name!r}, which is no setting of a task{near}")


def all_names(settings: type[Settings]) -> set[str]:
    """The flat names of settings with all members of every table."""
    names = set(settings.model_fields) - {"kind"}
    if issubclass(settings, Choosing):
        for kind in settings.members().loadable():
            names |= all_names(settings.settings_of(kind))
    return names
