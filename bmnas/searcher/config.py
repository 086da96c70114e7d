"""The settings of a search and of a training: frozen values, passed whole and saved next to the result."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from bmnas.errors import did_you_mean
from bmnas.fit.settings import Optimisation
from bmnas.genotype import extension
from bmnas.genotype.operations import find, known
from bmnas.settings import Settings
from bmnas.tasks import Extraction, Task


def _known(op: str) -> str:
    if op not in known():
        raise ValueError(f"it is not an operation{did_you_mean(op, known())}")
    if not find(op).takes(2):
        raise ValueError(f"it takes {find(op).arity_in_words()}, but the steps of a search have two")
    return op


def _one_of(kind: str, names: Iterable[str], name: str) -> str:
    if name not in names:
        raise ValueError(f"it is no {kind}{did_you_mean(name, names)}")
    return name


def _strategy(name: str) -> str:
    from bmnas.searcher.strategies import STRATEGIES  # which need this file

    return _one_of("strategy", STRATEGIES, name)


def _selection(name: str) -> str:
    from bmnas.searcher.selections import SELECTIONS

    return _one_of("selection", ("alpha", *SELECTIONS), name)


class TaskSettings(Settings):
    """Settings of which a task may suggest some."""

    @classmethod
    def for_task(cls, task: Task, **given: Any) -> Self:
        """Settings that suit the task, overridden by those given (``None`` counts as not given).

        Raises:
            BmnasError: a value makes no sense; the sentence names the setting.
        """
        return cls.checked(**cls._suiting(task) | {name: value for name, value in given.items() if value is not None})

    @classmethod
    def _suiting(cls, task: Task) -> dict[str, Any]:
        return {name: value for name, value in task.settings.items() if name in cls.model_fields}


class SearchConfig(TaskSettings, Optimisation):
    """A search. The defaults are the paper's best configuration on NTU (Table 8, NTU 1).

    Example:
        >>> SearchConfig(cells=1, epochs=5).steps
        2
    """

    cells: int = Field(2, ge=1, le=64, description="N, the number of cells.")
    steps: int = Field(2, ge=1, le=64, description="M, the number of steps in each cell.")
    outputs_per_cell: int | None = Field(
        None, ge=1, description="How many of a cell's last nodes form its output; all steps where it is not given."
    )
    channels: int = Field(128, ge=1, le=65_536, description="C of the representation.")
    length: int = Field(8, ge=1, le=65_536, description="L of the representation, in positions.")
    dropout: float = Field(0.2, ge=0, lt=1)
    operations: tuple[Annotated[str, AfterValidator(_known)], ...] = Field(
        ("Sum", "Attention", "LinearGLU", "ConcatFC"), min_length=1, description="The pool F of Eq. 10."
    )
    derive: Literal["paper", "official"] = Field(
        "paper",
        description="paper: Eq. 3, a cell may read any two earlier nodes; official: features only, one of them new.",
    )
    strategy: Annotated[str, AfterValidator(_strategy)] = Field(
        "bilevel", description="How is searched, see `bmnas.searcher.strategies`."
    )
    relaxation: Literal["shared", "split"] = Field(
        "split", description="shared: both inputs of a cell or step get one mixture; split: x and y have their own."
    )
    select: Annotated[str, AfterValidator(_selection)] = Field(
        "scored", description="How a hypernet is turned into a genotype at the end, see `bmnas.searcher.selections`."
    )
    top_k: int = Field(3, ge=1, le=1000, description="scored: how many candidates are kept at every choice.")
    samples: int = Field(100, ge=1, description="sampled: how many genotypes are drawn and scored.")
    protocol: Literal["standard", "official"] = Field(
        "standard",
        description="official: the released code's habits; validation in train mode, its schedule with restarts, the "
        "best epoch on the test split.",
    )
    restart_epochs: int = Field(
        1, ge=1, description="protocol official: epochs before the step size of the weights first starts anew."
    )
    seeds: int = Field(1, ge=1, le=1024, description="K, independent searches: with seed, seed + 1, ...")
    epochs: int = Field(30, ge=1, description="Of a hypernet, or of the training of each candidate.")
    budget_trainings: int | None = Field(
        None, ge=1, description="random, evolution: candidates that are trained; 16 where neither budget is given."
    )
    budget_seconds: float | None = Field(
        None, gt=0, description="A search ends after the round that reaches it; seeds in one computation share it."
    )
    population: int = Field(8, ge=2, description="evolution: how many of the latest candidates can be parents.")
    tournament: int = Field(3, ge=1, description="evolution: of how many candidates a parent is the best.")
    amp: bool = Field(False, description="Forwards of the hypernet under autocast to bfloat16.")
    cuda_graphs: bool = Field(
        False, description="bilevel, on a GPU: record forward and backward of a step once, and replay them."
    )
    sharpness: bool = Field(
        False, description="Measure the Hessian's dominant eigenvalue after each epoch, and stop where it grows fast."
    )
    patience: int | None = Field(None, ge=1, description="Stop after so many rounds without a better score.")
    arch_lr: float = Field(3e-4, gt=0, le=10, description="Adam step size for alpha, beta and gamma, per update.")
    arch_weight_decay: float = Field(1e-3, ge=0, description="L2 term of Adam for alpha, beta and gamma.")

    @model_validator(mode="before")
    @classmethod
    def _suit_the_strategy(cls, given: Any) -> Any:
        """What is left out suits the strategy and the protocol."""
        if not isinstance(given, dict):
            return given
        strategy = given.get("strategy", "bilevel")
        by_alpha = given.get("protocol") == "official" or strategy == "gdas"
        select = "sampled" if strategy == "random-ws" else "alpha" if by_alpha else "scored"
        return {"select": select} | given

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.strategy in ("gdas", "random-ws") and self.relaxation == "shared":
            raise ValueError(
                f"the strategy {self.strategy} lets one alternative at a time take part, for which x and y need "
                "weights of their own: use the relaxation split"
            )
        if self.protocol == "official" and self.strategy != "bilevel":
            raise ValueError(f"the protocol official is that of the strategy bilevel, not of {self.strategy}")
        if self.cuda_graphs and self.strategy != "bilevel":
            raise ValueError(
                f"cuda_graphs are for the strategy bilevel: steps of {self.strategy} differ in what they do"
            )
        if self.amp and self.strategy in ("random", "evolution"):
            raise ValueError(f"amp is for strategies that train a hypernet, not for {self.strategy}")
        if self.sharpness and self.strategy != "bilevel":
            raise ValueError(f"sharpness is of the mixture that the strategy bilevel trains, not of {self.strategy}")
        if self.strategy == "random-ws" and self.select == "alpha":
            raise ValueError("the strategy random-ws learns no alpha to select by: use the selection sampled")
        if self.strategy == "evolution" and self.most_trainings and self.most_trainings <= self.population:
            raise ValueError(
                f"evolution begins with a random population of {self.population}, so that of {self.most_trainings} "
                "trainings none is left for its children: use a greater budget_trainings, or a smaller population"
            )
        self._refuse_idle()
        if len(set(self.operations)) != len(self.operations):
            raise ValueError(f"setting operations names one twice: {', '.join(self.operations)}")
        if self.cell_outputs > self.steps + 2:
            raise ValueError(
                f"setting outputs_per_cell is {self.outputs_per_cell}, but a cell with {self.steps} steps has "
                f"{self.steps + 2} nodes (x, y and the steps)"
            )
        return self

    def _refuse_idle(self) -> None:
        """Refuse what has been set and would do nothing."""
        on_candidates = self.strategy in ("random", "evolution")
        idle = {
            "budget_trainings": self.strategy in ("bilevel", "gdas", "random-ws"),
            "population": self.strategy != "evolution",
            "tournament": self.strategy != "evolution",
            "top_k": on_candidates or self.select != "scored",
            "samples": on_candidates or self.select != "sampled",
        }
        for name, unused in idle.items():
            if unused and getattr(self, name) != type(self).model_fields[name].default:
                with_it = f"strategy {self.strategy}" + ("" if on_candidates else f" with the selection {self.select}")
                raise ValueError(f"setting {name} is {getattr(self, name)}, of which the {with_it} makes no use")

    @property
    def cell_outputs(self) -> int:
        """How many of a cell's last nodes form its output."""
        return self.steps if self.outputs_per_cell is None else self.outputs_per_cell

    @property
    def most_trainings(self) -> int | None:
        """How many candidates are trained by themselves at most; ``None`` where the seconds alone decide."""
        return self.budget_trainings or (16 if self.budget_seconds is None else None)


