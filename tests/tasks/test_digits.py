from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bmnas.taps import run_taps
from bmnas.tasks import SPLITS, Backbone, FeatureStore, Task, backbones, get_task


@pytest.fixture(scope="module")
def task() -> Task:
    return get_task("digits")


@pytest.fixture(scope="module")
def trained(task: Task, digits_cache: Path, digits_store: FeatureStore) -> dict[str, Backbone]:
    return backbones(task, cache=digits_cache)


def test_the_splits_are_disjoint_stratified_and_complete(task: Task) -> None:
    splits = {name: task.split(name) for name in SPLITS}
    assert {name: len(split) for name, split in splits.items()} == {"train": 1078, "validation": 360, "test": 359}
    all_labels = torch.cat([split.labels for split in splits.values()])
    for name, share in zip(SPLITS, (0.6, 0.2, 0.2), strict=True):
        counts = splits[name].labels.bincount(minlength=10) / all_labels.bincount(minlength=10)
        torch.testing.assert_close(counts, torch.full((10,), share), rtol=0, atol=0.005)
    images = torch.cat([torch.cat(list(split.inputs.values()), dim=2).flatten(1) for split in splits.values()])
    assert len(images.unique(dim=0)) == len(images) == 1797  # so no sample is in two splits


def test_the_inputs_are_halves_between_0_and_1(task: Task) -> None:
    inputs = task.split("train").inputs
    assert list(inputs) == list(task.modalities) == ["Top", "Bottom"]
    for half in inputs.values():
        assert half.shape == (1078, 1, 4, 8)
        assert half.dtype == torch.float32
        assert (half.min(), half.max()) == (0, 1)


def test_the_split_never_changes(task: Task) -> None:
    # Scores are comparable only while this holds: it may change with a new name of the task, and not otherwise.
    assert task.data_fingerprint() == DATA
    torch.manual_seed(3)
    assert get_task("digits").data_fingerprint() == DATA


DATA = "c1d8edb661a1127bebd2ab92f3e1e340e25eb33b30d478e46987d4cfa8ee100b"


def test_taps_lie_at_three_depths_with_three_shapes(task: Task, trained: dict[str, Backbone]) -> None:
    for modality, backbone in trained.items():
        features = run_taps(backbone.module, backbone.taps, task.split("test").inputs[modality])
        assert {name: tuple(tensor.shape[1:]) for name, tensor in features.items()} == {
            f"{modality}_1": (16, 4, 8),
            f"{modality}_2": (32, 2, 4),
            f"{modality}_3": (64,),
        }
        own = [feature for feature in task.features if feature.modality == modality]
        assert [feature.name for feature in own] == list(features)
        assert [feature.channels for feature in own] == [16, 32, 64]


def test_each_half_alone_is_good_but_not_enough(task: Task, trained: dict[str, Backbone]) -> None:
    held_out = task.split("validation")
    for modality, backbone in trained.items():
        with torch.no_grad():
            score = task.metric.score(backbone.module(held_out.inputs[modality]), held_out.labels)
        assert score == pytest.approx(backbone.score)
        assert 0.85 < score < 0.96


def test_backbones_come_frozen_and_in_eval_mode(trained: dict[str, Backbone]) -> None:
    for backbone in trained.values():
        assert not any(module.training for module in backbone.module.modules())
        assert not any(parameter.requires_grad for parameter in backbone.module.parameters())


def test_the_loss_is_the_mean_cross_entropy(task: Task) -> None:
    loss = task.loss(torch.zeros(4, 10), torch.tensor([0, 3, 5, 9]))
    torch.testing.assert_close(loss, torch.tensor(10.0).log())
