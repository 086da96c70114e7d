"""The canonical form: one for all ways of writing a function, and another for every other function."""

from __future__ import annotations

from itertools import combinations
from random import Random

import pytest
import torch
from hypothesis import example, given, settings, strategies as st

import bmnas
from bmnas.compiler.plan.names import distinct, module_names
from bmnas.errors import GenotypeError
from bmnas.genotype import INPUT_NAMES, Genotype, dumps, from_dict, labelling, loads
from bmnas.genotype.canonical import canonical_form, canonical_hash, canonical_names, equivalent
from bmnas.genotype.graph import used_features
from tests.genotype.disguises import disguised, same_by_search, with_one_change
from tests.genotype.test_schema import SHORT, changed
from tests.profiles import examples
from tests.strategies import genotypes

SEEDS = st.integers(0, 2**32).map(Random)

# A cell with a residual, a twin, an input read under two letters and named twice in the output, and unused parts.
ROUGH = {
    "representation": {"channels": 4, "length": 4},
    "features": [{"name": name, "modality": "M", "channels": 3} for name in ("a", "b", "c")],
    "cells": [
        {
            "inputs": ["a", "b", "a", "b"],
            "steps": [
                {"op": "Sum", "inputs": ["x", "y"]},
                {"op": "Sum", "inputs": ["w", "z"]},
                {"op": "MultiHeadAttention", "inputs": ["Step_1", "Step_2"], "heads": 4},
                {"op": "ConcatFC", "inputs": ["y", "y"]},
            ],
            "output": ["Step_3", "w", "y"],
        },
        {"inputs": ["b", "Cell_1"], "steps": [{"op": "Mul", "inputs": ["y", "x"]}]},
    ],
    "head": {"outputs": 3},
}


@st.composite
def tiny(draw: st.DrawFn) -> Genotype:
    """Genotypes so small that two of them are often the same."""
    steps = st.fixed_dictionaries(
        {
            "op": st.sampled_from(["Sum", "ConcatFC"]),
            "inputs": st.tuples(st.sampled_from(["x", "y"]), st.sampled_from(["x", "y"])).map(list),
        }
    )
    outputs = st.sampled_from([["Step_1"], ["Step_1", "x"], ["y", "Step_1"], ["y"]])
    inputs = [["a", "b", "Cell_1", "Cell_2"][: 2 + n] for n in range(3)]
    cells = [
        {
            "inputs": draw(st.lists(st.sampled_from(names), min_size=2, max_size=2)),
            "steps": [draw(steps)],
            "output": draw(outputs),
        }
        for names in inputs[: draw(st.integers(1, 3))]
    ]
    data = {
        **changed(cells=cells, output=[f"Cell_{len(cells)}"]),
        "head": draw(st.sampled_from([None, {"outputs": 2}])),
    }
    data["features"] = ROUGH["features"]
    data["dialect"] = draw(st.sampled_from(["official", "paper"]))
    return from_dict(data)


@settings(deadline=None)
@given(genotypes(), SEEDS)
@example(from_dict(ROUGH), Random(1))
@example(from_dict({**ROUGH, "dialect": "paper"}), Random(2))
def test_the_form_does_not_depend_on_naming_and_order(genotype, rng):
    other = disguised(genotype, rng)
    assert canonical_form(other) == canonical_form(genotype)
    assert canonical_hash(other) == canonical_hash(genotype)


@settings(deadline=None)
@given(genotypes())
@example(from_dict(ROUGH))
def test_the_form_is_a_genotype_of_its_own_form_and_of_the_same_function(genotype):
    form = canonical_form(genotype)
    assert loads(dumps(form)) == form
    assert canonical_form(form) == form
    assert canonical_hash(form) == canonical_hash(genotype)
    assert same_by_search(form, genotype)


@settings(deadline=None, max_examples=examples(150))
@given(genotypes(), SEEDS, st.integers(1, 2))
def test_a_change_counts_exactly_when_a_search_for_an_isomorphism_says_so(genotype, rng, changes):
    other = disguised(genotype, rng)
    for _ in range(changes):
        other = with_one_change(other, rng)
    assert equivalent(genotype, other) == same_by_search(genotype, other)
    assert (canonical_form(genotype) == canonical_form(other)) == equivalent(genotype, other)


