"""A joint training: the same steps as in a plain loop, from wherever it was stopped."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bmnas.errors import BmnasError
from bmnas.fit.events import Pause
from bmnas.fit.seeding import seed_default, stream
from bmnas.joint import JointConfig, JointModel, JointTraining
from bmnas.tasks import MultiLabel, SingleLabel, Split, Task
from bmnas.tasks.raw_batches import RawBatches
from tests.joint.test_model import WithBatches, model_of

PLAIN = {"epochs": 3, "batch_size": 50, "warmup": 0.0, "clip": 0.0, "lr": 0.01, "backbone_lr": 0.01}


def training_of(cache: Path, task: Task | None = None, **given: Any) -> JointTraining:
    config = JointConfig.checked(**{**PLAIN, **given})
    model = model_of(WithBatches(), cache, **config.model_dump())
    task = task or WithBatches()
    return JointTraining(
        model, task, config, ("train", "validation"), seed=4, device=torch.device("cpu"), title="small"
    )


def _done(training: JointTraining, steps: int | None = None) -> JointTraining:
    count = 0
    for event in training.steps():
        count += isinstance(event, Pause)
        if count == steps:
            break
    return training


def _same(one: nn.Module, other: nn.Module) -> bool:
    return all(map(torch.equal, one.state_dict().values(), other.state_dict().values()))


def test_its_steps_are_those_of_a_plain_loop(tmp_path: Path) -> None:
    training, task = training_of(tmp_path, clip=0.5, weight_decay=0.01), WithBatches()
    model, config = copy.deepcopy(training.model), JointConfig.checked(**PLAIN)
    _done(training)
    data = RawBatches(task, ("train", "validation"), batch_size=50, seed=stream(4, "joint", "order"), augment=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.01)
    steps = config.epochs * len(data)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps, eta_min=0.01 * config.min_share)
    model.train()
    for epoch in range(1, config.epochs + 1):
        for step, batch in enumerate(data.left(epoch, 0)):
            seed_default(stream(4, "joint", epoch, step))
            optimizer.zero_grad()
            task.loss(model(batch), batch.labels).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
            schedule.step()
    for name, value in model.state_dict().items():
        assert torch.allclose(training.model.state_dict()[name].double(), value.double(), atol=1e-5), name


@pytest.mark.parametrize("given", [{}, {"ema": 0.9, "backbone_start": 1}, {"micro_batch": 20, "freeze": ("..",)}])
def test_stopped_after_any_step_it_ends_as_if_it_had_not_been(given: dict[str, Any], tmp_path: Path) -> None:
    whole = _done(training_of(tmp_path, **given))
    steps = 3 * len(whole._samples) + 3  # and a pause at the end of each epoch
    scores = whole.outputs("test")[0]
    for stop in (1, steps // 3, steps // 3 + 1, steps - 1):
        state = _done(training_of(tmp_path, **given), stop).state()
        torch.save(state, tmp_path / "state.pt")
        again = training_of(tmp_path, **given)
        again.load_state(torch.load(tmp_path / "state.pt", weights_only=True))
        assert _same(_done(again).model, whole.model), stop
        assert torch.equal(again.outputs("test")[0], scores)
    assert _same(again.finished(), whole.finished())


def test_as_many_samples_go_through_at_once_as_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, sizes = JointModel.forward, list[int]()

    def noting(self: JointModel, batch: Split) -> Tensor:
        sizes.append(len(batch))
        return run(self, batch)

    monkeypatch.setattr(JointModel, "forward", noting)
    _done(training_of(tmp_path, micro_batch=7, epochs=1))
    assert max(sizes) == 7
    assert sum(sizes) == 340


def test_the_average_of_the_weights_is_tested_where_it_is_asked_for(tmp_path: Path) -> None:
    plain, averaged = training_of(tmp_path), training_of(tmp_path, ema=0.8)
    name = "whole.fusion." + next(iter(dict(plain.model.whole.fusion.named_parameters())))
    wanted = plain.model.state_dict()[name].clone()
    for one, two in zip(plain.steps(), averaged.steps(), strict=True):
        assert type(one) is type(two)
        if isinstance(one, Pause) and not one.save:
            wanted = 0.8 * wanted + 0.2 * plain.model.state_dict()[name]
    assert _same(plain.model, averaged.model)
    assert torch.allclose(averaged.finished().state_dict()[name], wanted, atol=1e-6)
    assert not torch.allclose(plain.finished().state_dict()[name], wanted, atol=1e-6)


def test_a_watched_split_is_scored_after_each_epoch(tmp_path: Path) -> None:
    config = JointConfig.checked(**PLAIN)
    task, model = WithBatches(), model_of(WithBatches(), tmp_path)
    training = JointTraining(
        model, task, config, ("train",), seed=0, device=torch.device("cpu"), title="small", watched="validation"
    )
    _done(training)
    assert len(training.scores) == 3
    split = task.split("validation")
    with torch.no_grad():
        assert training.scores[-1] == task.metric.score(model.eval()(split), split.labels)


def test_smoothed_labels_change_the_loss_and_not_the_metric(tmp_path: Path) -> None:
    one, other = training_of(tmp_path), training_of(tmp_path, label_smoothing=0.2)
    outputs, labels = torch.randn(6, 3), torch.randint(3, (6,))
    assert other._task.loss(outputs, labels) == SingleLabel(label_smoothing=0.2).loss(outputs, labels)
    assert other._task.metric.name == one._task.metric.name
    task = WithBatches()
    task.objective = MultiLabel()
    with pytest.raises(
        BmnasError, match="setting label_smoothing is for tasks with one class a sample; small is multi"
    ):
        training_of(tmp_path, task, label_smoothing=0.2)


class _Augmented(WithBatches):
    def view(self, name: Any, view: int) -> Split:
        split = self.split(name)
        if view == 0:
            return split
        moved: dict[str, Tensor] = {m: x + torch.randn(x.shape) for m, x in split.inputs.items()}  # type: ignore[operator]
        return Split(moved, split.labels)


def test_samples_are_augmented_anew_in_each_epoch_unless_not_wanted(tmp_path: Path) -> None:
    def seen(task: Task, augment: bool) -> list[Tensor]:
        training, found = training_of(tmp_path, task, augment=augment), list[Tensor]()
        run = JointModel.forward

        def noting(self: JointModel, batch: Split) -> Tensor:
            found.append(batch.inputs[".."].sum())  # type: ignore[union-attr]
            return run(self, batch)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(JointModel, "forward", noting)
            _done(training)
        per_epoch = len(training._samples)
        return [torch.stack(found[n : n + per_epoch]).sum() for n in range(0, len(found), per_epoch)]

    plain = seen(_Augmented(), augment=False)
    assert torch.allclose(torch.stack(plain), plain[0].expand(3), rtol=1e-4, atol=1e-2)
    augmented = seen(_Augmented(), augment=True)
    assert len({round(float(each), 2) for each in augmented}) == 3
    assert torch.equal(torch.stack(augmented), torch.stack(seen(_Augmented(), augment=True)))