class TrainConfig(TaskSettings, Optimisation):
    """The training of one fusion network on training + validation data."""

    epochs: int = Field(50, ge=1)

    @classmethod
    def _suiting(cls, task: Task) -> dict[str, Any]:
        # The task's own epochs are those of a search.
        suiting = super()._suiting(task)
        suiting.pop("epochs", None)
        return suiting | ({"epochs": task.settings["train_epochs"]} if "train_epochs" in task.settings else {})

    @classmethod
    def ending(cls, task: Task, config: SearchConfig, epochs: int | None = None) -> Self:
        """The trainings that end a search: its own optimiser settings and seed, and the task's number of epochs."""
        shared = {name: getattr(config, name) for name in Optimisation.model_fields}
        return cls.for_task(task, **shared, epochs=epochs)


def command_line(command: str, task: Task, config: TaskSettings, extraction: Extraction | None = None) -> str:
    """The command line that stands for these settings: those that differ from what suits the task are named."""
    usual = config.for_task(task).model_dump() | {"seed": None}
    given = config.model_dump() | (extraction or Extraction()).decisive
    usual |= Extraction().decisive
    differing = {name: value for name, value in given.items() if value != usual[name]}
    options = "".join(f" {_option(name.replace('_', '-'), value)}" for name, value in sorted(differing.items()))
    imports = "".join(f" --import {shlex.quote(code)}" for code in extension.imported)
    return f"bmnas{imports} {command} {task.invocation or f'--task {shlex.quote(task.name)}'}{options}"


def _option(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no-{name}"
    return f"--{name} {','.join(value) if isinstance(value, tuple) else value}"
