"""The options of ``bmnas search`` that are settings: each has the name of its setting in `SearchConfig`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

_SPACE, _HOW, _TRAINING = "Search space", "How it is searched", "Training"


class Relaxation(StrEnum):
    """How a hypernet mixes what a node could read."""

    SPLIT = "split"
    SHARED = "shared"


class Derivation(StrEnum):
    """Rules for what a cell and a step may read."""

    PAPER = "paper"
    OFFICIAL = "official"


class Protocol(StrEnum):
    """Habits of training and scoring."""

    STANDARD = "standard"
    OFFICIAL = "official"


def _option(help: str, panel: str, **more: Any) -> Any:
    return typer.Option(help=help, show_default=False, rich_help_panel=panel, **more)


Preset = Annotated[
    str | None, _option("One of the paper's nine settings (Table 8): ntu-1, ..., ego-4, mmimdb-1.", _SPACE)
]
Cells = Annotated[int | None, _option("Number of cells, N.", _SPACE)]
Steps = Annotated[int | None, _option("Number of steps in a cell, M.", _SPACE)]
OutputsPerCell = Annotated[int | None, _option("How many last nodes form a cell's output; all steps.", _SPACE)]
Channels = Annotated[int | None, _option("Channels of every node, C.", _SPACE)]
Length = Annotated[int | None, _option("Length of every node, L.", _SPACE)]
Dropout = Annotated[float | None, _option("Dropout rate.", _SPACE)]
Operations = Annotated[
    str | None,
    _option("Operations to choose from, with commas: Sum,Attention,...; or paper, official for their pools.", _SPACE),
]
Derive = Annotated[
    Derivation | None, _option("paper: a cell may read earlier cells; official: features only, one new.", _SPACE)
]

Strategies = Annotated[
    str | None,
    _option(
        "bilevel, gdas or random-ws, which train a hypernet; random or evolution, which train candidates.",
        _HOW,
        metavar="NAME",
    ),
]
Relaxations = Annotated[
    Relaxation | None, _option("split: x and y have mixtures of their own; shared: the released code's.", _HOW)
]
Selection = Annotated[
    str | None,
    _option(
        "scored: by the loss of the hypernet with choices switched on; alpha: the greatest weights; perturbation; "
        "sampled.",
        _HOW,
        metavar="NAME",
    ),
]
TopK = Annotated[int | None, _option("scored: candidates kept at every choice.", _HOW, metavar="K")]
Samples = Annotated[int | None, _option("sampled: genotypes that are drawn and scored.", _HOW)]
Protocols = Annotated[Protocol | None, _option("official: the released code's habits; labels what it prints so.", _HOW)]
RestartEpochs = Annotated[int | None, _option("protocol official: epochs before the first restart.", _HOW)]
BudgetTrainings = Annotated[int | None, _option("random, evolution: candidates that are trained.", _HOW)]
BudgetSeconds = Annotated[float | None, _option("End the search after so many seconds.", _HOW)]
Population = Annotated[int | None, _option("evolution: candidates that are alive.", _HOW)]
Tournament = Annotated[int | None, _option("evolution: of how many the parent is the best.", _HOW)]
Sharpness = Annotated[
    bool | None,
    _option("Measure the curvature of the validation loss in alpha, beta, gamma; stop where it grows fast.", _HOW),
]
Amp = Annotated[bool | None, _option("Compute the hypernet under autocast to bfloat16.", _HOW)]
CudaGraphs = Annotated[bool | None, _option("bilevel, on a GPU: record a step once and replay it.", _HOW)]
Patience = Annotated[int | None, _option("Stop after so many epochs without a better score.", _HOW)]

Epochs = Annotated[int | None, _option("Epochs of the search, or of the training of each candidate.", _TRAINING)]
BatchSize = Annotated[int | None, _option("Samples in a batch.", _TRAINING)]
Rate = Annotated[float | None, _option("Step size of the weights at the start.", _TRAINING)]
MinRate = Annotated[float | None, _option("Step size of the weights at the end.", _TRAINING)]
WeightDecay = Annotated[float | None, _option("L2 term of the weights.", _TRAINING)]
ArchRate = Annotated[float | None, _option("Step size of alpha, beta, gamma.", _TRAINING)]
ArchWeightDecay = Annotated[float | None, _option("L2 term of alpha, beta, gamma.", _TRAINING)]
TrainEpochs = Annotated[int | None, _option("Epochs of each training at the end.", _TRAINING, min=1)]
