"""Search and network are one program: a hypernet's plan with all choices made is the genotype's own plan."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings, strategies as st

from bmnas.compiler.passes import FOR_TRAINING, applied, plan_for_training
from bmnas.compiler.passes.join_mixes import join_mixes
from bmnas.compiler.plan import primitives as p
from bmnas.compiler.plan.plan import Op, Plan
from bmnas.genotype import INPUT_NAMES, OPERATIONS, Cell, Genotype, Head, Representation, Step
from bmnas.searcher.hypernet import Hypernet, HypernetSize, Mixing
from bmnas.searcher.hypernet.plan import settled
from bmnas.searcher.inherit import inherited
from tests.searcher.hypernet.nets import FEATURES, batch, small


@st.composite
def found(draw: st.DrawFn) -> tuple[HypernetSize, Genotype]:
    """A hypernet's size, and a genotype that it contains, with names of its own."""
    cell_inputs, step_inputs = draw(st.integers(2, 4)), draw(st.integers(2, 3))
    fitting = [name for name, operation in OPERATIONS.items() if operation.takes(step_inputs)]
    features = tuple(draw(st.lists(st.sampled_from(FEATURES), min_size=1, unique_by=lambda each: each.name)))
    steps = draw(st.integers(1, 3))
    size = HypernetSize(
        features=features,
        operations=tuple(draw(st.lists(st.sampled_from(fitting), min_size=1, max_size=4))),
        cells=draw(st.integers(1, 3)),
        steps=steps,
        cell_outputs=draw(st.integers(1, steps + cell_inputs)),
        channels=6,
        length=4,
        dropout=draw(st.sampled_from([0.0, 0.3])),
        outputs=draw(st.none() | st.just(3)),
        relaxation=draw(st.sampled_from(["shared", "split"])),
        cell_inputs=cell_inputs,
        step_inputs=step_inputs,
    )
    return size, genotype_in(size, lambda nodes: draw(st.sampled_from(nodes)))


def genotype_in(size: HypernetSize, choose: Any) -> Genotype:
    nodes, cells = [feature.name for feature in size.features], []
    for n in range(size.cells):
        inner, steps = list(INPUT_NAMES[: size.cell_inputs]), []
        for m in range(size.steps):
            inputs = tuple(choose(inner) for _ in range(size.step_inputs))
            steps.append(Step(name=f"s{m}", op=choose(size.operations), inputs=inputs))
            inner.append(f"s{m}")
        inputs = tuple(choose(nodes) for _ in range(size.cell_inputs))
        output = tuple(inner[-size.cell_outputs :])
        cells.append(Cell(name=f"c{n}", inputs=inputs, steps=tuple(steps), output=output))
        nodes.append(f"c{n}")
    return Genotype(
        name="found",
        representation=Representation(channels=size.channels, length=size.length),
        features=size.features,
        cells=tuple(cells),
        output=tuple(cell.name for cell in cells),
        head=Head(outputs=size.outputs) if size.outputs else None,
        dropout=size.dropout,
    )


def named_by_number(genotype: Genotype) -> Genotype:
    """The same with the names that a search gives."""
    names = {cell.name: f"Cell_{n + 1}" for n, cell in enumerate(genotype.cells)}
    cells = []
    for cell in genotype.cells:
        own = {step.name: f"Step_{m + 1}" for m, step in enumerate(cell.steps)}
        steps = tuple(
            step.model_copy(
                update={"name": own[step.name], "inputs": tuple(own.get(name, name) for name in step.inputs)}
            )
            for step in cell.steps
        )
        update = {
            "name": names[cell.name],
            "inputs": tuple(names.get(name, name) for name in cell.inputs),
            "steps": steps,
            "output": tuple(own.get(name, name) for name in cell.output),
        }
        cells.append(cell.model_copy(update=update))
    return genotype.model_copy(update={"cells": tuple(cells), "output": tuple(names.values())})


def without_names_of_weights(plan: Plan) -> list[Op]:
    return [replace(op, weights=()) for op in plan]


@given(found())
@settings(max_examples=60, deadline=None)
def test_with_all_choices_made_it_is_the_plan_of_the_genotype(both):
    size, genotype = both
    plan = applied(settled(size, genotype), FOR_TRAINING)
    network = plan_for_training(named_by_number(genotype))
    assert without_names_of_weights(plan) == without_names_of_weights(network)
    assert plan.output == network.output
    # Where the weights are has other names, but there is the same number of them.
    pairs = {(ours.weights, theirs.weights) for ours, theirs in zip(plan, network, strict=True)}
    assert len(pairs) == len({ours for ours, _ in pairs}) == len({theirs for _, theirs in pairs})


