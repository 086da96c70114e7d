"""From a genotype to a tested model that can be used elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import bmnas
from bmnas.errors import BmnasError
from bmnas.genotype.presets import concat_fc, late_fusion
from bmnas.joint import JointTraining, checkpoints, train_joint
from bmnas.searcher.run.outcome import save_outcome
from bmnas.searcher.settings import TrainConfig
from bmnas.tasks import SplitName
from bmnas.tasks.raw_batches import RawBatches
from tests.joint.test_model import WithBatches

LATE = late_fusion(WithBatches.features, channels=8, length=4, outputs=3, dropout=0.0).replace(name="late")
QUICK: dict[str, Any] = {"epochs": 2, "batch_size": 50, "warmup": 0.5}
WARM: dict[str, Any] = {"epochs": 1, "batch_size": 100}


def trained(cache: Path, **given: Any) -> Any:
    arguments: dict[str, Any] = {"train": WARM, "cache": cache, "device": "cpu", "report": None, **given}
    return train_joint(LATE, arguments.pop("task", WithBatches()), arguments.pop("config", QUICK), **arguments)


def test_what_is_kept_gives_the_outputs_of_the_test(tmp_path: Path) -> None:
    task = WithBatches()
    found = trained(tmp_path)
    path = tmp_path / "out" / "late.json"
    path.parent.mkdir()
    save_outcome(LATE, found, task, TrainConfig.for_task(task, **WARM), path)
    model = bmnas.load_model(path, task=task)
    outputs = model.predict(task.split("test").inputs).outputs
    assert torch.allclose(outputs, found.outputs, atol=1e-5)
    assert found.test == task.metric.score(found.outputs, task.split("test").labels)
    command = json.loads((path.parent / "late.scores.json").read_text())["trained_by"]
    assert "train late.json --joint --joint-batch-size 50 --joint-epochs 2 --joint-warmup 0.5" in command
    # The backbones themselves were trained: with those of the cache the outputs are others.
    backbones = bmnas.tasks.backbones(task, cache=tmp_path)
    kept = model.backbone("..").module.state_dict()
    assert any(not torch.equal(kept[name], value) for name, value in backbones[".."].module.state_dict().items())


def test_the_number_of_epochs_is_chosen_without_the_test_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, trained_on = list[SplitName](), list[tuple[SplitName, ...]]()
    in_order, begin = RawBatches.in_order, JointTraining.__init__

    def noting_order(self: RawBatches, split: SplitName) -> Any:
        asked.append(split)
        return in_order(self, split)

    def noting_splits(self: JointTraining, model: Any, task: Any, config: Any, splits: Any, **rest: Any) -> None:
        trained_on.append(tuple(splits))
        begin(self, model, task, config, splits, **rest)

    monkeypatch.setattr(RawBatches, "in_order", noting_order)
    monkeypatch.setattr(JointTraining, "__init__", noting_splits)
    found = trained(tmp_path, config={**QUICK, "epochs": 4, "select_epoch": True})
    assert asked == [*["validation"] * 4, "test"]
    assert trained_on == [("train",), ("train", "validation")]
    assert found.chosen.epochs == found.chosen.scores.index(max(found.chosen.scores)) + 1


def test_the_same_call_goes_on_and_ends_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = {**QUICK, "select_epoch": True}
    whole = trained(tmp_path / "cache", config=config)
    base = tmp_path / "late.training.ckpt"

    class Killed(BaseException):
        pass

    def killing(event: Any) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise Killed

    monkeypatch.setattr("bmnas.fit.checkpoint.SECONDS", 0.0)
    seen, again = list[int](), None
    for events in range(2, 60):
        left = events
        try:
            again = trained(tmp_path / "cache", config=config, checkpoint=base, report=killing)
            break
        except Killed:
            seen.append(sum(path.exists() for path in checkpoints(base)))
    assert again is not None
    assert {1, 2} <= set(seen)
    assert torch.equal(again.outputs, whole.outputs)
    assert again.chosen == whole.chosen
    assert all(path.exists() for path in checkpoints(base))


def test_it_begins_with_a_trained_network(tmp_path: Path) -> None:
    task = WithBatches()
    warm = bmnas.train(LATE, task, {**WARM, "epochs": 3}, cache=tmp_path, report=None, device="cpu")
    save_outcome(LATE, warm, task, TrainConfig.for_task(task, **WARM), tmp_path / "warm.json")
    still = {**QUICK, "backbone_lr": 0.0, "lr": 1e-9, "weight_decay": 0.0}
    found = trained(tmp_path, config=still, init=tmp_path / "warm.json")
    weights = dict(warm.network.named_parameters())
    for name, value in found.network.named_parameters():
        assert torch.allclose(value, weights[name], atol=1e-6), name
    with pytest.raises(BmnasError, match=r"none\.safetensors: there is no such file: bmnas train makes it"):
        (tmp_path / "none.json").write_text((tmp_path / "warm.json").read_text())
        trained(tmp_path, init=tmp_path / "none.json")


def test_what_cannot_be_trained_jointly_is_refused_before_any_work(tmp_path: Path) -> None:
    several = LATE.replace(members=2)
    with pytest.raises(BmnasError, match="an ensemble of 2 networks; one network is trained"):
        train_joint(several, WithBatches(), QUICK, cache=tmp_path, report=None)
    with pytest.raises(BmnasError, match="modality_dropout is of trainings on cached features"):
        trained(tmp_path, train={**WARM, "modality_dropout": 0.2})
    planted = bmnas.get_task("planted")
    genotype = concat_fc(planted.features[:2], channels=8, length=1, outputs=planted.outputs, dropout=0.0)
    with pytest.raises(BmnasError, match="task planted has features alone: there is no backbone"):
        train_joint(genotype, planted, QUICK, cache=tmp_path, report=None)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"warmup": 3.0, "epochs": 2}, r"setting warmup \(3.0\) is greater than epochs \(2\)"),
        ({"backbone_start": 2, "epochs": 2}, r"setting backbone_start \(2\) leaves none of the 2 epochs"),
        ({"epoch": 2}, "there is no setting 'epoch'; did you mean 'epochs'"),
        ({"ema": 1.0}, "setting ema is 1.0: it should be less than 1"),
    ],
)
def test_settings_that_make_no_sense_are_one_sentence(given: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    with pytest.raises(BmnasError, match=sentence):
        trained(tmp_path, config=given)
