"""Backbones of every kind: scripted, exported, with hooks of their own, with named outputs, with several names."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bmnas.compiler.multimodal import assemble
from bmnas.errors import BmnasError
from bmnas.genotype import Genotype, from_dict
from bmnas.taps import Tap, TapError, list_taps, run_taps
from bmnas.taps.copies import copied, twin

X = torch.randn(2, 3, 6, 6, generator=torch.Generator().manual_seed(0))
GENOTYPE: Genotype = from_dict(
    {
        "representation": {"channels": 4, "length": 4},
        "features": [{"name": "F", "modality": "M"}],
        "cells": [{"inputs": ["F", "F"], "steps": [{"op": "Sum", "inputs": ["x", "y"]}]}],
        "head": {"outputs": 2},
    },
    "test",
)


def whole(net: nn.Module, tap: str | Tap) -> Any:
    """The feature in a whole model."""
    model = assemble(GENOTYPE, {"M": net}, {"F": tap}, examples={"M": X}).train().eval()
    assert model({"M": X}).shape == (2, 2)
    return model.features({"M": X})["F"]


def plain() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).eval()


class Around(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner, self.after = inner, nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.after(self.inner(x))


def scripted() -> nn.Module:
    return torch.jit.script(plain())


def traced() -> nn.Module:
    return torch.jit.trace(plain(), X)


def exported() -> nn.Module:
    shapes = ({0: torch.export.Dim("batch", min=1)},)
    return torch.export.export(plain(), (X,), dynamic_shapes=shapes).module()


@pytest.mark.parametrize("made", [scripted, traced, exported])
def test_what_a_compiled_backbone_returns_is_a_feature(made: Any) -> None:
    net = made()
    feature = run_taps(net, {"F": ""}, X)["F"]
    assert torch.equal(feature, net(X))
    assert torch.equal(whole(net, ""), feature)
    assert [place.tap.node for place in list_taps(net, X)] == [""]
    outer = Around(made())
    assert torch.equal(whole(outer, "after"), run_taps(outer, {"F": "after"}, X)["F"])


@pytest.mark.parametrize(
    ("made", "why"), [(scripted, "have no hooks"), (traced, "have no hooks"), (exported, "do not run")]
)
def test_the_parts_of_a_compiled_backbone_cannot_be_tapped(made: Any, why: str) -> None:
    for take in (lambda net: run_taps(net, {"F": "0"}, X), lambda net: whole(net, "0")):
        with pytest.raises(TapError, match=rf"feature 'F' taps '0', but .*{why}.*; Tap\(''\) takes what it returns"):
            take(made())


class Collecting(nn.Module):
    """Returns what its own hooks collect, as a method or as functions that hold on to it."""

    def __init__(self, method: bool) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 3))
        self.found: list[Tensor] = []
        for part in self.body:
            part.register_forward_hook(self.collect if method else lambda _, inputs, output: self.found.append(output))

    def collect(self, part: nn.Module, inputs: Any, output: Tensor) -> None:
        self.found.append(output)

    def forward(self, x: Tensor) -> list[Tensor]:
        self.body(x)
        found, self.found = self.found, []
        return found


@pytest.mark.parametrize("method", [True, False])
@pytest.mark.parametrize("tap", [Tap("", item=2), Tap("body.1")])
def test_a_backbone_with_hooks_of_its_own(method: bool, tap: Tap) -> None:
    net = Collecting(method)
    feature = run_taps(net, {"F": tap}, X)["F"]
    assert net.found == []  # it ran to its end
    assert torch.equal(whole(net, tap), feature)
    copy = copied(net)
    assert len(copy(X)) == 3
    assert net.found == []


def test_a_twin_shares_the_weights_and_nothing_that_running_changes() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    other = twin(net)
    assert other[0].weight is net[0].weight  # type: ignore[index]
    other.train()(X)
    assert net[1].num_batches_tracked == 0


@dataclass
class Output:
    last: Tensor
    pooled: Tensor


Pair = namedtuple("Pair", ["last", "pooled"])


class Plain:
    def __init__(self, last: Tensor, pooled: Tensor) -> None:
        self.last, self.pooled = last, pooled


class Named(nn.Module):
    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.kind = kind

    def forward(self, x: Tensor) -> Any:
        return self.kind(x * 2, x.mean((2, 3)))


@pytest.mark.parametrize("kind", [Output, Pair, Plain])
def test_the_fields_of_an_output_are_taken_by_name(kind: Any) -> None:
    net = Around(Named(kind))
    net.after = nn.Identity()
    for node in ("", "inner"):
        taps = {"A": Tap(node, item="last"), "B": Tap(node, item="pooled")}
        found = run_taps(net, taps, X)
        assert torch.equal(found["A"], X * 2)
        assert found["B"].shape == (2, 3)
    assert torch.equal(whole(net, Tap("inner", item="last")), X * 2)
    assert [place.tap.item for place in list_taps(net, X) if place.tap.node == "inner"] == ["last", "pooled"]
    with pytest.raises(TapError, match=r"returns a \w+ of last, pooled, which has no item 'lsat'"):
        run_taps(net, {"A": Tap("", item="lsat")}, X)
    with pytest.raises(TapError, match=r"returns a \w+ of last, pooled, not a tensor; Tap\('', item=...\) takes one"):
        run_taps(net, {"A": ""}, X)


def test_named_tuples_and_results_of_torch_are_numbered_too() -> None:
    class Largest(nn.Module):
        def forward(self, x: Tensor) -> Any:
            return x.max(dim=3)

    found = run_taps(Largest(), {"A": Tap("", item=0), "B": Tap("", item="values"), "C": Tap("", item=-2)}, X)
    assert torch.equal(found["A"], found["B"])
    assert torch.equal(found["A"], found["C"])


class Shared(nn.Module):
    def __init__(self, twice: bool) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 3, 3, padding=1)
        self.second = self.first
        self.twice = twice

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x) + 10) if self.twice else self.second(x)


def test_a_second_name_of_a_module_is_a_tap_where_it_runs_once() -> None:
    net = Shared(twice=False)
    assert torch.equal(run_taps(net, {"F": "second"}, X)["F"], net(X))
    assert torch.equal(whole(net, "second"), net(X))


@pytest.mark.parametrize("tap", ["second", "second_1"])
def test_a_second_name_of_a_module_that_runs_twice_is_refused(tap: str) -> None:
    net = Shared(twice=True)
    for take in (
        lambda: run_taps(net, {"F": tap}, X),
        lambda: whole(net, tap),
        lambda: run_taps(net, {"F": tap, "G": "add"}, X),
        lambda: assemble(GENOTYPE.with_channels({"F": 3}), {"M": net}, {"F": tap}),
    ):
        with pytest.raises(BmnasError, match=r"'second' is another name of 'first', which runs several times"):
            take()
    assert torch.equal(run_taps(net, {"F": "first_1"}, X)["F"], net(X))


class Giving(nn.Module):
    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Any:
        return self.function(x)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x > 0,
        lambda x: (9 * x).int(),
        lambda x: x.half(),
        lambda x: x.double(),
        lambda x: x.to(torch.float8_e4m3fn),
        lambda x: x.to_sparse(),
    ],
)
def test_numbers_of_every_type_are_features(function: Any) -> None:
    feature = run_taps(Giving(function), {"F": ""}, X)["F"]
    assert feature.is_floating_point()
    torch.testing.assert_close(feature.float(), function(X).to_dense().float())
    assert whole(Giving(function), "").dtype == torch.float32


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (torch.fft.fft, r"feature 'F' taps '', which returns complex numbers \(complex64\)"),
        (lambda x: x[:, :, :0], r"feature 'F' taps '', which returns shape \(2, 3, 0, 6\): its axis 2 is empty"),
        (lambda x: x[:, :0], r"its axis 1 is empty"),
        (lambda x: torch.nested.nested_tensor(list(x)), r"returns a nested tensor"),
    ],
)
def test_what_no_feature_can_be(function: Any, sentence: str) -> None:
    with pytest.raises(TapError, match=sentence):
        run_taps(Giving(function), {"F": ""}, X)


def test_an_example_shows_that_rows_are_no_samples() -> None:
    with pytest.raises(TapError, match=r"returns shape \(3, 2, 6, 6\) for 2 samples: its first axis is not the batch"):
        whole(Giving(lambda x: x.transpose(0, 1)), "")


def test_an_example_on_which_the_backbone_fails() -> None:
    with pytest.raises(BmnasError, match=r"the backbone of modality 'M' cannot run on its example: RuntimeError: "):
        whole(nn.Conv2d(5, 4, 3), "")


def test_a_tap_takes_whole_numbers_of_any_library() -> None:
    tap = Tap("a", item=np.int64(1), axis=np.int32(-1))  # type: ignore[arg-type]
    assert (tap, type(tap.axis)) == (Tap("a", 1, -1), int)
    for wrong in ({"axis": 1.5}, {"axis": "last"}, {"item": 0.5}, {"axis": True}):
        with pytest.raises(TapError, match=r"the (axis|item) of a Tap is .*, but should be"):
            Tap("a", **wrong)  # type: ignore[arg-type]


def test_a_compiled_module_is_run_without_its_compiler() -> None:
    net = plain()
    assert torch.equal(run_taps(torch.compile(net), {"F": "0"}, X)["F"], net[0](X))  # type: ignore[index, operator]
