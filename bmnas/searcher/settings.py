"""The settings that all searches and trainings share: frozen values, passed whole and saved next to the result.

A strategy's own settings stand in the strategy's file, a selection's in the selection's; `bmnas.searcher.config` puts
all of them together.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

import torch
from pydantic import AfterValidator, Field, SerializeAsAny, model_validator

from bmnas.errors import BmnasError, did_you_mean, short
from bmnas.fit.settings import Optimisation
from bmnas.genotype import INPUT_NAMES, Feature, extension
from bmnas.genotype.lookup import find, known
from bmnas.settings import Member, Settings, shown
from bmnas.tasks import Extraction, Task


def given_values(given: object, kind: str) -> dict[str, Any]:
    """A dictionary of settings, for the class of that name; an empty one for ``None``.

    Raises:
        BmnasError: it is something else.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise BmnasError(f"the settings are {short(given)}: they are a {kind} or a dictionary")
    return {str(name): value for name, value in given.items()}


class TaskSettings(Settings):
    """Settings of which a task may suggest some."""

    @classmethod
    def for_task(cls, task: Task, **given: Any) -> Self:
        """Settings that suit the task, overridden by those given (``None`` counts as not given).

        Raises:
            BmnasError: a value makes no sense; the sentence names the setting.
        """
        chosen = {name: value for name, value in given.items() if value is not None}
        return cls.checked(**cls._suiting(task, chosen) | chosen)

    @classmethod
    def of(cls, given: Self | Mapping[str, Any] | None, task: Task) -> Self:
        """Settings as a person gives them to a function: whole, or as a dictionary of those that do not suit the task.

        Raises:
            BmnasError: they are something else, or a value makes no sense.
        """
        if isinstance(given, cls):
            return given
        return cls.for_task(task, **given_values(given, cls.__name__))

    @classmethod
    def _suiting(cls, task: Task, given: Mapping[str, Any]) -> dict[str, Any]:
        """What the task suggests, where it makes a difference with what is given."""
        return {name: value for name, value in task.settings.items() if name in cls.model_fields}


class TrainConfig(TaskSettings, Optimisation):
    """The training of one fusion network on training + validation data."""

    epochs: int = Field(default=50, ge=1, description="Passes over the data.", json_schema_extra=shown("epochs"))
    stop_epoch: int | None = Field(
        default=None,
        ge=0,
        description="End after so many of them; the step sizes are those of all. 0: heads alone.",
        json_schema_extra=shown("epochs"),
    )
    temperature: float | None = Field(
        default=None, gt=0, le=1000, description="Divide the outputs of the trained network by it; not if left out."
    )

    @classmethod
    def _suiting(cls, task: Task, given: Mapping[str, Any]) -> dict[str, Any]:
        # The task's own epochs are those of a search.
        suiting = super()._suiting(task, given)
        suiting.pop("epochs", None)
        return suiting | ({"epochs": task.settings["train_epochs"]} if "train_epochs" in task.settings else {})

    @classmethod
    def ending(cls, task: Task, config: Optimisation, epochs: int | None = None, **given: Any) -> Self:
        """The trainings that end a search: its own optimiser settings and seed, and the task's number of epochs.

        Args:
            task: of the search.
            config: of the search.
            epochs: other than the task's.
            given: settings that are others.
        """
        shared = {name: getattr(config, name) for name in Optimisation.model_fields}
        return cls.for_task(task, **{**shared, "epochs": epochs, **given})


class SelectionSettings(Member):
    """The settings of a selection, and itself: a subclass of it, or of `bmnas.searcher.selections.looking.Looking`."""

    group: ClassVar[str] = "Single selections"


