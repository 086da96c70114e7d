"""What a network on pairs of texts and images is trained for and judged by: a loss of a batch, scores of data.

The network is any module that takes a dictionary of tensors as `PairData.inputs` gives it. Axes: B pairs of a batch.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol, TypeAlias

import torch
from torch import Tensor, nn

from bmnas.tasks.sequences import Inputs, PairData

HeadName: TypeAlias = Literal["answer", "match", "ground"]
Network: TypeAlias = Callable[[Inputs], Tensor]


@dataclass(frozen=True, eq=False)
class Negatives:
    """What a batch for matching may take as wrong partners: the hardest ones.

    Attributes:
        texts: (images, kept) rows of texts that belong to other images, by image.
        images: (N, kept) images to which a text does not belong, by text.
    """

    texts: Tensor
    images: Tensor


@dataclass(frozen=True, eq=False)
class PairBatch:
    """A batch of pairs.

    Attributes:
        inputs: the true pairs, as a network takes them.
        labels: what the loss needs beside the outputs, by name.
        others: further inputs that the loss wants outputs of, by name: wrong pairs.
    """

    inputs: Inputs
    labels: Mapping[str, Tensor] = field(default_factory=dict)
    others: Mapping[str, Inputs] = field(default_factory=dict)

    def to(self, device: str | torch.device) -> PairBatch:
        """The batch on a device."""
        return PairBatch(
            moved(self.inputs, device),
            {name: values.to(device) for name, values in self.labels.items()},
            {name: moved(inputs, device) for name, inputs in self.others.items()},
        )


class PairObjective(Protocol):
    """A kind of task on pairs.

    Attributes:
        head: the head of a network for it.
        main: which of its scores says how good a network is; the higher, the better.
    """

    head: ClassVar[HeadName]
    main: ClassVar[str]

    def prepared(self, network: nn.Module, data: PairData, generator: torch.Generator) -> Negatives | None:
        """What the batches of the next epoch need of the network as it is; asked for before each epoch."""
        ...

    def batch(
        self, data: PairData, rows: Tensor, generator: torch.Generator, prepared: Negatives | None = None
    ) -> PairBatch:
        """The batch of rows (B,) of the data.

        Args:
            data: pairs.
            rows: which.
            generator: of what is drawn for the batch, on the CPU.
            prepared: see `prepared`.
        """
        ...

    def loss(self, network: Network, batch: PairBatch) -> Tensor:
        """The loss () of a batch."""
        ...

    def scores(self, network: nn.Module, data: PairData, *, batch_size: int = 256) -> dict[str, float]:
        """Scores of a network in eval mode on whole data, 0 to 1, by name; `main` is one of them."""
        ...


def outputs(network: nn.Module, data: PairData, batch_size: int) -> Iterator[tuple[Tensor, Inputs, Tensor]]:
    """Rows, inputs and outputs of whole data in their order, batch by batch, on the CPU, in eval mode."""
    device = device_of(network)
    for rows in torch.arange(len(data)).split(batch_size):
        inputs = data.inputs(rows)
        with evaluating(network):
            found = network(moved(inputs, device))
        yield rows, inputs, found.float().cpu()


@contextlib.contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """The network in eval mode and without gradients; afterwards as it was."""
    training = [module for module in network.modules() if module.training]
    network.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module in training:
            module.training = True


def device_of(network: nn.Module) -> torch.device:
    """Where the first parameter of a network lies; the CPU, where it has none."""
    first = next(network.parameters(), None)
    return torch.device("cpu") if first is None else first.device


def moved(inputs: Mapping[str, Tensor], device: str | torch.device) -> Inputs:
    """Inputs on a device."""
    return {name: values.to(device) for name, values in inputs.items()}


def by_kind(right: Tensor, data: PairData, name: str) -> dict[str, float]:
    """The mean of values (N,) under a name, and, where questions are of kinds, of each kind under the name and it."""
    found = {name: float(right.double().mean())}
    for kind, called in enumerate(data.kind_names):
        of_kind = right[data.kinds == kind]
        if len(data.kinds) and len(of_kind):
            found[f"{name}, {called}"] = float(of_kind.double().mean())
    return found


def shaped(found: Any, shape: tuple[int, ...], head: HeadName) -> Tensor:
    """Outputs of a network as a head has them.

    Raises:
        ValueError: they have another shape.
    """
    if not isinstance(found, Tensor) or tuple(found.shape) != shape:
        was = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise ValueError(f"a network with the head {head!r} gives a tensor of shape {shape} for this batch, not {was}")
    return found
