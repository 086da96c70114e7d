from __future__ import annotations

import copy
import threading

import pytest
import torch
from torch import Tensor, nn

from bmnas.compiler.multimodal import Tap as CompilersTap, assemble
from bmnas.errors import BmnasError
from bmnas.genotype import from_dict
from bmnas.taps import Tap, TapError, Tapped, run_taps
from tests.taps.nets import Net, Residual, Words

IMAGE = torch.randn(2, 3, 5, 5, generator=torch.Generator().manual_seed(0))


def hooks(module: nn.Module) -> int:
    return sum(len(part._forward_hooks) for part in module.modules())


def test_taps_give_the_outputs_of_submodules_before_later_layers_change_them_in_place() -> None:
    net, x = Net(), torch.randn(5, 3)
    features = run_taps(net, {"A": "first", "B": "first"}, x)
    assert list(features) == ["A", "B"]
    assert (features["A"] < 0).any()
    torch.testing.assert_close(features["A"], net.first(x), rtol=0, atol=0)
    assert hooks(net) == 0


def test_the_whole_network_can_be_tapped() -> None:
    net, x = Net(), torch.randn(5, 3)
    assert torch.equal(run_taps(net, {"A": ""}, x)["A"], net(x))


def test_what_runs_twice_is_numbered() -> None:
    net, x = Net(), torch.randn(5, 3)
    found = run_taps(net, {"one": "twice", "two": "twice_1"}, x)
    torch.testing.assert_close(found["one"], net.first(x).relu(), rtol=0, atol=0)
    torch.testing.assert_close(found["two"], net(x), rtol=0, atol=0)


def test_items_and_axes() -> None:
    net, words = Net(), Words()
    found = run_taps(net, {"A": Tap("pair", item=0), "B": Tap("pair", item=1)}, torch.randn(5, 3))
    torch.testing.assert_close(found["B"], 2 * found["A"], rtol=0, atol=0)
    ids = torch.randint(50, (4, 7))
    states = run_taps(words, {"A": Tap("", item="states", axis=-1), "B": Tap("rnn", item=0, axis=2)}, ids)
    assert states["A"].shape == (4, 5, 7)
    torch.testing.assert_close(states["A"], states["B"], rtol=0, atol=0)


def test_a_dictionary_is_keyword_arguments_and_a_list_positional_ones() -> None:
    words, tap = Words(), {"A": Tap("rnn", item=0, axis=-1)}
    ids, mask = torch.randint(50, (4, 7)), torch.ones(4, 7).tril()
    named = run_taps(words, tap, {"attention_mask": mask, "input_ids": ids})["A"]
    for positional in ((ids, mask), [ids, mask]):
        torch.testing.assert_close(run_taps(words, tap, positional)["A"], named, rtol=0, atol=0)
    assert not torch.equal(run_taps(words, tap, ids)["A"], named)


@pytest.mark.parametrize(
    ("tap", "sentence"),
    [
        ("frist", r"feature 'A' taps 'frist', which the backbone lacks; did you mean 'first'\?"),
        ("unused", r"feature 'A' taps 'unused', which does not run in"),
        ("twice_2", r"feature 'A' taps 'twice_2', but 'twice' does not run a 3. time"),
        (
            "pair",
            r"taps 'pair', which returns a tuple of 2, not a tensor; Tap\('pair', item=...\) takes one",
        ),
        (Tap("pair", item=2), r"the tap 'pair' returns a tuple of 2, which has no item 2"),
        (Tap("", item="x"), None),
        ("flat", r"feature 'A' taps 'flat', which returns shape \(5,\)"),
        (Tap("first", axis=2), r"feature 'A' taps 'first', which returns shape \(5, 4\), which has no axis 2"),
        (3, r"a tap is the name of a place in the backbone or a Tap, and 3 is neither"),
    ],
)
def test_a_tap_that_gives_no_feature_is_refused(tap: str | Tap, sentence: str | None) -> None:
    net = Net()
    if sentence is None:  # a tensor has no items, so there is nothing to choose
        assert run_taps(net, {"A": tap}, torch.randn(5, 3))["A"].shape == (5, 4)
        return
    with pytest.raises(BmnasError, match=sentence):
        run_taps(net, {"A": tap}, torch.randn(5, 3))
    assert hooks(net) == 0


def test_a_dictionary_without_the_item_says_what_it_has() -> None:
    with pytest.raises(TapError, match=r"the tap '' returns a dict of states, logits, which has no item 'sates'"):
        run_taps(Words(), {"A": Tap("", item="sates")}, torch.randint(50, (4, 7)))


def test_hooks_are_removed_when_the_network_fails() -> None:
    net = Net()
    with pytest.raises(RuntimeError):
        run_taps(net, {"A": "first"}, torch.randn(5, 7))
    assert hooks(net) == 0


def test_nothing_after_the_last_tap_is_computed() -> None:
    net = Residual().eval()
    assert run_taps(net, {"A": "norm", "B": "conv"}, IMAGE)["A"].shape == (2, 3, 5, 5)
    with pytest.raises(AssertionError, match="after the last tap"):
        run_taps(net, {"A": "norm", "B": "classify"}, IMAGE)


