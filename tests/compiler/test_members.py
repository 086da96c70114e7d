"""Ensembles: the network computes the mean of its members, whose weights have the names that they have alone."""

from __future__ import annotations

import copy

import pytest
import safetensors.torch
import torch

import bmnas
from bmnas.compiler import summarise
from bmnas.compiler.ensemble import assemble, member_genotype
from bmnas.compiler.explain import explain
from bmnas.compiler.export import TARGETS, TOLERANCE, export, load_weights
from bmnas.compiler.multimodal import assemble as on_backbones
from bmnas.compiler.official import load_official_state
from bmnas.compiler.passes import plan_for_inference, plan_for_training
from bmnas.compiler.passes.resolve import resolve, resolve_member
from bmnas.compiler.plan import primitives as p
from bmnas.compiler.source import to_source
from bmnas.errors import BmnasError
from bmnas.genotype import Genotype, dumps, from_dict, load
from bmnas.genotype.graph import OUTPUT, reads
from tests.compiler.test_anchored import SCALED, inputs, network
from tests.genotype.test_anchored import ANCHORED

MEMBERS = 3
STEPS = [{"op": "LinearGLU", "inputs": ["x", "y"]}, {"op": "ConcatFC", "inputs": ["x", "Step_1"]}]
CELLS = [{"inputs": ["A_1", "B_1"], "steps": STEPS}]
KINDS = {
    "concat": {**ANCHORED, "cells": CELLS, "join": "concat", "output": ["A_2", "Cell_1"]},
    "sum": {**ANCHORED, "cells": CELLS},
    "scaled": {**SCALED, "cells": CELLS},
    "heads": {**SCALED, "cells": [], "output": ["A_2", "B_1"]},
}
ALL = pytest.mark.parametrize("kind", KINDS)
BOTH = pytest.mark.parametrize("dialect", ["official", "paper"])


def genotype(kind: str, **changes: object) -> Genotype:
    return from_dict({**KINDS[kind], "dropout": 0.0, "members": MEMBERS, **changes})


def members_of(ensemble: Genotype) -> list[bmnas.FusionNetwork]:
    """Networks with random weights, one after the other."""
    return [network(member_genotype(ensemble).model_dump(), seed) for seed in range(ensemble.members)]


def mean(networks: list[bmnas.FusionNetwork], features: dict[str, torch.Tensor]) -> torch.Tensor:
    return torch.stack([each(features) for each in networks]).mean(0)


@ALL
@BOTH
@pytest.mark.parametrize("length", [1, 4, 7])
def test_it_computes_the_mean_of_its_members(kind, dialect, length):
    ensemble = genotype(kind, dialect=dialect)
    networks = members_of(ensemble)
    whole, features = assemble(ensemble, networks).double().eval(), inputs(length)
    networks = [each.double() for each in networks]
    features = {name: tensor.double() for name, tensor in features.items()}
    expected = mean(networks, features)
    torch.testing.assert_close(whole(features), expected, atol=1e-9, rtol=1e-9)
    torch.testing.assert_close(whole.for_inference()(features), expected, atol=1e-9, rtol=1e-9)
    for each in (whole, *networks):
        each.train()
    torch.testing.assert_close(whole(features), mean(networks, features), atol=1e-9, rtol=1e-9)


@ALL
def test_names_of_weights_are_those_of_a_member_behind_its_number(kind):
    ensemble = genotype(kind)
    whole, single = bmnas.compile(ensemble), bmnas.compile(member_genotype(ensemble))
    assert list(whole.state_dict()) == [f"members.{i}.{name}" for i in range(MEMBERS) for name in single.state_dict()]
    assert whole.features == single.features


@ALL
@BOTH
def test_the_source_computes_the_same(kind, dialect):
    ensemble = genotype(kind, dialect=dialect)
    whole = assemble(ensemble, members_of(ensemble)).double()
    made: dict[str, object] = {}
    exec(to_source(ensemble), made)  # noqa: S102
    theirs = made["Network"]().double()
    assert set(theirs.state_dict()) - set(whole.state_dict()) <= {
        name for name in theirs.state_dict() if name.endswith(".num_batches_tracked")
    }
    theirs.load_state_dict(whole.state_dict())
    assert isinstance(theirs.members[0], made["Member"]) and theirs.features == dict.fromkeys(whole.features, 3)
    features = {name: tensor.double() for name, tensor in inputs(7).items()}
    for mode in (True, False):
        out = theirs.train(mode)(features)
        torch.testing.assert_close(out, whole.train(mode)(features), atol=1e-9, rtol=1e-9)


