"""The whole model before its training, and what of it is trained."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from bmnas.compiler import compile_genotype, pool
from bmnas.errors import BmnasError
from bmnas.genotype import Feature
from bmnas.genotype.presets import concat_fc
from bmnas.joint import JointConfig, JointModel
from bmnas.joint.model import on_device
from bmnas.tasks import Split, backbones, prepare
from tests.tasks.small_task import SmallTask

LENGTH = 4


class WithBatches(SmallTask):
    """Features whose taps a cut backbone has, of the one with batch norm, and of the other."""

    features = (
        Feature(name="sound", modality="Ton/é", channels=4, reshape="sequence"),
        Feature(name="image", modality="..", channels=6, reshape="sequence"),
    )
    taps = {"sound": "0", "image": "1"}  # noqa: RUF012


def network(task: SmallTask) -> torch.nn.Module:
    genotype = concat_fc(task.features, channels=8, length=LENGTH, outputs=task.outputs, dropout=0.0)
    torch.manual_seed(1)
    return compile_genotype(genotype)


def model_of(task: SmallTask, cache: Path, **given: object) -> JointModel:
    config = JointConfig.checked(**given)
    return JointModel(network(task), task, backbones(task, cache=cache), task.split("train")[:2], config)


def _loss(model: JointModel, task: SmallTask) -> Tensor:
    batch = on_device(task.split("train")[:16], task, torch.device("cpu"))
    return task.loss(model(batch), batch.labels)


def _state(model: JointModel) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def test_it_gives_what_the_network_gives_on_cached_features(tmp_path: Path) -> None:
    task = WithBatches()
    store = prepare(task, length=LENGTH, pool=pool, cache=tmp_path)
    fusion = network(task).eval()
    data = store.data("test", names=fusion.features)
    wanted = torch.cat([fusion(batch.features) for batch in data.batches([data.rows()])])
    model = model_of(task, tmp_path).eval()
    assert torch.allclose(model(task.split("test")), wanted, atol=1e-6)


def test_padding_is_not_looked_at(tmp_path: Path) -> None:
    task, model = WithBatches(), model_of(WithBatches(), tmp_path).eval()
    batch = task.split("test")[:5]
    lengths = {"sound": torch.tensor([3, 5, 7, 2, 4])}
    outputs = model(Split(batch.inputs, batch.labels, lengths))
    other = batch.inputs["Ton/é"].clone()
    other[3, :, 4:] = 9.0  # the feature has 7 positions, of which the first two see inputs 0 to 3
    again = model(Split({**batch.inputs, "Ton/é": other}, batch.labels, lengths))
    assert torch.equal(outputs[3], again[3])
    assert not torch.equal(outputs[3], model(batch)[3])


@pytest.mark.parametrize(
    ("given", "still"),
    [
        ({"freeze": ("..",)}, ("..",)),
        ({"freeze": ("Ton/é.0",)}, ("Ton/é",)),
        ({"rates": ("..=0",)}, ("..",)),
        ({"backbone_lr": 0.0}, ("..", "Ton/é")),
        ({"backbone_lr": 0.0, "rates": ("..=0.01",)}, ("Ton/é",)),
        ({}, ()),
    ],
)
def test_what_is_frozen_stays_as_it_is_with_its_statistics(
    given: dict[str, object], still: tuple[str, ...], tmp_path: Path
) -> None:
    task = WithBatches()
    model, before = model_of(task, tmp_path, **given), {}
    for modality, state in model.backbone_states():
        before[modality] = {name: value.clone() for name, value in state.items()}
    groups = model.groups(JointConfig.checked(**given))
    optimizer = torch.optim.SGD([{"params": list(g.weights.values()), "lr": g.rate} for g in groups])
    model.train()
    _loss(model, task).backward()
    optimizer.step()
    for modality, state in model.backbone_states():
        same = all(torch.equal(value, before[modality][name]) for name, value in state.items())
        assert same == (modality in still), modality
    assert {group.name for group in groups} == {"fusion", *(m for m in ("..", "Ton/é") if m not in still)}


def test_held_backbones_have_no_gradient_until_they_are_let_go(tmp_path: Path) -> None:
    task, model = WithBatches(), model_of(WithBatches(), tmp_path)
    backbone = [p for g in model.groups(JointConfig()) if g.name != "fusion" for p in g.weights.values()]
    model.hold(True)
    model.train()
    before = _state(model)
    _loss(model, task).backward()
    assert all(parameter.grad is None for parameter in backbone)
    statistics = [name for name in before if name.endswith("running_mean") and "backbones" in name]
    assert len(statistics) == 1
    assert torch.equal(before[statistics[0]], model.state_dict()[statistics[0]])
    model.hold(False)
    _loss(model, task).backward()
    assert all(parameter.grad is not None for parameter in backbone)


def test_rates_are_of_the_longest_place(tmp_path: Path) -> None:
    rates = ("..=0.5", "...0=0.25")
    groups = {g.name: g for g in model_of(WithBatches(), tmp_path, rates=rates).groups(JointConfig(rates=rates))}
    assert groups[".."].rate == 0.5
    assert groups["...0"].rate == 0.25
    assert {name.split(":")[1] for name in groups["...0"].weights} == {"0.weight", "0.bias"}
    assert {name.split(":")[1] for name in groups[".."].weights} == {"1.weight", "1.bias"}
    assert groups["Ton/é"].rate == JointConfig().backbone_lr


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"freeze": ("Tone",)}, "setting freeze names 'Tone', which is no modality that the network reads"),
        ({"freeze": ("Ton/é.9",)}, "setting freeze names 'Ton/é.9': the backbone has no such layer"),
        ({"rates": ("Ton/é",)}, "setting rates has 'Ton/é'; it should be MODALITY=RATE"),
        ({"rates": ("Ton/é=much",)}, "setting rates has 'Ton/é=much'; it should be"),
        ({"rates": ("Ton/é=-1",)}, "setting rates has 'Ton/é=-1'; it should be"),
    ],
)
def test_what_is_not_there_cannot_be_named(given: dict[str, object], sentence: str, tmp_path: Path) -> None:
    with pytest.raises(BmnasError, match=sentence):
        model_of(WithBatches(), tmp_path, **given)


def test_a_modality_whose_features_are_ready_has_nothing_to_train(tmp_path: Path) -> None:
    task = WithBatches()
    found = backbones(task, cache=tmp_path)
    del found[".."]
    with pytest.raises(BmnasError, match=r"the features of modality '\.\.' of task small are ready"):
        JointModel(network(task), task, found, task.split("train")[:2], JointConfig())
