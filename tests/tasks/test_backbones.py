from __future__ import annotations

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn

from bmnas.errors import BmnasError
from bmnas.fit.checkpoint import Keeper
from bmnas.fit.fit import Fit
from bmnas.tasks import backbones as backbones_of, fingerprint, prepare, training
from bmnas.tasks.backbones import load_backbone, trained_weights
from bmnas.tasks.progress import silent
from bmnas.tasks.training import TrainingSettings, train
from tests.tasks.small_task import SmallTask, small_pool


def trained(cache: Path, task: SmallTask | None = None) -> list[str]:
    """The modalities whose backbones had to be trained."""
    task = task or SmallTask()
    found = backbones_of(task, cache=cache)
    assert list(found) == list(task.modalities)
    assert all(backbone.score == 0.5 for backbone in found.values())
    return task.trained


def file(cache: Path, ending: str = ".safetensors") -> Path:
    """The file of the modality that comes first."""
    return next(path for path in cache.rglob(f"*{ending}") if "Ton" in path.name)


def test_backbones_are_trained_once(tmp_path: Path) -> None:
    assert trained(tmp_path) == ["Ton/é", ".."]
    assert trained(tmp_path) == []


def test_a_tuple_in_the_options_is_found_again(tmp_path: Path) -> None:
    class Cropped(SmallTask):
        options = {"size": (2, 3)}  # noqa: RUF012

    assert trained(tmp_path, Cropped()) == ["Ton/é", ".."]
    assert trained(tmp_path, Cropped()) == []


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_a_score_that_is_no_finite_number_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, score: float
) -> None:
    with monkeypatch.context() as patch, pytest.raises(BmnasError, match=r"^task small: .* of modality 'Ton/é'") as at:
        patch.setattr(SmallTask, "train_backbone", lambda *_, **__: score)
        backbones_of(SmallTask(), cache=tmp_path)
    assert str(at.value).endswith("let it return a finite number, or None where there is no score")
    assert not list(tmp_path.rglob("*.safetensors"))
    assert trained(tmp_path) == ["Ton/é", ".."]


def test_the_initial_weights_do_not_depend_on_the_global_random_state(tmp_path: Path) -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    trained(tmp_path / "a")
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    trained(tmp_path / "b")
    assert file(tmp_path / "a").read_bytes() == file(tmp_path / "b").read_bytes()


@pytest.mark.parametrize("damage", ["flip", "truncate", "delete", "no record", "broken record"])
def test_damaged_weights_are_trained_anew(tmp_path: Path, damage: str) -> None:
    trained(tmp_path)
    whole = file(tmp_path).read_bytes()
    match damage:
        case "flip":
            file(tmp_path).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        case "truncate":
            file(tmp_path).write_bytes(whole[:-1])
        case "delete":
            file(tmp_path).unlink()
        case "no record":
            file(tmp_path, ".json").unlink()
        case "broken record":
            file(tmp_path, ".json").write_text("{")
    assert trained(tmp_path) == ["Ton/é"]
    assert file(tmp_path).read_bytes() == whole


def test_other_code_replaces_the_weights_and_other_data_has_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(tmp_path)
    assert trained(tmp_path, SmallTask(data_seed=1)) == ["Ton/é", ".."]
    assert trained(tmp_path) == []
    assert len(list(tmp_path.rglob("*.safetensors"))) == 4
    monkeypatch.setattr(fingerprint, "of_code", lambda *_: "other")
    assert trained(tmp_path) == ["Ton/é", ".."]
    assert len(list(tmp_path.rglob("*.safetensors"))) == 4


def test_weights_that_change_while_in_use_are_refused(tmp_path: Path) -> None:
    task = SmallTask()
    weights = trained_weights(task, "..", device="cpu", cache=tmp_path, report=silent)
    weights.path.write_bytes(b"other")
    with pytest.raises(BmnasError, match="was changed while it was in use"):
        load_backbone(task, "..", weights)


