"""The network of a genotype with the weights that its parts have in a hypernet, and how good it is so."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from bmnas.compiler import FusionNetwork, compile_genotype
from bmnas.compiler.ensemble import member_genotype
from bmnas.compiler.foreign import PerSeed
from bmnas.compiler.layers import BatchNorm
from bmnas.compiler.passes import FOR_TRAINING, applied
from bmnas.fit.memory import make_room, ran_out
from bmnas.fit.micro_batches import LEAST
from bmnas.fit.order import batches
from bmnas.genotype import Genotype
from bmnas.searcher.hypernet import Hypernet
from bmnas.searcher.hypernet.plan import settled
from bmnas.searcher.network_fit import outputs_on
from bmnas.searcher.problem import Problem
from bmnas.tasks import Samples


def inherited(hypernet: Hypernet, genotype: Genotype) -> FusionNetwork:
    """The compiled network, with copies of the hypernet's weights and running statistics.

    Args:
        hypernet: of one seed.
        genotype: one that it contains: its features, cells and steps by number, its operations in its pool.
    """
    genotype = member_genotype(genotype)
    network = compile_genotype(genotype)
    plan = applied(settled(hypernet.size, genotype), FOR_TRAINING)
    # The two are the same plan but for the names of the modules that hold the weights.
    for ours, theirs in zip(network.plan, plan, strict=True):
        if ours.weights:
            module, given = network.get_submodule(ours.weights[0]), hypernet.get_submodule(theirs.weights[0])
            if isinstance(given, PerSeed):
                module.load_state_dict(given.seeds[0].state_dict())
            else:
                module.load_state_dict({name: tensor[0] for name, tensor in given.state_dict().items()})
    return network.to(hypernet.gamma_KNMP.device)


@torch.no_grad()
def recalibrate(network: nn.Module, batches: Sequence[Samples]) -> None:
    """Measure the running statistics of batch norm anew: plain means over training batches, without dropout.

    A hypernet's statistics are those of its mixtures; a single alternative has others. Where memory runs out, they are
    means over smaller batches.
    """
    norms = [module for module in network.modules() if isinstance(module, BatchNorm)]
    done = not norms
    while not done:
        try:
            _calibrate(network, norms, batches)
            done = True
        except (RuntimeError, MemoryError) as error:
            if not ran_out(error) or min(map(len, batches)) < 2 * LEAST:
                raise
        if not done:
            make_room(batches[0].labels.device)
            batches = [half for batch in batches for half in _halves(batch)]


def _halves(batch: Samples) -> tuple[Samples, Samples]:
    middle = len(batch) // 2
    return batch[:middle], batch[middle:]


def _calibrate(network: nn.Module, norms: Sequence[BatchNorm], batches: Sequence[Samples]) -> None:
    network.eval()
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.train()
    try:
        for i, batch in enumerate(batches, 1):
            for norm in norms:
                norm.momentum = 1 / i
            network(batch.features)
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        network.eval()


def validated(network: nn.Module, problem: Problem) -> float:
    """The network's score on the validation split, in eval mode."""
    return problem.score(outputs_on(network, problem.validation, problem.config.batch_size))


def inherited_score(problem: Problem, hypernet: Hypernet, genotype: Genotype, batches: Sequence[Samples]) -> float:
    """The validation score of a genotype's network with inherited weights, after `recalibrate` on those batches."""
    network = inherited(hypernet, genotype)
    recalibrate(network, batches)
    return validated(network, problem)


def calibration_batches(problem: Problem, count: int = 4) -> list[Samples]:
    """The first batches of the training split, in its own order shuffled once; none has a single sample."""
    rows = problem.train.rows()
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0))
    return list(problem.train.batches(batches(rows[order], problem.config.batch_size)[:count]))