@settings(deadline=None, max_examples=examples(200))
@given(tiny(), tiny())
def test_two_small_genotypes_are_equal_exactly_when_a_search_says_so(one, other):
    assert equivalent(one, other) == same_by_search(one, other)


@settings(deadline=None, max_examples=examples(60))
@given(genotypes(), SEEDS)
@example(from_dict(ROUGH), Random(1))
def test_the_canonical_network_computes_the_same_numbers(genotype, rng):
    form = canonical_form(genotype)
    network, other = bmnas.compile(genotype).double().eval(), bmnas.compile(form).double().eval()
    _randomise(network)
    _copy(network, genotype, other, form)
    features = {}
    for feature in genotype.features:
        trailing = (genotype.representation.length,) if feature.reshape == "none" else (4, 4)
        features[feature.name] = torch.rand(2, feature.channels, *trailing, dtype=torch.float64)
    used = {name: features[name] for name in other.features}
    torch.testing.assert_close(other(used), network(features), rtol=1e-9, atol=1e-9)


def test_what_does_not_count():
    genotype = from_dict({**SHORT, "head": {"outputs": 2}})
    for other in (
        {**changed(features__0__modality="M", cells__1__name="Last"), "name": "another"},
        changed(cells__0__steps__1__inputs=["x", "Step_1"]),
        changed(cells__0__output=["Step_2", "Step_1"], output=["Cell_2", "Cell_1"]),
        {**SHORT, "provenance": {"seed": 3}, "features": [*SHORT["features"][::-1], {"name": "more", "modality": "M"}]},
    ):
        assert equivalent(from_dict({**other, "head": {"outputs": 2}}), genotype)
    for zero in (0.0, -0.0):
        assert canonical_form(from_dict({**SHORT, "dropout": zero})).dropout.hex() == "0x0.0p+0"


