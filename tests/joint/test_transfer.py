"""Transfer modules between backbones (MMTM)."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from bmnas.errors import BmnasError
from bmnas.joint import JointConfig, JointModel, train_joint
from bmnas.joint.transfer import Stages, TransferModule
from bmnas.tasks import backbones
from tests.joint.test_model import WithBatches, model_of, network


def transferring(task, cache: Path) -> JointModel:
    return JointModel(
        network(task), task, backbones(task, cache=cache), task.split("train")[:2], JointConfig(), transfer=True
    )


def test_gates_are_those_of_the_paper():
    torch.manual_seed(0)
    module = TransferModule([4, 6], [1, -1]).double()
    assert module.squeeze.out_features == (4 + 6) // 4
    for gate in module.excite:
        nn.init.normal_(gate.weight)
        nn.init.normal_(gate.bias)
    a, b = torch.randn(3, 4, 5, 2).double(), torch.randn(3, 7, 6).double()
    given = module([a, b])
    joint = torch.relu(module.squeeze(torch.cat([a.mean((2, 3)), b.mean(1)], 1)))
    gates = [2 * torch.sigmoid(gate(joint)) for gate in module.excite]
    assert torch.allclose(given[0], a * gates[0][:, :, None, None])
    assert torch.allclose(given[1], b * gates[1][:, None, :])


def test_untrained_it_changes_nothing_and_then_each_modality_reaches_the_other(tmp_path: Path) -> None:
    task = WithBatches()
    plain, model = model_of(task, tmp_path).eval(), transferring(task, tmp_path).eval()
    batch = task.split("test")[:6]
    assert len(model.transfer) == 1
    assert torch.allclose(model(batch), plain(batch), atol=1e-6)
    state = {name: value for name, value in model.state_dict().items() if not name.startswith("transfer")}
    assert state.keys() == plain.state_dict().keys()
    for gate in model.transfer[0].excite:
        nn.init.normal_(gate.weight)
    with torch.no_grad():
        features = model._seen(batch.inputs)
        other = dict(batch.inputs, **{"..": batch.inputs[".."] + 1})
        again = model._seen(other)
    assert not torch.allclose(features["sound"], again["sound"])


def test_its_weights_are_trained_with_the_fusion_network(tmp_path: Path) -> None:
    task = WithBatches()
    model = transferring(task, tmp_path)
    (fusion,) = (group for group in model.groups(JointConfig()) if group.name == "fusion")
    assert {name for name in fusion.weights if name.startswith("transfer.")} == {
        f"transfer.{name}" for name, _ in model.transfer.named_parameters()
    }


def test_a_training_has_it_and_keeps_no_bundle(tmp_path: Path) -> None:
    task = WithBatches()
    config, train = JointConfig(epochs=2, batch_size=16), {"epochs": 1}
    genotype = network(task).genotype
    trained = train_joint(genotype, task, config, train=train, transfer=True, cache=tmp_path, report=None)
    other = train_joint(genotype, task, config, train=train, cache=tmp_path, report=None)
    assert trained.bundle is None
    assert other.bundle is not None
    assert trained.model is not None
    gates = [gate.weight for module in trained.model.transfer for gate in module.excite]
    assert all(weight.abs().max() > 0 for weight in gates)
    assert trained.parameters > other.parameters
    assert not torch.equal(torch.as_tensor(trained.outputs), torch.as_tensor(other.outputs))


def test_taps_that_are_no_modules_are_refused():
    task = WithBatches()
    task.taps = {"sound": "0", "image": "add"}
    parts = {"Ton/é": nn.Sequential(nn.Linear(2, 2)), "..": nn.Sequential(nn.Linear(2, 2))}
    with pytest.raises(BmnasError, match=r"a transfer module needs a module .* the tap 'add' of task"):
        Stages(task, parts)
    with pytest.raises(BmnasError, match="between modalities"):
        Stages(task, {"..": parts[".."]})
