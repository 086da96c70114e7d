from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from bmnas.fit.seeding import seeded
from bmnas.fit.threads import one_thread
from bmnas.tasks import Progress
from bmnas.tasks.training import TrainingSettings, outputs_of, train


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with one_thread():
        yield


def trained(seed: int = 0, reports: list[Progress] | None = None) -> tuple[nn.Module, float]:
    with seeded(0):
        inputs = torch.randn(65, 4)
        module = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.1), nn.ReLU(), nn.Linear(8, 2))
    labels = (inputs[:, 0] > 0).long()
    settings = TrainingSettings(epochs=30, batch_size=32, learning_rate=1e-2, seed=seed)
    report = (lambda _: None) if reports is None else reports.append
    train(module, inputs, labels, nn.functional.cross_entropy, settings, phase="toy", report=report)
    outputs = outputs_of(module, inputs)
    return module, (outputs.argmax(1) == labels).float().mean().item()


def weights(module: nn.Module) -> torch.Tensor:
    return nn.utils.parameters_to_vector(module.parameters()).detach()


def test_it_learns_and_reports_every_epoch() -> None:
    reports: list[Progress] = []
    _, score = trained(reports=reports)  # 65 samples: the last batch has one, which batch norm would refuse
    assert score > 0.9
    assert [event.done for event in reports] == list(range(31))
    assert {(event.phase, event.total) for event in reports} == {("toy", 30)}
    assert reports[-1].info.startswith("loss ")


def test_it_depends_on_its_seed_alone_and_leaves_the_global_random_state() -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first, _ = trained()
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    second, _ = trained()
    other, _ = trained(seed=1)
    assert torch.equal(weights(first), weights(second))
    assert not torch.equal(weights(first), weights(other))


def test_outputs_do_not_depend_on_the_batch() -> None:
    module, _ = trained()
    inputs = torch.randn(20, 4)
    torch.testing.assert_close(outputs_of(module, inputs, batch_size=7), outputs_of(module, inputs))
