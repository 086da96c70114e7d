"""Searches on a GPU: the same as on the CPU, recorded or not, of several seeds, in bfloat16, in parts."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from bmnas.compiler import compile_genotype
from bmnas.fit.memory import OutOfMemory
from bmnas.fit.micro_batches import MicroBatches
from bmnas.searcher import EpochDone, search, train
from bmnas.searcher.strategies import Bilevel
from tests.searcher.problems import problem
from tests.searcher.small import CONFIG, TRAIN

pytestmark = pytest.mark.gpu

# Nothing random but the weights and the order of the samples, which come from the CPU on every device; and choices that
# are made in few steps.
SETTINGS = {
    "epochs": 4,
    "batch_size": 20,
    "select": "alpha",
    "dropout": 0.0,
    "operations": ("Sum", "LinearGLU", "ConcatFC"),
    "lr": 0.01,
    "arch_lr": 0.1,
}


def epochs(device: str, **given) -> list[EpochDone]:
    events = Bilevel(problem(**{**SETTINGS, **given, "device": device})).events()
    return [event for event in events if isinstance(event, EpochDone)]


def assert_same(some, others, rel):
    assert len(some) == len(others) > 0
    assert [event.genotype.cells for event in some] == [event.genotype.cells for event in others]
    assert [event.loss for event in some] == pytest.approx([event.loss for event in others], rel=rel)
    assert [event.arch_loss for event in some] == pytest.approx([event.arch_loss for event in others], rel=rel)


@pytest.fixture(autouse=True)
def plain_float32(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


@pytest.mark.parametrize("relaxation", ["split", "shared"])
def test_a_search_finds_what_it_finds_on_the_cpu(relaxation):
    assert_same(epochs("cuda", relaxation=relaxation), epochs("cpu", relaxation=relaxation), rel=1e-2)


@pytest.mark.parametrize("relaxation", ["split", "shared"])
def test_recorded_steps_compute_the_same(relaxation):
    given = {"relaxation": relaxation, "dropout": 0.2, "operations": ("Sum", "Attention", "LinearGLU", "ConcatFC")}
    assert_same(epochs("cuda", cuda_graphs=True, **given), epochs("cuda", **given), rel=1e-3)


def test_each_seed_is_its_own_single_search():
    together = epochs("cuda", seed=4, seeds=3)
    for seed in (4, 5, 6):
        assert_same([event for event in together if event.seed == seed], epochs("cuda", seed=seed), rel=1e-2)


def test_several_seeds_are_recorded():
    assert_same(epochs("cuda", seeds=3, cuda_graphs=True), epochs("cuda", seeds=3), rel=1e-3)


@pytest.mark.parametrize("given", [{}, {"cuda_graphs": True}], ids=["eager", "recorded"])
def test_bfloat16_is_near(given):
    half, whole = epochs("cuda", amp=True, **given), epochs("cuda")
    assert [event.loss for event in half] == pytest.approx([event.loss for event in whole], rel=0.1)


def test_a_batch_that_does_not_fit_is_computed_in_parts():
    """Each sample takes an eighth of the GPU's memory for a moment, so eight of them never fit."""
    device = torch.device("cuda")
    eighth = torch.cuda.get_device_properties(device).total_memory // 8
    free = torch.cuda.mem_get_info(device)[0] // eighth  # of these, at most
    if free < 2:
        pytest.skip("others use most of this GPU's memory")
    weight = nn.Parameter(torch.randn(3, 4, device=device))
    inputs, labels = torch.randn(20, 3, device=device), torch.arange(20, device=device) % 4

    def loss(part: slice) -> torch.Tensor:
        torch.empty((part.stop - part.start) * eighth, dtype=torch.uint8, device=device)
        return nn.functional.cross_entropy(inputs[part] @ weight, labels[part])

    expected = torch.autograd.grad(nn.functional.cross_entropy(inputs @ weight, labels), weight)[0]
    micro = MicroBatches(nn.Identity(), device)
    micro.gradients([weight], loss, 20)
    assert micro.size is not None and 2 <= micro.size < 8
    torch.testing.assert_close(weight.grad, expected)


def test_memory_that_is_too_small_for_two_samples_is_said():
    device = torch.device("cuda")
    whole = torch.cuda.get_device_properties(device).total_memory
    weight = nn.Parameter(torch.ones(1, device=device))

    def loss(part: slice) -> torch.Tensor:
        torch.empty((part.stop - part.start) * whole, dtype=torch.uint8, device=device)
        return weight.sum()

    with pytest.raises(OutOfMemory, match="memory ran out on cuda with 2 samples at once"):
        MicroBatches(nn.Identity(), device).gradients([weight], loss, 8)


def test_the_whole_way_to_a_trained_network(tmp_path, cache):
    found = search("digits", CONFIG, train=TRAIN, folder=tmp_path / "run", device="cuda", cache=cache)
    assert [row.name for row in found.rows] == ["Top alone", "Bottom alone", "late fusion", "found network"]
    trained = train(found.genotype, "digits", TRAIN, device="cuda", cache=cache)
    assert 0 <= trained.test <= 1


def test_a_network_computes_what_it_computes_on_the_cpu():
    network = compile_genotype(problem().space.random(0)).eval()
    features = {name: torch.randn(4, 5, 3) for name in network.features}
    on_gpu = {name: feature.cuda() for name, feature in features.items()}
    expected = network(features)
    for form in (network.cuda(), network.cuda().for_inference()):
        torch.testing.assert_close(form(on_gpu).cpu(), expected, rtol=1e-3, atol=1e-4)
