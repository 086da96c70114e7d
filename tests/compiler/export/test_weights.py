"""Weights are loaded strictly, and what does not fit is named with its place."""

from __future__ import annotations

import pytest
import safetensors.torch
import torch

from bmnas.compiler import FusionNetwork, compile_genotype
from bmnas.compiler.export import load_weights
from bmnas.errors import BmnasError
from bmnas.genotype import dumps, from_dict
from tests.genotype.test_schema import SHORT, changed

CONV = "reshapes.Video_3.conv.weight"


def network(**changes: object) -> FusionNetwork:
    return compile_genotype(from_dict(changed(head={"outputs": 3}, **changes)))


def saved(path, tensors, metadata=None):
    safetensors.torch.save_file(dict(tensors), path, metadata)
    return path


def test_weights_as_a_training_saves_them(tmp_path):
    from bmnas.searcher.run.outcome import save_weights

    trained, fresh = network(), network(dropout=0.5)
    save_weights(trained, tmp_path / "w.safetensors")
    load_weights(fresh, tmp_path / "w.safetensors")
    for name, tensor in trained.state_dict().items():
        assert torch.equal(fresh.state_dict()[name], tensor), name


def test_what_does_not_fit_is_named(tmp_path):
    good = network().state_dict()
    step = next(name for name in good if ".steps." in name)
    cases = {
        "has no 'output.head.weight', which the head needs with shape (3, 128)": {
            name: tensor for name, tensor in good.items() if name != "output.head.weight"
        },
        f"has '{CONV}' with shape (16, 9), but features[0] ('Video_3') needs (16, 2048)": good
        | {CONV: torch.zeros(16, 9)},
        f"has '{CONV}' as int64, but features[0]": good | {CONV: torch.zeros(16, 2048, dtype=torch.int64)},
        f"has no '{step}', which cells[": {name: tensor for name, tensor in good.items() if name != step},
        "has 'cells.Cell_9.output.conv.bias' with shape (2,), for which the genotype has no parameter": good
        | {"cells.Cell_9.output.conv.bias": torch.zeros(2)},
    }
    for sentence, tensors in cases.items():
        path, mine = saved(tmp_path / "w.safetensors", tensors), network()
        before = {name: tensor.clone() for name, tensor in mine.state_dict().items()}
        with pytest.raises(BmnasError) as caught:
            load_weights(mine, path)
        assert str(caught.value).startswith(f"{path}: {sentence}"), caught.value
        assert all(torch.equal(tensor, before[name]) for name, tensor in mine.state_dict().items())


def test_the_same_parameters_of_another_genotype(tmp_path):
    """Sum and Mul have no weights: only the file's own genotype tells the networks apart."""
    others = {op: changed(cells__0__steps=[{"op": op, "inputs": ["x", "y"]}], cells__0__output=["Step_1"]) for op in
              ("Sum", "Mul")}  # fmt: skip
    trained, other = (compile_genotype(from_dict(data)) for data in others.values())
    path = saved(tmp_path / "w.safetensors", trained.state_dict(), {"genotype": dumps(trained.genotype)})
    load_weights(trained, path)
    with pytest.raises(BmnasError, match="has the weights of another genotype, 'genotype'; with the same parameters"):
        load_weights(other, path)


def test_files_that_are_no_weights(tmp_path):
    mine, path = compile_genotype(from_dict(SHORT)), tmp_path / "w.safetensors"
    with pytest.raises(BmnasError, match="cannot be read: no such file"):
        load_weights(mine, path)
    with pytest.raises(BmnasError, match="cannot be read: is a directory"):
        load_weights(mine, tmp_path)
    for content in (b"", b"\x80\x04K\x01.", b"\xff" * 100):
        path.write_bytes(content)
        with pytest.raises(BmnasError, match="is not a safetensors file of weights"):
            load_weights(mine, path)


@pytest.mark.parametrize(
    "change",
    [
        {"output": ["Cell_2", "Cell_1"]},
        {"cells__0__output": ["Step_2", "Step_1"]},
        {"cells__1__inputs": ["Video_3", "Cell_1"]},
    ],
)
def test_the_same_up_to_an_order_is_not_the_same_for_weights(tmp_path, change):
    """A canonical form may put outputs in another order; the weights behind them do not follow."""
    trained = network()
    metadata = {"genotype": dumps(trained.genotype)}
    saved(tmp_path / "w.safetensors", trained.state_dict(), metadata)
    with pytest.raises(BmnasError, match="has the weights of another genotype"):
        load_weights(network(**change), tmp_path / "w.safetensors")
    load_weights(network(name="other", dropout=0.3), tmp_path / "w.safetensors")
