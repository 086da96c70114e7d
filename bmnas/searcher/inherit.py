"""The network of a genotype with the weights that its parts have in a hypernet, and how good it is so."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from bmnas.compiler import FusionNetwork, compile_genotype
from bmnas.compiler.layers import BatchNorm
from bmnas.compiler.plan.names import module_names
from bmnas.fit.memory import make_room, ran_out
from bmnas.fit.micro_batches import LEAST
from bmnas.genotype import Genotype
from bmnas.searcher.hypernet import Hypernet
from bmnas.searcher.network_fit import outputs_on
from bmnas.searcher.problem import Problem
from bmnas.tasks import Samples


def inherited(hypernet: Hypernet, genotype: Genotype) -> FusionNetwork:
    """The compiled network, with copies of the hypernet's weights and running statistics.

    Args:
        hypernet: of one seed.
        genotype: one that it contains: its features, cells and steps by number, its operations in its pool.
    """
    network = compile_genotype(genotype)
    size, given, state = hypernet.size, hypernet.state_dict(), {}
    places = {}
    for node, ours in module_names(genotype).items():
        match node:
            case ("feature", name):
                i = [feature.name for feature in size.features].index(name)
                places[f"{ours}."] = f"reshapes.{i}."
            case ("step", cell, name):
                n = [each.name for each in genotype.cells].index(cell)
                m = [step.name for step in genotype.cells[n].steps].index(name)
                p = size.operations.index(genotype.cells[n].steps[m].op)
                places[f"{ours}."] = f"cells.{n}.steps.{m}.{p}."
            case ("cell", cell):
                n = [each.name for each in genotype.cells].index(cell)
                places[f"{ours}."] = f"cells.{n}.output."
            case _:
                places[f"{ours}."] = "output."
    for name in network.state_dict():
        place = max((place for place in places if name.startswith(place)), key=len)
        theirs = places[place] + name.removeprefix(place)
        state[name] = given[theirs][0] if theirs in given else given[_of_seed(theirs, given)]
    network.load_state_dict(state)
    return network.to(hypernet.alpha_KE2.device)


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
    """The first batches of the training split, in its own order shuffled once."""
    rows = problem.train.rows()
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0))
    return list(problem.train.batches(rows[order].split(problem.config.batch_size)[:count]))


def _of_seed(name: str, given: dict[str, torch.Tensor]) -> str:
    """Of an operation from outside the package, whose modules know no seeds: ``PLACE.operation.seeds.0.REST``."""
    return next(each for each in given if ".seeds.0." in each and each.replace(".seeds.0", "") == name)
