"""Every pass keeps what a plan computes, and does what it says."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings

from bmnas.compiler import compile_genotype
from bmnas.compiler.explain import explain
from bmnas.compiler.passes import (
    FOR_INFERENCE,
    FOR_TRAINING,
    WHILE_TRAINING,
    applied,
    plan_for_inference,
    plan_for_training,
    stages,
)
from bmnas.compiler.passes.fold_batch_norm import fold_batch_norm
from bmnas.compiler.passes.rectify_in_dropout import rectify_in_dropout
from bmnas.compiler.passes.resolve import resolve
from bmnas.compiler.plan import primitives as p
from bmnas.compiler.plan.names import module_names, where
from bmnas.compiler.plan.plan import Plan
from bmnas.errors import GenotypeError
from bmnas.genotype import from_dict, load
from bmnas.genotype.graph import used_nodes
from tests.genotype.test_schema import SHORT, changed
from tests.profiles import examples
from tests.strategies import NAMES, genotypes


def kinds(plan: Plan) -> list[str]:
    return [type(op.primitive).__name__ for op in plan]


@given(genotypes())
@settings(max_examples=examples(60))
def test_after_every_pass_a_plan_can_be_computed_in_its_order(genotype):
    for name, plan in stages(genotype):
        seen = set()
        for op in plan:
            assert set(op.reads) <= seen, name
            assert op.id not in seen, name
            seen.add(op.id)
        assert plan.output in seen, name


@given(genotypes())
@settings(max_examples=examples(60))
def test_passes_are_pure_and_settle(genotype):
    """A pass leaves the plan it is given as it is; doing all that can be done again changes nothing more."""
    plan = resolve(genotype)
    for each in FOR_INFERENCE:
        ops = plan.ops
        new = each(plan)
        assert plan.ops is ops
        plan = new
    for each in FOR_INFERENCE[FOR_INFERENCE.index(FOR_TRAINING[-1]) :]:
        assert each(plan).ops == plan.ops, each.__name__


@given(genotypes())
@settings(max_examples=examples(60))
def test_only_what_reaches_the_output_is_left(genotype):
    places = {op.place for op in plan_for_training(genotype)}
    assert places <= used_nodes(genotype)
    features = {node for node in used_nodes(genotype) if node[0] == "feature"}
    assert {op.place for op in plan_for_training(genotype) if isinstance(op.primitive, p.Input)} == features


@given(genotypes())
@settings(max_examples=examples(60))
def test_inferred_shapes_are_those_that_are_computed(genotype):
    network = compile_genotype(genotype).eval()
    size = genotype.representation
    found = {}
    program = network.program()
    values = {}
    for op in network.plan:
        if isinstance(op.primitive, p.Input):
            side = (size.length,)
            if genotype.feature(op.place[1]).reshape == "grid":
                side = (int(size.length**0.5),) * 2
            values[op.id] = torch.randn(2, op.primitive.channels, *side)
    steps = {at: (call, reads) for at, call, reads, _ in program._steps}
    for at, op in enumerate(network.plan):
        if at in steps:
            call, reads = steps[at]
            values[op.id] = call(*[values[network.plan.ops[i].id] for i in reads])
            found[op.id] = values[op.id].shape[1:]
            assert found[op.id] == (op.shape[::-1] if len(op.shape) == 2 else op.shape), op.name()


def test_equal_work_is_shared():
    steps = [{"op": op, "inputs": ["x", "y"]} for op in ("ConcatFC", "LinearGLU", "ConcatFC")]
    genotype = from_dict(changed(cells__0__steps=steps, cells__0__output=["Step_1", "Step_2", "Step_3"]))
    before = dict(stages(genotype, FOR_TRAINING))
    assert kinds(before["infer_shapes"]).count("Concat") - kinds(before["share"]).count("Concat") == 2
    # two heads of parameter-free attention are one in the paper dialect, where nothing is dropped out between them
    heads = [{"op": "Attention", "inputs": ["x", "y"]}] * 2
    paper = from_dict(changed(cells__0__steps=heads, dialect="paper"))
    assert kinds(plan_for_training(paper)).count("Attend") == 1


def test_what_has_weights_or_chance_is_never_shared():
    steps = [{"op": "ConcatFC", "inputs": ["x", "y"]}] * 2
    genotype = from_dict(changed(cells__0__steps=steps))
    plan = plan_for_training(genotype)
    assert kinds(plan).count("Conv") == len({op.weights for op in plan if isinstance(op.primitive, p.Conv)})
    assert kinds(plan).count("Dropout") == 2 + 2 + 1 + 1  # features, steps, the end of the cell, the second cell's step


def test_siblings_become_one_product():
    step = {"op": "MultiHeadAttention", "inputs": ["x", "y"], "heads": 2}
    genotype = from_dict(changed(cells__0__steps=[step]))
    plan = plan_for_inference(genotype)
    (grouped,) = [op for op in plan if isinstance(op.primitive, p.Conv) and "" in op.weights]
    assert grouped.weights == ("cells.Cell_1.steps.Step_1.k_proj", "", "cells.Cell_1.steps.Step_1.v_proj")
    assert [op.primitive for op in plan if isinstance(op.primitive, p.Part)] == [p.Part(0, 16), p.Part(16, 32)]


def test_what_is_left_of_a_published_genotype():
    plan = plan_for_inference(load("ntu-1"))
    assert not {"Dropout", "BatchNorm", "Flatten"} & set(kinds(plan))
    assert kinds(plan).count("FlattenPositions") == 1
    assert all(op.primitive.in_place for op in plan if isinstance(op.primitive, p.Relu))


def test_a_feature_is_never_written_over():
    """Without a reshape layer, what a cell reads may be the very memory that the user gave."""
    feature = {"name": "A", "modality": "A", "channels": 16, "reshape": "none"}
    cell = {"inputs": ["A", "A"], "steps": [{"op": "Sum", "inputs": ["x", "y"]}, {"op": "Mul", "inputs": ["x", "y"]}]}
    for dialect in ("official", "paper"):
        genotype = from_dict({**SHORT, "features": [feature], "cells": [cell], "dialect": dialect})
        network = compile_genotype(genotype).for_inference()
        given = torch.randn(2, 4, 16).transpose(1, 2)  # lies as nodes do, so nothing copies it
        before = given.clone()
        network({"A": given})
        assert torch.equal(given, before)


def test_channels_must_be_known_for_what_is_used_alone():
    with pytest.raises(GenotypeError, match="the channels of feature 'Video_3' are not known"):
        resolve(from_dict(changed(features__0__channels=...)))
    unused = from_dict(changed(features__0__channels=..., output=["Skeleton_4"]))
    assert plan_for_training(unused)


def test_a_convolution_that_others_read_too_keeps_its_own_weights():
    """No genotype has one so far; folded, it would give the others what batch norm makes of it."""
    plan = plan_for_training(from_dict(SHORT))
    norm = next(op for op in plan if isinstance(op.primitive, p.BatchNorm))
    folded = fold_batch_norm(Plan((*plan, replace(norm, id=(*norm.id, "again"))), plan.output))
    assert folded[norm.reads[0]] == plan[norm.reads[0]]
    assert folded[norm.id] == norm


@given(genotypes(NAMES))
@settings(max_examples=examples(60))
def test_modules_have_distinct_names_that_torch_takes(genotype):
    names = module_names(genotype)
    assert len(set(names.values())) == len(names)
    root = torch.nn.Module()
    for name in names.values():
        for part in name.split("."):
            assert not hasattr(torch.nn.ModuleDict(), part) or part in ("cells", "steps", "output", "reshapes")
            root.add_module(part, torch.nn.Module())


def test_a_place_is_named_as_messages_do():
    genotype = from_dict(SHORT)
    assert where(genotype, ("step", "Cell_1", "Step_2")) == "cells[0].steps[1] ('Step_2', Sum)"
    assert where(genotype, ("feature", "Skeleton_4")) == "features[1] ('Skeleton_4')"
    assert where(genotype, ("cell", "Cell_2")) == "cells[1] ('Cell_2')"
    assert where(genotype, ("output",)) == "the output"


def test_every_pass_is_explained():
    lines = list(explain(load("ntu-1")))
    for each in FOR_INFERENCE:
        assert any(line.startswith(f"{each.__name__}: ") for line in lines)
    assert any("Conv(channels 128, bias True)" in line and "(128, 8)" in line for line in lines)
    assert any(line.startswith("group_siblings: ") and line.endswith("unchanged") for line in lines)


def test_the_graph_is_the_plan():
    plan = plan_for_training(load("ntu-1"))
    assert set(plan.graph.nodes) == {op.id for op in plan}
    assert set(plan.graph.edges) == {(id, op.id) for op in plan for id in op.reads}
    assert plan.graph.nodes[plan.output]["op"] == replace(plan[plan.output])


def test_while_training_batch_norm_counts_repeated_positions_as_often():
    plan = applied(plan_for_training(from_dict(SHORT)), WHILE_TRAINING)
    norms = [op for op in plan if isinstance(op.primitive, p.BatchNorm) and op.primitive.positions]
    assert norms
    assert all(isinstance(plan[norm.reads[0]].primitive, p.Conv) for norm in norms)
    assert [reader.primitive for norm in norms for reader in plan.readers()[norm.id]] == [p.Relu()] * len(norms)


def test_a_dropout_does_the_relu_that_it_alone_reads():
    plan = plan_for_training(from_dict(SHORT))
    drops = [op for op in plan if isinstance(op.primitive, p.Dropout)]
    alone = [op for op in drops if plan[op.reads[0]].primitive == p.Relu()]
    new = rectify_in_dropout(plan)
    assert 0 < len(alone) < len(plan)
    assert len(new.ops) == len(plan.ops) - len(alone)
    assert all(isinstance(new[op.id].primitive, p.Dropout) and new[op.id].primitive.rectified for op in alone)
    # Where the ReLU is asked for itself, it stays.
    asked = replace(plan, output=alone[0].reads[0])
    assert rectify_in_dropout(asked)[asked.output] == plan[asked.output]
