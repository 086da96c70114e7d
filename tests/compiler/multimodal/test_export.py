"""A whole model as a file: the same numbers at any batch, and no weights of what is not used."""

from __future__ import annotations

import pytest
import torch

from bmnas.compiler.export import export
from bmnas.compiler.multimodal import Tap, assemble
from tests.compiler.multimodal.nets import Maps, Steps, fusing


def inputs(batch):
    generator = torch.Generator().manual_seed(batch)
    image = torch.randn(batch, 3, 9, 9, generator=generator)
    return {"Image": image, "Text": torch.randint(0, 20, (batch, 5), generator=generator)}


@pytest.fixture(scope="module")
def model():
    """One backbone that is cut, one with hooks."""
    genotype = fusing(("block", "Image", 4), ("T", "Text", 6), ("cell_2", "Text", 6))
    taps = {"T": Tap("embed", axis=-1)}
    model = assemble(genotype, {"Image": Maps(), "Text": Steps()}, taps, examples={"Text": inputs(1)["Text"]})
    assert model._cut == {"Image"}
    return model.eval()


def test_pt2(model, tmp_path):
    export(model, tmp_path / "model.pt2", "pt2", example=inputs(2))
    program = torch.export.load(tmp_path / "model.pt2")
    for batch in (1, 3):
        torch.testing.assert_close(program.module()(inputs(batch)), model(inputs(batch)))
    names = {name.removeprefix("network.") for name in program.state_dict}
    assert names <= set(model.state_dict())
    assert {name for name in names if "backbones" in name} >= {"backbones.Text.embed.weight"}
    assert not any("last" in name or "mix" in name or "pair" in name for name in names)


def test_onnx(model, tmp_path):
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    export(model, tmp_path / "model.onnx", "onnx", example=inputs(2))
    session = runtime.InferenceSession(tmp_path / "model.onnx")
    assert [value.name for value in session.get_inputs()] == ["Image", "Text"]
    for batch in (1, 3):
        (found,) = session.run(None, {name: value.numpy() for name, value in inputs(batch).items()})
        torch.testing.assert_close(torch.from_numpy(found), model(inputs(batch)).detach(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("strict", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_torch_export_itself(model, strict):
    batch = torch.export.Dim("batch")
    sizes = {"inputs": {"Image": {0: batch}, "Text": {0: batch}}}
    program = torch.export.export(model, (inputs(2),), dynamic_shapes=sizes, strict=strict)
    torch.testing.assert_close(program.module()(inputs(3)), model(inputs(3)))
