"""CUDA graphs: what a step launches on a GPU, about a thousand kernels, is recorded once and then replayed as one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bmnas.fit.memory import ran_out

Inputs = Sequence[Tensor]

WARM_UP = 3  # steps of a kind before one is recorded: libraries choose their kernels and take their memory in them


class Graphs:
    """Records forward and backward of each kind of step, and replays them; the optimiser's step stays outside.

    Where a step cannot be recorded, because something in it waits for the GPU or memory runs out, all steps of its kind
    go on being computed the usual way.

    Args:
        generators: what is random in a step comes from these, or from PyTorch's own.
        recorder: records a function; a test's may do without a GPU.
    """

    def __init__(self, generators: Sequence[torch.Generator], recorder: Recorder | None = None) -> None:
        self._recorder = recorder or CudaRecorder(generators)
        self._steps: Counter[Hashable] = Counter()
        self._recorded: dict[Hashable, _Recorded | None] = {}

    def gradients(
        self,
        kind: Hashable,
        inputs: Inputs,
        parameters: Sequence[nn.Parameter],
        loss: Callable[[Inputs], Tensor],
    ) -> Tensor | None:
        """Put the gradients of a loss into ``parameters``. Generators are seeded before, not in ``loss``.

        Args:
            kind: of the step: all of a kind differ in nothing but the values of inputs, parameters and buffers.
            inputs: what differs from step to step.
            parameters: those that are to be changed.
            loss: from the inputs, (K,).

        Returns:
            The losses; ``None`` where nothing was done, and the step is to be computed the usual way.
        """
        self._steps[kind] += 1
        if self._steps[kind] <= WARM_UP:
            return None
        if kind not in self._recorded:
            self._recorded[kind] = self._record(inputs, parameters, loss)
        recorded = self._recorded[kind]
        return None if recorded is None else recorded.replay(inputs)

    def _record(
        self, inputs: Inputs, parameters: Sequence[nn.Parameter], loss: Callable[[Inputs], Tensor]
    ) -> _Recorded | None:
        own = [tensor.clone() for tensor in inputs]

        def forward_and_backward() -> Results:
            for parameter in parameters:
                parameter.grad = None
            losses_K = loss(own)
            losses_K.sum().backward(inputs=list(parameters))
            return losses_K.detach(), [parameter.grad for parameter in parameters]

        try:
            return _Recorded(own, parameters, *self._recorder(forward_and_backward))
        except RuntimeError as error:
            if not (ran_out(error) or _not_recordable(error)):
                raise
            return None


Results = tuple[Tensor, Sequence[Tensor | None]]
Recorder = Callable[[Callable[[], Results]], tuple[Callable[[], None], Results]]
"""Gives what repeats a function's work, and the tensors that have its results then. It may leave no other trace."""


class CudaRecorder:
    """Records on the current GPU. All recordings share one pool of memory, as one alone is replayed at a time."""

    def __init__(self, generators: Sequence[torch.Generator]) -> None:
        self._generators = generators
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, function: Callable[[], Results]) -> tuple[Callable[[], None], Results]:
        """See `Recorder`."""
        graph = torch.cuda.CUDAGraph()
        for generator in self._generators:
            graph.register_generator_state(generator)
        # Threads that read batches from the disk may use CUDA meanwhile.
        with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
            results = function()
        return graph.replay, results


@dataclass(frozen=True)
class _Recorded:
    inputs: Inputs
    parameters: Sequence[nn.Parameter]
    again: Callable[[], None]
    results: Results

    def replay(self, inputs: Inputs) -> Tensor:
        for own, given in zip(self.inputs, inputs, strict=True):
            own.copy_(given)
        self.again()
        losses_K, gradients = self.results
        # Another kind of step may have put its own there.
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = gradient
        return losses_K.clone()


def _not_recordable(error: RuntimeError) -> bool:
    return "captur" in str(error)
