"""Networks of encoder-decoder genotypes: padding, wrong inputs, costs, exports, operations of one's own."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings

import bmnas
from bmnas.compiler.stacks import SequenceError, StackNetwork, export_stacks, load_official_state, summarise_stacks
from bmnas.compiler.stacks.export import random_inputs
from bmnas.compiler.stacks.layers import box_geometry
from bmnas.errors import BmnasError
from bmnas.genotype.stacks import BLOCKS, block_operation
from tests.genotype.stacks.made import genotypes, plain, small


def made(genotype=None) -> StackNetwork:
    torch.manual_seed(0)
    return StackNetwork(genotype or small()).double().eval()


def inputs(network: StackNetwork, seed: int = 1, batch: int = 4) -> dict[str, torch.Tensor]:
    found = random_inputs(network, batch, seed)
    return {name: x if name == "Q" else x.double() for name, x in found.items()}


@given(genotypes())
@settings(max_examples=40)
def test_costs_are_those_of_the_network_and_the_shape_is_what_the_head_says(genotype):
    network, summary = made(genotype), summarise_stacks(genotype)
    assert summary.parameters == sum(parameter.numel() for parameter in network.parameters())
    given = inputs(network, seed=0)
    out = network(given)
    assert tuple(out.shape)[1:] == summary.output_shape[1:]
    assert out.isfinite().all()
    assert sum(node.parameters for node in summary.nodes) == summary.parameters


@given(genotypes())
@settings(max_examples=40)
def test_padding_behind_makes_no_difference(genotype):
    """Unless a convolution reads it, or each region has an output."""
    if any(block.op == "DepthwiseConv" for stack in genotype.stacks for block in stack.blocks):
        return
    network = made(genotype)
    given = inputs(network, seed=3)
    longer = {
        name: torch.cat([x, torch.zeros(len(x), 1, *x.shape[2:], dtype=x.dtype)], 1) if x.shape[1] < 5 else x
        for name, x in given.items()
    }
    out, again = network(given), network(longer)
    if genotype.head.task == "ground":
        again = again[:, : out.shape[1]]
    assert torch.allclose(out, again, atol=1e-9)


@given(genotypes())
@settings(max_examples=20)
def test_each_sample_is_by_itself(genotype):
    network = made(genotype)
    given = inputs(network)
    whole = network(given)
    for row in range(4):
        alone = network({name: x[row : row + 1] for name, x in given.items()})
        assert torch.allclose(whole[row], alone[0], atol=1e-9)


def test_relations_know_left_from_right_in_our_dialect_alone():
    boxes = torch.tensor([[[0.0, 0, 9, 9], [20.0, 0, 29, 9], [50.0, 30, 80, 60]]]).double()
    mirrored = boxes.clone()
    mirrored[..., [0, 2]] = 100 - boxes[..., [2, 0]]
    there = torch.zeros(1, 3, dtype=torch.bool)
    assert torch.allclose(box_geometry(boxes, there), box_geometry(mirrored, there))
    signed = [box_geometry(each, there, signed=True) for each in (boxes, mirrored)]
    assert torch.allclose(signed[0][..., 4], -signed[1][..., 4])
    assert signed[0][0, 0, 1, 4] > 0  # the second is to the right of the first


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda x: x.pop("R.boxes"), "the input 'R.boxes' is missing; the network needs Q, R, R.boxes"),
        (lambda x: x.update({"r": x["R"]}), "'r' is not an input of the genotype; did you mean 'R'"),
        (lambda x: x.update({"R": x["R"][..., :3]}), r"should have \(batch, positions, 7\)"),
        (lambda x: x.update({"Q": x["Q"] + 11}), "has the word .*, but the vocabulary has 0 to 10"),
        (lambda x: x.update({"Q": x["Q"].double()}), r"but a text is \(batch, words\) of int64"),
        (
            lambda x: x.update({"R": torch.ones(4, 9, 7), "R.boxes": torch.ones(4, 9, 4)}),
            "has 9 positions, but .* 1 to 6",
        ),
        (lambda x: x.update({"R.boxes": x["R.boxes"][:, :1]}), r"'R.boxes' has shape .* but should have"),
    ],
)
def test_wrong_inputs_are_told(change, sentence):
    network = made()
    given = inputs(network)
    change(given)
    with pytest.raises(SequenceError, match=sentence):
        network(given)
    with pytest.raises(SequenceError, match="the inputs are a list"):
        network([1])


def test_what_is_left_to_a_task_is_asked_for():
    genotype = small(inputs=[{**plain()["inputs"][0], "vocabulary": None}, plain()["inputs"][1]])
    with pytest.raises(BmnasError, match=r"inputs\[0\].vocabulary is missing: give the vocabulary of 'Q'"):
        bmnas.compile(genotype)
    assert isinstance(bmnas.compile(genotype.completed(vocabulary={"Q": 4})), StackNetwork)
    with pytest.raises(BmnasError, match=r"head.outputs is missing"):
        bmnas.compile(small(head={"task": "answer"}))


def test_an_operation_of_ones_own_is_built_and_looks_at_the_memory(monkeypatch):
    monkeypatch.setattr(BLOCKS, "_members", dict(BLOCKS._members))

    @block_operation(reads="memory")
    class FirstOf(torch.nn.Module):
        """The first position of the memory."""

        def __init__(self, size):
            super().__init__()
            self.linear = torch.nn.Linear(size.width, size.width)

        def forward(self, x, padding, memory, memory_padding):
            return self.linear(memory[:, :1]).expand_as(x)

    network = made(small(stacks=[plain()["stacks"][0], {**plain()["stacks"][1], "blocks": ["FirstOf"]}]))
    given = inputs(network)
    other = {**given, "Q": given["Q"].flip(0)}
    assert not torch.allclose(network(given), network(other))
    with pytest.raises(BmnasError, match="is from outside the package: it is not counted"):
        summarise_stacks(network.genotype)


def test_weights_of_another_network_are_refused():
    network = made()
    with pytest.raises(BmnasError, match=r"are missing .*, 1 belong to nothing here"):
        load_official_state(network, {"odd": torch.zeros(2)})
    with pytest.raises(BmnasError, match="of the dialect 'official' with two stacks"):
        load_official_state(made(small(dialect="openvqa")), {})


@pytest.mark.parametrize("target", ["pt2", pytest.param("onnx", marks=pytest.mark.slow)])
def test_an_export_has_free_batch_and_regions(target, tmp_path):
    torch.manual_seed(0)
    network = StackNetwork(small())
    found = export_stacks(network, tmp_path / f"x.{target}", target)
    assert found.difference <= found.tolerance
    assert found.size == (tmp_path / f"x.{target}").stat().st_size
    assert network.training
    with pytest.raises(BmnasError, match="is exported to pt2 or onnx"):
        export_stacks(network, tmp_path / "x.py", "py")