class StrategySettings(Member):
    """The settings of a strategy, the class ``Settings`` in it."""

    group: ClassVar[str] = "Single strategies"

    suits: ClassVar[Mapping[str, Any]] = {}
    """What the settings that all searches share are with this strategy, where they are not given."""

    own_space: ClassVar[bool] = False
    """Whether networks are of a form of the strategy's own, not of the space that the shared settings state."""

    def most_cells(self, shared: SearchSettings) -> int:
        """How many cells a network has at most."""
        return shared.cells

    def check_features(self, features: Sequence[Feature]) -> None:
        """Look at a task's features before any work.

        Raises:
            BmnasError: the strategy finds nothing to fuse in them.
        """

    def check_device(self, device: torch.device) -> None:
        """Look at the device before any work.

        Raises:
            BmnasError: the settings need another one.
        """

    def check(self, shared: SearchSettings) -> None:
        """Look at own and shared settings together.

        Raises:
            ValueError: they do not go together; the sentence names them.
        """


def _known(op: str) -> str:
    if op not in known():
        raise ValueError(f"it is not an operation{did_you_mean(op, known())}")
    return op


class SearchSettings(TaskSettings, Optimisation):
    """What every search has, whatever its strategy. The defaults are the paper's best on NTU (Table 8, NTU 1)."""

    cells: int = Field(
        default=2,
        ge=1,
        le=64,
        description="Number of cells, N.",
        json_schema_extra=shown("cells", group="Search space"),
    )
    steps: int = Field(
        default=2,
        ge=1,
        le=64,
        description="Number of steps in a cell, M.",
        json_schema_extra=shown("steps", group="Search space"),
    )
    outputs_per_cell: int | None = Field(
        default=None,
        ge=1,
        description="How many of a cell's last nodes form its output; all steps if left out.",
        json_schema_extra=shown("nodes", group="Search space"),
    )
    cell_inputs: int = Field(
        default=2,
        ge=2,
        le=len(INPUT_NAMES),
        description="How many nodes a cell reads.",
        json_schema_extra=shown("nodes", group="Search space"),
    )
    step_inputs: int = Field(
        default=2,
        ge=2,
        le=len(INPUT_NAMES),
        description="How many nodes a step reads.",
        json_schema_extra=shown("nodes", group="Search space"),
    )
    channels: int = Field(
        default=128,
        ge=1,
        le=65_536,
        description="Channels of every node, C.",
        json_schema_extra=shown("channels", group="Search space"),
    )
    length: int = Field(
        default=8,
        ge=1,
        le=65_536,
        description="Length of every node in positions, L.",
        json_schema_extra=shown("positions", group="Search space"),
    )
    dropout: float = Field(
        default=0.2, ge=0, lt=1, description="Dropout rate.", json_schema_extra=shown("rate", group="Search space")
    )
    anchor: Literal["auto", "last", "all", "none"] = Field(
        default="auto",
        description="Heads of which features the output begins with, cells being added to them: the last of each "
        "modality, all, or whichever has the smaller loss on held-out samples (auto); none: the paper's space, in "
        "which the cells alone are the output.",
        json_schema_extra=shown(group="Search space"),
    )
    scale: Literal["auto", "none", "one", "each"] = Field(
        default="auto",
        description="How features are scaled, as a genotype says it; auto: as held-out samples say, none without an "
        "anchor.",
        json_schema_extra=shown(group="Search space"),
    )
    operations: tuple[Annotated[str, AfterValidator(_known)], ...] = Field(
        default=("Sum", "Attention", "LinearGLU", "ConcatFC"),
        min_length=1,
        description="The pool F of Eq. 10: names with commas; or paper, official for their pools.",
        json_schema_extra=shown("names", group="Search space"),
    )
    derive: Literal["paper", "official"] = Field(
        default="paper",
        description="paper: Eq. 3, a cell may read any earlier nodes; official: features only, one of them new.",
        json_schema_extra=shown(group="Search space"),
    )
    seeds: int = Field(
        default=1,
        ge=1,
        le=1024,
        description="How many independent searches, K: with seed, seed + 1, ...",
        json_schema_extra=shown("seeds", group="Search"),
    )
    epochs: int = Field(
        default=30,
        ge=1,
        description="Epochs of the hypernet, or of the training of each candidate.",
        json_schema_extra=shown("epochs", group="Search"),
    )
    budget_seconds: float | None = Field(
        default=None,
        gt=0,
        description="End a search after the round that reaches it; seeds at once share it.",
        json_schema_extra=shown("seconds", group="Search"),
    )
    strategy: SerializeAsAny[StrategySettings] = Field(description="How is searched: a strategy and its own settings.")
    select_budget: int = Field(
        default=21,
        ge=0,
        le=1000,
        description="Trainings for the final choice between the found network and the baselines, by cross-validation: "
        "at least two of each; 0: what was found is the result.",
        json_schema_extra=shown("trainings", group="Final choice"),
    )
    ensemble: int = Field(
        default=1,
        ge=1,
        le=64,
        description="How many trainings of a network are one result, their outputs averaged; of baselines likewise.",
        json_schema_extra=shown("trainings", group="Final choice"),
    )
    runners_up: int = Field(
        default=1,
        ge=0,
        le=63,
        description="Genotypes that the final choice tries beside the one that was selected.",
        json_schema_extra=shown("genotypes", group="Final choice"),
    )
    patience: int | None = Field(
        default=None,
        ge=1,
        description="Stop after so many rounds without a better score.",
        json_schema_extra=shown("rounds", group="Search"),
    )

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if len(set(self.operations)) != len(self.operations):
            raise ValueError(f"setting operations names one twice: {', '.join(self.operations)}")
        for op in self.operations:
            if not find(op).takes(self.step_inputs):
                raise ValueError(
                    f"the operation {op} takes {find(op).arity_in_words()}, but the steps of this search have "
                    f"{self.step_inputs}{_that_take(self.step_inputs)}"
                )
        if self.cell_outputs > self.steps + self.cell_inputs:
            inputs = ", ".join(INPUT_NAMES[: self.cell_inputs])
            raise ValueError(
                f"setting outputs_per_cell is {self.outputs_per_cell}, but a cell with {self.steps} steps has "
                f"{self.steps + self.cell_inputs} nodes ({inputs} and the steps)"
            )
        return self

    @property
    def tried(self) -> int:
        """How many genotypes a final choice tries beside the one that was selected."""
        return self.runners_up if self.select_budget else 0

    @property
    def cell_outputs(self) -> int:
        """How many of a cell's last nodes form its output."""
        return self.steps if self.outputs_per_cell is None else self.outputs_per_cell