@pytest.mark.parametrize(
    "change",
    [
        {
            "features__0__name": "Video_4",
            "cells__0__inputs": ["Video_4", "Skeleton_4"],
            "cells__1__inputs": ["Cell_1", "Video_4"],
        },
        {"features__0__channels": 7},
        {"features__0__reshape": "grid"},
        {"representation__length": 9},
        {"dialect": "paper"},
        {"dropout": 0.1},
        {"head": {"outputs": 2}},
        {"output": ["Cell_2", "Cell_1"]},
        {"cells__1__steps__0__inputs": ["y", "x"]},
        {"cells__0__steps__1__op": "Mul"},
        {"cells__0__output": ["Step_2"]},
        {"cells__0__inputs": ["Skeleton_4", "Video_3"]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_counts(change):
    assert not equivalent(from_dict(SHORT), from_dict(changed(**change)))


def test_only_the_first_input_of_an_official_cell_has_a_place_of_its_own():
    turned = changed(
        cells__0__inputs=["Skeleton_4", "Video_3"],
        cells__0__steps=[{"op": "Attention", "inputs": ["y", "x"]}, {"op": "Sum", "inputs": ["Step_1", "y"]}],
    )
    assert not equivalent(from_dict(SHORT), from_dict(turned))
    assert equivalent(from_dict({**SHORT, "dialect": "paper"}), from_dict({**turned, "dialect": "paper"}))


def test_options_count():
    heads = [
        from_dict(changed(cells__1__steps__0={"op": "MultiHeadAttention", "inputs": ["x", "y"], "heads": n}))
        for n in (1, 2)
    ]
    assert not equivalent(*heads)
    left_out = from_dict(changed(cells__1__steps__0={"op": "MultiHeadAttention", "inputs": ["x", "y"]}))
    assert equivalent(heads[1], left_out)


def test_twins_are_two_nodes():
    twins = [{"op": "ConcatFC", "inputs": ["x", "y"]}] * 2
    once = {"op": "Sum", "inputs": ["Step_1", "Step_1"]}
    both = {"op": "Sum", "inputs": ["Step_1", "Step_2"]}
    one = from_dict(changed(cells__0__steps=[*twins, once], cells__0__output=["Step_3"]))
    other = from_dict(changed(cells__0__steps=[*twins, both], cells__0__output=["Step_3"]))
    assert not equivalent(one, other)
    assert len(canonical_form(one).cells[0].steps) == 2
    assert len(canonical_form(other).cells[0].steps) == 3


@pytest.mark.parametrize("op", ["Attention", "ConcatFC", "LinearGLU"])
def test_twins_that_are_read_in_order_are_told_apart_by_it(op):
    def reading(*pairs: str) -> Genotype:
        twins = [{"op": "ConcatFC", "inputs": ["x", "y"], "name": name} for name in "st"]
        readers = [{"op": op, "inputs": list(pair)} for pair in pairs]
        names = [f"Step_{n}" for n in range(3, 3 + len(pairs))]
        return from_dict(changed(cells__0__steps=twins + readers, cells__0__output=names))

    assert equivalent(reading("st"), reading("ts"))
    assert equivalent(reading("st", "st"), reading("ts", "ts"))
    assert not equivalent(reading("st", "st"), reading("st", "ts"))


def test_a_feature_called_like_a_cell_keeps_its_name():
    data = changed(features__0__name="Cell_1", cells__0__inputs=["Cell_1", "Skeleton_4"], cells__0__name="A")
    data["cells"][1] |= {"inputs": ["A", "Cell_1"], "name": "B"}
    form = canonical_form(from_dict(data))
    assert [cell.name for cell in form.cells] == ["Cell_2", "Cell_3"]
    assert canonical_form(form) == form


def test_channels_of_a_feature_without_a_reshape_layer_are_those_of_the_representation():
    said = changed(features__0__reshape="none", features__0__channels=16)
    assert equivalent(from_dict(said), from_dict(changed(features__0__reshape="none", features__0__channels=...)))


def test_names_correspond():
    names = canonical_names(from_dict(changed(cells__0__name="One", cells__1__inputs=["One", "Video_3"])))
    assert names["cell", "One"] == ("cell", "Cell_1")
    assert names["step", "One", "Step_2"] == ("step", "Cell_1", "Step_2")
    assert names["feature", "Video_3"] == ("feature", "Video_3")


def test_many_equal_cells_take_no_longer_than_others(monkeypatch):
    monkeypatch.setattr(labelling, "EFFORT", 0)  # nothing may be tried out
    steps = [{"op": "ConcatFC", "inputs": ["x", "y"]}] * 4
    cells = [{"inputs": ["Video_3", "Skeleton_4"], "steps": steps} for _ in range(30)]
    chained = [{"inputs": [f"Cell_{n}", "Video_3"], "steps": steps} for n in range(1, 31)]
    genotype = from_dict({**changed(cells=[*cells, *chained]), "head": {"outputs": 2}})
    assert canonical_form(disguised(genotype, Random(0))) == canonical_form(genotype)


def test_cells_in_one_ring_and_in_two_differ():
    def rings(*lengths: int) -> Genotype:
        leaves = [{"inputs": ["Video_3", "Video_3"], "steps": [], "output": ["x"]} for _ in range(sum(lengths))]
        pairs, first = [], 1
        for length in lengths:
            for n in range(length):
                names = [f"Cell_{first + n}", f"Cell_{first + (n + 1) % length}"]
                pairs.append({"inputs": names, "steps": [{"op": "Sum", "inputs": ["x", "y"]}]})
            first += length
        output = [f"Cell_{n}" for n in range(first, 2 * first - 1)]
        return from_dict({**changed(cells=leaves + pairs, output=output), "head": {"outputs": 2}, "dialect": "paper"})

    forms = [rings(12), rings(6, 6), rings(4, 4, 4), rings(3, 3, 6)]
    for one in forms:
        assert equivalent(one, disguised(one, Random(3)))
    assert not any(equivalent(one, other) for one, other in combinations(forms, 2))


def test_what_would_take_too_long_is_one_sentence(monkeypatch):
    monkeypatch.setattr(labelling, "EFFORT", 0)
    steps = [{"op": "ConcatFC", "inputs": ["x", "y"]}] * 4 + [
        {"op": "Sum", "inputs": [f"Step_{n}", f"Step_{n % 4 + 1}"]} for n in range(1, 5)
    ]
    genotype = from_dict(changed(cells__0__steps=steps, cells__0__output=["Step_5", "Step_6", "Step_7", "Step_8"]))
    with pytest.raises(GenotypeError, match="genotype: has so many cells or steps that look alike"):
        canonical_hash(genotype)


def _randomise(network: torch.nn.Module) -> None:
    for tensor in network.state_dict().values():
        tensor.copy_(torch.rand_like(tensor) + 0.1)


def _copy(network, genotype, other, form) -> None:
    """The weights of a network into that of its canonical form."""
    for number in range(genotype.members):
        part = f"members.{number}" if genotype.members > 1 else ""
        _copy_member(network.get_submodule(part), genotype, other.get_submodule(part), form)


def _copy_member(network, genotype, other, form) -> None:
    """The same of one network of an ensemble, or the only one; what reads a concatenation, block by block."""
    names = canonical_names(genotype)
    own, theirs = module_names(genotype), module_names(form)
    upper = {node[-1]: names[node][-1] for node in names if node[0] != "step"}
    cells = {cell.name: cell for cell in form.cells}
    for name in used_features(form):
        _load(_held(other, theirs["feature", name]), _held(network, own["feature", name]))
    for cell in genotype.cells:
        if ("cell", cell.name) not in names:
            continue
        same = cells[upper[cell.name]]
        for step in cell.steps:
            node = ("step", cell.name, step.name)
            if node in own:
                _load(_held(other, theirs[names[node]]), _held(network, own[node]))
        nodes = [
            ("upper", upper[cell.inputs[INPUT_NAMES.index(node)]])
            if node in INPUT_NAMES
            else names["step", cell.name, node]
            for node in cell.output
        ]
        wanted = [
            ("upper", same.inputs[INPUT_NAMES.index(node)]) if node in INPUT_NAMES else ("step", same.name, node)
            for node in same.output
        ]
        copy, module = _held(other, theirs["cell", same.name]), _held(network, own["cell", cell.name])
        _load(copy, module, _places(nodes, wanted))
    nodes, wanted = [upper[name] for name in genotype.output], list(form.output)
    places = _places(nodes, wanted)
    if genotype.join == "concat":
        _load(_held(other, "output"), _held(network, "output"), places)
        return
    mine, copies = (distinct(each.output) for each in (genotype, form))
    for copy, place in zip(copies, places, strict=True):
        for kind in ("heads", "scales"):
            _load(_held(other, f"output.{kind}.{copy}"), _held(network, f"output.{kind}.{mine[place]}"))


def _held(network, name):
    """The submodule that holds the weights of a node, or one without any."""
    try:
        return network.get_submodule(name)
    except AttributeError:
        return torch.nn.Module()


def _places(nodes, wanted):
    """Where each wanted node is among the nodes; a node may be there several times."""
    free = list(range(len(nodes)))
    places = []
    for node in wanted:
        places.append(next(place for place in free if nodes[place] == node))
        free.remove(places[-1])
    return places


def _load(into, source, places=(0,)):
    weights = dict(source.state_dict())
    for name, tensor in weights.items():
        # The layers that read a concatenation of nodes: a norm over it, or a convolution of it.
        if name in ("conv.weight", "head.weight"):
            weights[name] = torch.cat([tensor.chunk(len(places), 1)[place] for place in places], 1)
        elif name.startswith("ln.") and len(places) > 1 and "conv.weight" not in weights:
            weights[name] = torch.cat([tensor.chunk(len(places), 0)[place] for place in places], 0)
    into.load_state_dict(weights)


@pytest.mark.parametrize("op", ["Attention", "MultiHeadAttention"])
def test_a_value_that_is_the_key_may_be_left_out(op):
    short, full, other = (
        canonical_hash(from_dict(changed(cells__0__steps__0={"op": op, "inputs": inputs})))
        for inputs in (["x", "y"], ["x", "y", "y"], ["x", "y", "x"])
    )
    assert short == full != other
