"""Networks that run in turns, and wait for each other."""

from __future__ import annotations

import threading

import pytest
import torch
from torch import nn

from bmnas.joint.lockstep import in_turns


def networks() -> dict[str, nn.Sequential]:
    torch.manual_seed(0)
    return {
        name: nn.Sequential(nn.Linear(size, size), nn.Tanh(), nn.Dropout(0.5), nn.Linear(size, size), nn.Tanh())
        for name, size in (("A", 3), ("B", 4), ("C", 2))
    }


def places_of(found: dict[str, nn.Sequential]) -> dict[str, list[nn.Module]]:
    return {name: [network[1], network[4]] for name, network in found.items()}


def run(found, inputs, meet, places=None):
    runs = {name: lambda name=name: found[name](inputs[name]) for name in found}
    return in_turns(runs, places or places_of(found), meet)


def inputs_of(found):
    torch.manual_seed(1)
    return {name: torch.randn(5, network[0].in_features, requires_grad=True) for name, network in found.items()}


def test_what_goes_on_may_depend_on_all_and_gradients_flow_everywhere():
    found = networks()
    inputs = inputs_of(found)

    def meet(stage, tensors):
        total = sum(tensor.mean() for tensor in tensors.values())
        return {name: tensor * (stage + 2) + total for name, tensor in tensors.items()}

    torch.manual_seed(2)
    outputs = run(found, inputs, meet)
    given = torch.autograd.grad(sum(out.pow(2).sum() for out in outputs.values()), list(inputs.values()))

    def by_hand(tensors, layers):
        return {name: layers(found[name])(tensor) for name, tensor in tensors.items()}

    torch.manual_seed(2)
    first = meet(0, by_hand(inputs, lambda network: network[:2]))
    second = meet(1, by_hand(first, lambda network: network[2:]))
    wanted = torch.autograd.grad(sum(out.pow(2).sum() for out in second.values()), list(inputs.values()))
    for name in found:
        assert torch.allclose(outputs[name], second[name], atol=1e-6)
    for one, other in zip(given, wanted, strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_modes_of_the_caller_hold_and_no_hook_or_thread_stays():
    found = networks()
    before = threading.active_count()
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        outputs = run(found, inputs_of(found), lambda _stage, tensors: tensors)
    for network in found.values():
        assert not any(module._forward_hooks for module in network.modules())
    assert all(not out.requires_grad and out.dtype == torch.bfloat16 for out in outputs.values())
    assert threading.active_count() == before


@pytest.mark.parametrize("who", ["run", "meet"])
def test_a_failure_ends_all_of_them(who):
    found, before = networks(), threading.active_count()
    inputs = inputs_of(found)
    if who == "run":
        inputs["B"] = torch.randn(5, 9)

    def meet(stage, tensors):
        if who == "meet" and stage == 1:
            raise KeyError("odd")
        return tensors

    with pytest.raises(RuntimeError if who == "run" else KeyError, match=r"mat1 and mat2|odd"):
        run(found, inputs, meet)
    assert threading.active_count() == before


def test_a_place_that_does_not_run_is_told():
    found = networks()
    places = places_of(found)
    places["C"] = [places["C"][1], places["C"][0]]
    with pytest.raises(RuntimeError, match=r"C does not come to place 1 of 2: each place has to run once"):
        run(found, inputs_of(found), lambda _stage, tensors: tensors, places)