def test_a_cell_may_have_the_name_of_a_class_of_the_source():
    cells = [{**CELLS[0], "name": "Member"}, {"name": "Network", "inputs": ["Member", "B_1"], "steps": STEPS[:1]}]
    ensemble = genotype("concat", cells=cells, output=["Network"])
    made: dict[str, object] = {}
    exec(to_source(ensemble), made)  # noqa: S102
    made["Network"]().load_state_dict(bmnas.compile(ensemble).state_dict(), strict=False)
    assert "class Member(" in to_source(member_genotype(ensemble))  # which has no other of that name


def test_a_single_network_is_what_it_was():
    plain = load("ntu-1")
    assert resolve(plain) == resolve_member(plain)
    assert resolve(plain).output == OUTPUT
    assert "Member" not in to_source(plain) and not [op for op in resolve(plain) if isinstance(op.primitive, p.Mean)]


@ALL
def test_inputs_are_shared_and_ids_are_distinct(kind):
    ensemble = genotype(kind)
    for plan in (resolve(ensemble), plan_for_training(ensemble), plan_for_inference(ensemble)):
        assert len({op.id for op in plan}) == len({op.name() for op in plan}) == len(plan)
        assert {op.place for op in plan} <= set(reads(ensemble))
        (end,) = [op for op in plan if isinstance(op.primitive, p.Mean)]
        assert (end.id, end.place, len(end.reads)) == (plan.output, OUTPUT, MEMBERS)
        features = [op.place[1] for op in plan if isinstance(op.primitive, p.Input)]
        assert len(features) == len(set(features))


def test_names_that_look_like_those_of_members():
    features = [{"name": name, "modality": "M", "channels": 3} for name in ("members.0", "member", "input", "0")]
    data = {**ANCHORED, "features": features, "cells": [], "output": ["members.0", "member", "input", "0"]}
    for join in ("sum", "concat"):
        ensemble = from_dict({**data, "join": join, "members": 2})
        networks = [bmnas.compile(member_genotype(ensemble)).eval() for _ in range(2)]
        given = {feature["name"]: torch.randn(2, 3, 4) for feature in features}
        whole = assemble(ensemble, networks).eval()
        torch.testing.assert_close(whole(given), mean(networks, given), atol=1e-6, rtol=1e-5)


def test_what_reads_the_same_feature_is_one_product():
    plan = plan_for_inference(genotype("scaled"))
    convolutions = [op for op in plan if isinstance(op.primitive, p.Conv)]
    grouped = [op for op in convolutions if "" in op.weights]
    assert {op.primitive.channels for op in grouped} == {MEMBERS * 4}
    assert {op.place for op in grouped} == {("feature", "A_1"), ("feature", "B_1")}
    kinds = [type(op.primitive) for op in plan]
    assert kinds.count(p.Pool) == 3  # one for each feature
    assert kinds.count(p.MeanPosition) == 2  # what the heads of all members read
    assert kinds.count(p.FlattenPositions) == MEMBERS and p.Flatten not in kinds and p.Scale not in kinds


@ALL
def test_the_summary_counts_all_members(kind):
    ensemble = genotype(kind)
    whole, single = summarise(ensemble), summarise(member_genotype(ensemble))
    assert whole.parameters == MEMBERS * single.parameters
    assert whole.parameters == sum(parameter.numel() for parameter in bmnas.compile(ensemble).parameters())
    assert whole.multiply_adds == MEMBERS * single.multiply_adds
    assert [node.name for node in whole.nodes] == [node.name for node in single.nodes]
    assert whole.nodes[-1].kind == f"{single.nodes[-1].kind}, mean of 3 networks"
    assert whole.output_shape == single.output_shape


def test_it_is_explained():
    lines = list(explain(genotype("concat")))
    assert any(line.split()[:5] == ["members.1", "/", "Cell_1", "/", "Step_1"] for line in lines)
    assert any(line.split()[:4] == ["output", "/", "mean", "Mean"] for line in lines)


@pytest.mark.parametrize("to", TARGETS)
@pytest.mark.parametrize("kind", ["concat", "scaled"])
def test_every_export_has_it(tmp_path, kind, to):
    pytest.importorskip("onnxruntime")
    ensemble = genotype(kind)
    whole = assemble(ensemble, members_of(ensemble))
    done = export(whole, tmp_path / f"g.{to}", to)
    assert done.difference <= TOLERANCE
    features = inputs(4, batch=5)
    given = {name: features[name] for name in whole.features}
    torch.testing.assert_close(TARGETS[to].load(done.file)(given), whole.eval()(given), rtol=1e-4, atol=1e-4)