def _that_take(inputs: int) -> str:
    fitting = [op for op in known() if find(op).takes(inputs)]
    return f"; {', '.join(fitting)} can be used" if fitting else ""


def command_line(command: str, task: Task, given: Mapping[str, Any], usual: Mapping[str, Any]) -> str:
    """The command line that stands for settings: those that differ from what is usual are named.

    Args:
        command: of ``bmnas``, with its arguments.
        task: on which it works.
        given: flat settings by name.
        usual: what they are where they are left out.
    """
    options = "".join(f" {option}" for option in options_text(given, usual))
    imports = "".join(f" --import {shlex.quote(code)}" for code in extension.imported)
    return f"bmnas{imports} {command} {task.invocation or f'--task {shlex.quote(task.name)}'}{options}"


def options_text(given: Mapping[str, Any], usual: Mapping[str, Any]) -> list[str]:
    """The options of a command that stand for settings which differ from what is usual, sorted by name."""
    return [_option(name, value) for name, value in sorted(_differing(given, usual))]


def training_command(command: str, task: Task, config: TrainConfig, extraction: Extraction | None = None) -> str:
    """The command line of a training with these settings."""
    given = dict(config) | (extraction or Extraction()).decisive
    usual = dict(config.for_task(task)) | {"seed": None} | Extraction().decisive
    return command_line(command, task, given, usual)


def _differing(given: Mapping[str, Any], usual: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    # That a setting is left out cannot be typed.
    return ((name, value) for name, value in given.items() if value is not None and value != usual.get(name))


def _option(name: str, value: Any) -> str:
    option = name.replace("_", "-")
    if isinstance(value, bool):
        return f"--{option}" if value else f"--no-{option}"
    return f"--{option} {','.join(value) if isinstance(value, tuple) else value}"