@given(found())
@settings(max_examples=10, deadline=None)
def test_a_hypernet_that_is_certain_computes_what_the_network_does(both):
    size, genotype = both
    size = replace(size, relaxation="split")
    net = Hypernet(size).double().eval()
    with torch.no_grad():
        for name, tensor in net.state_dict().items():
            if name.endswith(("bias", "running_mean")):
                tensor.normal_()
            elif name.endswith("running_var"):
                tensor.uniform_(0.5, 1.5)
    features = {feature.name: batch()[feature.name] for feature in size.features}
    with torch.no_grad():
        hyper = net(features, certain(size, genotype))[0]
        network = inherited(net, genotype).double().eval()
        used = {name: feature[0] for name, feature in features.items() if name in network.features}
        torch.testing.assert_close(network(used), hyper, rtol=1e-4, atol=1e-5)


def certain(size: HypernetSize, genotype: Genotype) -> Mixing:
    """Weights that are certain of a genotype's choices."""

    def one_hot(chosen: list[int], count: int) -> torch.Tensor:
        return torch.nn.functional.one_hot(torch.tensor([chosen]), count).double()

    nodes, cells, steps, operations = [feature.name for feature in size.features], [], [], []
    for cell in genotype.cells:
        cells.append(one_hot([nodes.index(name) for name in cell.inputs], len(nodes)))
        nodes.append(cell.name)
        inner, own = list(INPUT_NAMES[: size.cell_inputs]), []
        for step in cell.steps:
            own.append(one_hot([inner.index(name) for name in step.inputs], len(inner)))
            inner.append(step.name)
        steps.append(tuple(own))
        operations.append([size.operations.index(step.op) for step in cell.steps])
    return Mixing(tuple(cells), tuple(steps), one_hot(operations, len(size.operations)))


@pytest.mark.parametrize("relaxation", ["shared", "split"])
def test_three_inputs_are_trained(relaxation):
    """alpha and beta have a column for each input where each has its own mixture; all of them get gradients."""
    net = small(2, relaxation=relaxation, cell_inputs=3, step_inputs=3, operations=("Sum", "Attention", "ConcatFC"))
    own = 3 if relaxation == "split" else 2
    assert net.alpha_KEI.shape == (2, 5 + 6, own)
    assert net.beta_KNEI.shape == (2, 2, 3 + 4, own)
    assert [len(each[0]) for each in net.mixing().cells] == [own if relaxation == "split" else 1] * 2
    net(batch(2)).square().sum().backward()
    for parameter in net.architecture():
        assert parameter.grad.abs().amin(-1).count_nonzero() > 0


def test_what_both_inputs_share_is_mixed_once():
    mixes = {
        relaxation: [op for op in small(relaxation=relaxation).plan if isinstance(op.primitive, p.Mix)]
        for relaxation in ("shared", "split")
    }
    # Of each of two cells and their two steps: an input or two, and the operations.
    assert len(mixes["shared"]) == 2 * (1 + 2 * (1 + 1))
    assert len(mixes["split"]) == 2 * (2 + 2 * (2 + 1))


def test_sums_of_the_same_nodes_are_one_product():
    """Those of the cells' inputs over the features, and of each cell's steps over its inputs."""
    plan = join_mixes(small(relaxation="split").plan)
    joined = [op for op in plan if isinstance(op.primitive, p.Mixes)]
    assert [op.primitive.count for op in joined] == [5, 2, 2]
    assert [len(op.reads) for op in joined] == [5 + 4, 2 + 4, 2 + 4]
    begun = [op.primitive.after for op in plan if op.primitive != p.Mix() and isinstance(op.primitive, p.Mix)]
    assert begun == [2, 2, 5, 5, 2, 2]


def test_a_copy_computes_with_its_own_weights_after_use():
    net, features = small().eval(), batch()
    with torch.no_grad():
        before = net(features)
        other = copy.deepcopy(net)
        other.get_parameter("cells.0.steps.0.2.conv.weight").zero_()
        assert torch.equal(net(features), before)
        assert not torch.allclose(other(features), before)
