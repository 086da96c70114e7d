from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from bmnas.fit.checkpoint import Keeper
from bmnas.fit.seeding import seeded
from bmnas.fit.threads import one_thread
from bmnas.tasks import Progress, Tick
from bmnas.tasks.training import TrainingSettings, kept, outputs_of, train


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
    epochs = [event for event in reports if not isinstance(event, Tick)]
    assert [event.done for event in epochs] == list(range(31))
    ticks = [event.done for event in reports if isinstance(event, Tick)]
    # Two steps in an epoch, with a pause after each, and one after the epoch.
    assert ticks[:4] == [0.5, 1, 1, 1.5]
    assert ticks == sorted(ticks)
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


class Killed(BaseException):
    """Stands for a SIGKILL: nothing in the package may catch it."""


def in_two_stages() -> torch.Tensor:
    """The weights after two trainings of one module, as a task may train its backbone; augmented, with dropout."""
    with seeded(0):
        inputs, labels = torch.randn(20, 4), torch.arange(20) % 2
        module = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.ReLU(), nn.Linear(8, 2))
    for rate in (1e-2, 1e-3):
        settings = TrainingSettings(epochs=2, batch_size=8, learning_rate=rate)
        train(
            *(module, inputs, labels, nn.functional.cross_entropy, settings),
            augment=lambda batch: batch + torch.randn_like(batch),
        )
    return torch.cat([tensor.flatten().double() for tensor in module.state_dict().values()])


def test_a_training_that_was_killed_at_any_step_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two trainings of two epochs of three steps: eight checkpoints each, and what the first one ends with."""
    whole, save = in_two_stages(), Keeper.save
    for writes in range(1, 18):
        left = writes

        def dying(self: Keeper, training: object) -> None:
            nonlocal left
            save(self, training)
            left -= 1
            if not left:
                raise Killed

        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(Keeper, "save", dying)
            with kept(tmp_path / "weights", "toy", seconds=0):
                in_two_stages()
        with kept(tmp_path / "weights", "toy", seconds=0):
            assert torch.equal(in_two_stages(), whole), f"killed at checkpoint {writes}"
        assert not list(tmp_path.iterdir())


def test_a_training_that_is_through_is_not_done_again_because_a_later_one_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps, step = [0], torch.optim.AdamW.step

    def counted(self: torch.optim.AdamW) -> None:
        steps[0] += 1
        if steps[0] == 10:  # the fourth of the second training's six
            raise Killed
        step(self)

    monkeypatch.setattr(torch.optim.AdamW, "step", counted)
    for _ in range(2):
        with contextlib.suppress(Killed), kept(tmp_path / "weights", "toy", seconds=0):
            in_two_stages()
    assert steps == [10 + 3]


def test_what_is_kept_of_something_else_is_not_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = in_two_stages()
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(torch.optim.AdamW, "step", lambda self: (_ for _ in ()).throw(Killed))
        with kept(tmp_path / "weights", "toy", seconds=0):
            in_two_stages()
    with kept(tmp_path / "weights", "another", seconds=0):
        assert torch.equal(in_two_stages(), whole)


def test_a_divided_batch_is_augmented_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parts of a batch see what they would see of all of it."""
    seen: dict[int, list[torch.Tensor]] = {8: [], 4: []}
    for most, inputs_seen in seen.items():

        class Net(nn.Linear):
            def forward(self, inputs: torch.Tensor) -> torch.Tensor:
                if len(inputs) > most:  # noqa: B023
                    raise torch.OutOfMemoryError
                inputs_seen.append(inputs)  # noqa: B023
                return super().forward(inputs)

        with seeded(0):
            module, inputs = Net(4, 2), torch.randn(8, 4)
        settings = TrainingSettings(epochs=1, batch_size=8)
        augment = lambda batch: batch + torch.rand_like(batch)  # noqa: E731
        train(module, inputs, torch.arange(8) % 2, nn.functional.cross_entropy, settings, augment=augment)
    assert [len(inputs) for inputs in seen[4]] == [4, 4]
    assert torch.equal(torch.cat(seen[4]), seen[8][0])