def test_the_record_is_readable(tmp_path: Path) -> None:
    trained(tmp_path)
    record = json.loads(file(tmp_path, ".json").read_text())
    assert record["format"] == "bmnas-backbone/1"
    assert record["score"] == 0.5
    assert set(record["fingerprint"]) == {"task", "modality", "options", "data", "code"}


class Killed(BaseException):
    """Stands for a SIGKILL: nothing in the package may catch it."""


class TrainedTask(SmallTask):
    """Trains one of its backbones as an own task does: by a method that says nothing of checkpoints."""

    def train_backbone(self, modality: str, backbone: nn.Module, **_: object) -> float:
        split = self.split("train")
        whole = nn.Sequential(backbone, nn.Dropout(0.2), nn.Flatten(), nn.LazyLinear(3))
        inputs = split.inputs[modality]
        assert isinstance(inputs, torch.Tensor)
        whole(inputs[:2])
        train(whole, inputs, split.labels, self.loss, TrainingSettings(epochs=2, batch_size=150))
        return super().train_backbone(modality, backbone)


def test_a_training_that_was_killed_goes_on_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, save, left = training.kept, Keeper.save, [3]
    monkeypatch.setattr(training, "kept", lambda path, of: kept(path, of, seconds=0))

    def dying(self: Keeper, fit: Fit) -> None:
        save(self, fit)
        left[0] -= 1
        if not left[0]:
            raise Killed

    trained(tmp_path / "whole", TrainedTask())
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Keeper, "save", dying)
        trained(tmp_path / "killed", TrainedTask())
    [checkpoint] = (tmp_path / "killed").rglob("*.ckpt")
    assert not list((tmp_path / "killed").rglob("*.safetensors"))
    steps, step = [], torch.optim.AdamW.step
    with monkeypatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", lambda self: (steps.append(1), step(self))[1])
        assert trained(tmp_path / "killed", TrainedTask()) == ["Ton/é", ".."]
    assert len(steps) == 2 * 4 - 2  # two epochs of two steps for each of two backbones, less those before the kill
    assert not checkpoint.exists()
    for whole in (tmp_path / "whole").rglob("*.safetensors"):
        assert whole.read_bytes() == (tmp_path / "killed" / whole.relative_to(tmp_path / "whole")).read_bytes()


def test_weights_that_are_given_are_loaded_and_nothing_is_trained(tmp_path: Path) -> None:
    module = SmallTask().build_backbone("..")
    file = tmp_path / "image.safetensors"
    safetensors.torch.save_file(module.state_dict(), file)
    task = SmallTask().with_weights({"..": file})
    found = backbones_of(task, cache=tmp_path / "cache")
    assert task.trained == ["Ton/é"]
    assert all(map(torch.equal, found[".."].module.state_dict().values(), module.state_dict().values()))
    key = prepare(task, length=4, pool=small_pool, cache=tmp_path / "cache").key
    assert key != prepare(SmallTask(), length=4, pool=small_pool, cache=tmp_path / "cache").key


def test_weights_that_do_not_fit_are_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "image.safetensors"
    for content, sentence in (
        (None, "the weights cannot be read: no such file or directory"),
        (b"text", "is no safetensors file: "),
        (
            safetensors.torch.save({"0.weight": torch.zeros(1), "head.bias": torch.zeros(2)}),
            "the weights do not fit the backbone '..' of task small: it lacks 0.bias, 1.weight, 1.bias, 1.running_mean "
            "and 1 more; it has besides head.bias; of other shape: 0.weight is (1,) instead of (6, 1, 3, 3)",
        ),
    ):
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(BmnasError) as caught:
            backbones_of(SmallTask().with_weights({"..": file}), cache=tmp_path / "cache")
        assert str(caught.value).startswith(f"{file}: {sentence}")
        assert "\n" not in str(caught.value)
    with pytest.raises(BmnasError, match="task small has no modality 'Image'"):
        SmallTask().with_weights({"Image": file})