def test_an_operation_between_modules_by_tracing() -> None:
    net = Residual().eval()
    tapped = Tapped(net, {"sum": "add", "conv": "conv"})
    before = net.norm(net.conv(IMAGE)) + IMAGE
    for _ in range(2):
        found = tapped(IMAGE)
        torch.testing.assert_close(found["sum"], before, rtol=1e-6, atol=1e-6)
        assert (found["sum"] < 0).any()
    torch.testing.assert_close(found["conv"], net.conv(IMAGE), rtol=0, atol=0)
    assert hooks(net) == 0


def test_a_traced_module_follows_the_mode_of_the_module() -> None:
    net = Residual().eval()
    tapped = Tapped(net, {"sum": "add"})
    still = tapped(IMAGE)["sum"]
    net.train()
    assert not torch.allclose(tapped(IMAGE)["sum"], still)
    assert all(part.training for part in net.modules())
    net.norm.reset_running_stats()
    net.eval()
    torch.testing.assert_close(tapped(IMAGE)["sum"], still)


@pytest.mark.parametrize(
    ("net", "tap", "sentence"),
    [
        (Residual(), "ad", r"feature 'A' taps 'ad', which the backbone lacks.*; did you mean 'add'\?"),
        (Words(), "add", r"taps 'add', which the backbone lacks \(among its submodules; torch.fx cannot trace it: "),
    ],
)
def test_a_node_that_the_graph_lacks_is_refused(net: nn.Module, tap: str, sentence: str) -> None:
    if isinstance(net, Residual):
        net.classify = nn.Identity()
    with pytest.raises(TapError, match=sentence):
        Tapped(net, {"A": tap})


def test_a_submodule_that_never_runs_beside_a_node() -> None:
    net = Net()
    with pytest.raises(TapError, match=r"feature 'B' taps 'unused', which does not run"):
        Tapped(net, {"A": "sub", "B": "unused"})


@pytest.mark.parametrize("taps", [{"A": "norm"}, {"A": "add"}])
def test_grad_modes_and_autocast(taps: dict[str, str]) -> None:
    net = Residual().eval()
    tapped = Tapped(net, taps)
    assert tapped(IMAGE)["A"].requires_grad
    with torch.no_grad():
        plain = tapped(IMAGE)["A"]
    assert not plain.requires_grad
    with torch.inference_mode():
        torch.testing.assert_close(tapped(IMAGE)["A"].clone(), plain)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        rough = Tapped(net, {**taps, "conv": "conv"})(IMAGE)
    assert rough["conv"].dtype == torch.bfloat16
    torch.testing.assert_close(rough["A"].float(), plain, rtol=0.05, atol=0.05)


def test_no_taps_no_run() -> None:
    assert run_taps(nn.Sequential(nn.Linear(1, 1)), {}, "nothing to run on") == {}


def test_threads_share_a_prepared_module() -> None:
    net = Net()
    tapped = Tapped(net, {"one": "twice", "two": "twice_1"})
    inputs = [torch.randn(50, 3, generator=torch.Generator().manual_seed(seed)) for seed in range(4)]
    wrong: list[int] = []

    def work(number: int) -> None:
        for _ in range(50):
            found = tapped(inputs[number])
            if not torch.equal(found["two"], net(inputs[number])):
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert hooks(net) == 0


def test_a_tap_means_the_same_in_a_whole_model() -> None:
    assert CompilersTap is Tap
    net = nn.Sequential(nn.Conv1d(3, 4, 3), nn.ReLU(inplace=True), nn.Conv1d(4, 4, 3), nn.Conv1d(4, 4, 1))
    net.append(net[1])  # runs twice
    taps: dict[str, str | Tap] = {"one": "1", "two": "1_1", "three": Tap("3", axis=1)}
    genotype = from_dict(
        {
            "representation": {"channels": 4, "length": 4},
            "features": [{"name": name, "modality": "M", "channels": 4} for name in taps],
            "cells": [
                {"inputs": ["one", "two"], "steps": [{"op": "Sum", "inputs": ["x", "y"]}]},
                {"inputs": ["Cell_1", "three"], "steps": [{"op": "Sum", "inputs": ["x", "y"]}]},
            ],
            "head": {"outputs": 2},
        },
        "test",
    )
    x = torch.randn(2, 3, 12)
    alone = run_taps(copy.deepcopy(net), taps, x)
    for examples in (None, {"M": x}):
        inside: dict[str, Tensor] = assemble(genotype, {"M": net}, taps, examples=examples).features({"M": x})
        assert list(inside) == list(alone)
        for name, feature in inside.items():
            torch.testing.assert_close(feature, alone[name])


def test_a_tap_as_json() -> None:
    assert Tap("layer1").as_json() == "layer1"
    assert Tap("rnn", item=0, axis=-1).as_json() == {"node": "rnn", "item": 0, "axis": -1}