def test_a_whole_model_has_it():
    ensemble = genotype("concat", features=[{**each, "modality": "M"} for each in KINDS["concat"]["features"]])
    whole = assemble(ensemble, members_of(ensemble)).eval()
    backbone = torch.nn.ModuleDict({name: torch.nn.Identity() for name in ("A_1", "A_2", "B_1")})
    backbone.forward = lambda x: [module(x) for module in backbone.values()]
    example = torch.randn(2, 3, 4)
    model = on_backbones(whole, {"M": backbone}, examples={"M": example}).eval()
    torch.testing.assert_close(model({"M": example}), whole(dict.fromkeys(whole.features, example)))


def test_weights_are_loaded_strictly(tmp_path):
    ensemble = genotype("concat")
    whole, fresh = assemble(ensemble, members_of(ensemble)), bmnas.compile(ensemble)
    state, path = whole.state_dict(), tmp_path / "w.safetensors"
    safetensors.torch.save_file(state, path, {"genotype": dumps(ensemble)})
    load_weights(fresh, path)
    assert all(torch.equal(fresh.state_dict()[name], tensor) for name, tensor in state.items())
    for missing, place in {
        "members.1.cells.Cell_1.steps.Step_1.conv.weight": r"cells\[0\].steps\[0\] \('Step_1', LinearGLU\)",
        "members.2.output.head.bias": "the head",
    }.items():
        safetensors.torch.save_file({name: tensor for name, tensor in state.items() if name != missing}, path)
        with pytest.raises(BmnasError, match=rf"has no '{missing}', which {place} needs"):
            load_weights(fresh, path)


def test_assembled_weights_are_copies_of_their_type():
    ensemble = genotype("scaled")
    networks = [each.double() for each in members_of(ensemble)]
    whole = assemble(ensemble, networks)
    assert whole.training and {tensor.dtype for tensor in whole.parameters()} == {torch.float64}
    assert all(parameter.requires_grad for parameter in whole.parameters())
    before = copy.deepcopy(networks[1].state_dict())
    for tensor in whole.state_dict().values():
        tensor.zero_()
    assert all(torch.equal(tensor, before[name]) for name, tensor in networks[1].state_dict().items())


def test_an_ensemble_of_one_is_a_copy():
    single = genotype("sum", members=1)
    (only,) = members_of(single)
    whole, features = assemble(single, [only]).eval(), inputs()
    assert torch.equal(whole(features), only(features))


def test_networks_that_do_not_fit_are_refused():
    ensemble = genotype("concat")
    networks = members_of(ensemble)
    with pytest.raises(BmnasError, match="genotype has 3 members, but 2 networks are given"):
        assemble(ensemble, networks[:2])
    other = bmnas.compile(member_genotype(ensemble).replace(dialect="paper"))
    with pytest.raises(BmnasError, match="network 1 is no member of genotype: dialect is official in the ensemble"):
        assemble(ensemble, [networks[0], other, networks[2]])
    with pytest.raises(BmnasError, match="network 0 is no member of genotype: members is 1 in the ensemble, 3 in"):
        assemble(ensemble, [bmnas.compile(ensemble)] * 3)
    named = bmnas.compile(member_genotype(ensemble).replace(name="other", provenance={"seed": 3}))
    assemble(ensemble, [networks[0], named, networks[2]])


def test_weights_of_the_released_code_are_those_of_one_network():
    with pytest.raises(BmnasError, match="'genotype' has 3 members, but the released code's weights are those of one"):
        load_official_state(bmnas.compile(genotype("concat")), {})


def test_messages_name_the_step_and_the_member(monkeypatch):
    monkeypatch.setattr("bmnas.genotype.extension._registered", {})

    @bmnas.operation
    class Raises(torch.nn.Module):
        def __init__(self, size):
            super().__init__()

        def forward(self, x, y):
            raise ValueError("never")

    ensemble = genotype("concat", cells=[{"inputs": ["A_1", "B_1"], "steps": [{"op": "Raises", "inputs": ["x", "y"]}]}])
    with pytest.raises(ValueError, match="never") as caught:
        bmnas.compile(ensemble)(inputs())
    assert caught.value.__notes__[0].startswith("while computing members.0 / Cell_1 / Step_1")
