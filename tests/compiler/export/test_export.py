"""What is exported computes what the network computes, or is not put in place."""

from __future__ import annotations

import zipfile

import pytest
import torch
from hypothesis import given, settings
from torch import nn

import bmnas
from bmnas.compiler import compile_genotype
from bmnas.compiler.export import (
    TARGETS,
    TOLERANCE,
    Form,
    Subject,
    compare_forms,
    example_features,
    export,
    forms,
    targets,
)
from bmnas.compiler.export.verify import largest_difference
from bmnas.errors import BmnasError
from bmnas.genotype import Genotype, from_dict
from tests.genotype.test_schema import SHORT, changed
from tests.profiles import examples
from tests.strategies import genotypes

ALL = pytest.mark.parametrize("to", TARGETS)
HOSTILE = ("a\"); open('pwned', 'w'); str(\"", "'+str(open('pwned', 'w'))+'", "back\\slash")
STRANGE = (
    " ",
    "x y",
    "a.b",
    "a_b",
    "日本",
    "output",
    "{x}",
    "%s",
    "self",
    "conv",
    "linear",
    "]",
    "if",
    "ſ",
    "\U0001f642",
)


@pytest.fixture(autouse=True)
def installed() -> None:
    pytest.importorskip("onnxruntime")


@pytest.fixture
def own_operations(monkeypatch):
    monkeypatch.setattr("bmnas.genotype.extension._registered", {})


def with_names(names: tuple[str, ...]) -> Genotype:
    """A network that reads features of these names, the last two in a cell."""
    features = [{"name": name, "modality": "M", "channels": 3} for name in names]
    cell = {"name": "Cell", "inputs": names[-2:], "steps": [{"op": "Sum", "inputs": ["x", "y"]}]}
    data = {"representation": {"channels": 2, "length": 4}, "features": features, "cells": [cell]}
    return from_dict(data | {"output": ["Cell", *names[:-2]]})


def randomised(genotype: Genotype) -> nn.Module:
    """Its network with statistics, scales and shifts that all do something."""
    torch.manual_seed(0)
    network = compile_genotype(genotype)
    for name, tensor in network.state_dict().items():
        if "bn." in name or "ln." in name:
            tensor.copy_(torch.rand(tensor.shape) + 0.5)
    return network


def check_every_target(genotype: Genotype, folder) -> None:
    network = randomised(genotype)
    for to in TARGETS:
        if to == "pt2" and any(set(name) & set("'\"\\") for name in network.features):
            with pytest.raises(BmnasError, match="has a quote or a backslash in its name"):
                export(network, folder / "g.pt2", to)
        else:
            assert export(network, folder / f"g.{to}", to).difference <= TOLERANCE
    subject = Subject(network.eval(), example_features(network))
    assert largest_difference(subject, network.for_inference()) <= TOLERANCE


@given(genotypes())
@settings(max_examples=examples(8))
def test_any_genotype_in_every_target(tmp_path_factory, genotype):
    check_every_target(genotype, tmp_path_factory.mktemp("export"))


@pytest.mark.slow
@given(genotypes())
@settings(max_examples=200)
def test_many_genotypes_in_every_target(tmp_path_factory, genotype):
    check_every_target(genotype, tmp_path_factory.mktemp("export"))


@ALL
def test_a_file_runs_alone_at_any_batch_size(tmp_path, to):
    network = compile_genotype(from_dict(changed(head={"outputs": 3})))
    modes = [module.training for module in network.modules()]
    done = export(network, tmp_path / "new" / f"g.{to}", to)
    assert [module.training for module in network.modules()] == modes and network.training
    assert done.size == done.file.stat().st_size
    assert done.inputs == {"Video_3": ("batch", 2048, 4), "Skeleton_4": ("batch", 512, 4)}
    files = {done.file.name, *([f"g{TARGETS[to].beside}"] if TARGETS[to].beside else [])}
    assert {entry.name for entry in done.file.parent.iterdir()} == files
    run, network = TARGETS[to].load(done.file), network.eval()
    for batch in (1, 2, 11):
        features = {"Skeleton_4": torch.randn(batch, 512, 4), "Video_3": torch.randn(batch, 2048, 4)}
        torch.testing.assert_close(run(features), network(features), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(), (3,), (10,), (16, 3, 2)])
def test_live_features(tmp_path, shape):
    network = compile_genotype(from_dict(SHORT))
    for to in TARGETS:
        done = export(network, tmp_path / f"g.{to}", to, shapes={"Video_3": shape})
        assert done.inputs["Video_3"] == ("batch", 2048, *shape)


def test_shapes_that_do_not_fit(tmp_path):
    data = changed(features__0__reshape="grid", features__1__reshape="none", features__1__channels=16)
    network = compile_genotype(from_dict(data))
    for shapes, sentence in (
        ({"Video3": (4,)}, "'Video3', which the network does not read; did you mean 'Video_3'"),
        ({"Video_3": (4, 4, 4)}, "the shape 4,4,4 does not fit the feature 'Video_3', whose reshape is 'grid'"),
        ({"Video_3": (0,)}, "the shape 0 does not fit"),
        ({"Video_3": (10**9, 10**9)}, "does not fit"),
        ({"Skeleton_4": (5,)}, "the shape of the feature 'Skeleton_4' is 5, but it is used as it is, with 4"),
    ):
        with pytest.raises(BmnasError, match=sentence):
            export(network, tmp_path / "g.pt2", "pt2", shapes=shapes)
    assert list(tmp_path.iterdir()) == []


def test_onnx_has_the_names_of_the_genotype(tmp_path):
    import onnxruntime

    names = (*STRANGE, *HOSTILE)
    export(compile_genotype(with_names(names)), tmp_path / "g.onnx", "onnx")
    session = onnxruntime.InferenceSession(tmp_path / "g.onnx", providers=["CPUExecutionProvider"])
    assert {value.name: value.shape for value in session.get_inputs()} == {name: ["batch", 3, 4] for name in names}
    assert [value.name for value in session.get_outputs()] == ["output_"]
    assert b"bmnas/compiler" not in (tmp_path / "g.onnx").read_bytes()  # no paths of the machine


def test_pt2_has_the_names_of_the_genotype(tmp_path):
    assert export(compile_genotype(with_names(STRANGE)), tmp_path / "g.pt2", "pt2").difference == 0


@pytest.mark.parametrize("name", HOSTILE)
def test_pt2_refuses_names_that_could_run(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BmnasError, match=r"quote or a backslash in its name, and a \.pt2 file"):
        export(compile_genotype(with_names(("fine", name))), tmp_path / "g.pt2", "pt2")
    assert list(tmp_path.iterdir()) == []


def test_pt2_holds_no_pickle_and_no_path(tmp_path):
    export(compile_genotype(from_dict(SHORT)), tmp_path / "g.pt2", "pt2")
    with zipfile.ZipFile(tmp_path / "g.pt2") as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    assert not [name for name, data in content.items() if data[:1] == b"\x80" or b"PK\x03\x04" in data[:4]]
    assert [data for name, data in content.items() if "sample_inputs" in name] == [b""]
    assert not [name for name, data in content.items() if b"network.py" in data]


@ALL
@pytest.mark.parametrize("what", ["differs", "fails"])
def test_a_file_that_is_wrong_is_not_put_in_place(tmp_path, monkeypatch, to, what):
    def wrong(subject: Subject, path) -> None:
        path.write_bytes(b"")

    def load(path):
        assert what == "differs"
        return lambda features: torch.zeros(len(features["Video_3"]), 128)

    path = tmp_path / f"g.{to}"
    path.write_text("before")
    target = TARGETS[to]
    replaced = targets.Target(target.name, target.suffix, wrong, load)
    monkeypatch.setitem(TARGETS._members, to, replaced)
    sentence = f"the {to} file differs from the network by" if what == "differs" else "was made, but does not run"
    with pytest.raises(BmnasError, match=sentence):
        export(compile_genotype(from_dict(SHORT)), path, to)
    assert [(entry.name, entry.read_text()) for entry in tmp_path.iterdir()] == [(f"g.{to}", "before")]


@ALL
def test_a_step_that_cannot_be_exported_is_named(tmp_path, own_operations, to):
    @bmnas.operation
    class Branch(nn.Module):
        def __init__(self, size):
            super().__init__()

        def forward(self, x, y):
            return x if x.sum() > 0 else y

    steps = [{"op": "Sum", "inputs": ["x", "y"]}, {"op": "Branch", "inputs": ["x", "Step_1"]}]
    network = compile_genotype(from_dict(changed(cells__0__steps=steps, cells__0__output=["Step_2"])))
    why = "an operation from outside" if to == "py" else "data-dependent"
    sentence = rf"^cells\[0\]\.steps\[1\] \('Step_2', Branch\) cannot be .*: .*{why}"
    with pytest.raises(BmnasError, match=sentence):
        export(network, tmp_path / f"g.{to}", to)
    assert list(tmp_path.iterdir()) == []


def test_a_network_that_does_not_run_or_is_not_finite(tmp_path, own_operations):
    @bmnas.operation
    class Raises(nn.Module):
        def __init__(self, size):
            super().__init__()

        def forward(self, x, y):
            raise ValueError("never")

    steps = [{"op": "Raises", "inputs": ["x", "y"]}]
    network = compile_genotype(from_dict(changed(cells__0__steps=steps, cells__0__output=["Step_1"])))
    with pytest.raises(BmnasError, match=r"the network does not run: ValueError: never, .*Step_1"):
        export(network, tmp_path / "g.pt2", "pt2")
    network = compile_genotype(from_dict(SHORT))
    next(network.parameters()).data.fill_(float("nan"))
    with pytest.raises(BmnasError, match="own output on random input is not finite"):
        export(network, tmp_path / "g.pt2", "pt2")


def test_targets_that_are_not(tmp_path, monkeypatch):
    network = compile_genotype(from_dict(SHORT))
    with pytest.raises(BmnasError, match="unknown target 'onx'; did you mean 'onnx'"):
        export(network, tmp_path / "g.onnx", "onx")
    with pytest.raises(BmnasError, match="is named as a file of the target pt2, but would be onnx"):
        export(network, tmp_path / "g.pt2", "onnx")
    monkeypatch.setattr(targets, "find_spec", lambda package: None if package == "onnxscript" else object())
    with pytest.raises(BmnasError, match=r"target onnx needs onnxscript: pip install 'bmnas\[onnx\]'"):
        export(network, tmp_path / "g.onnx", "onnx")


def test_any_module_with_an_example(tmp_path):
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.words = nn.Embedding(10, 4)

        def forward(self, inputs):
            return self.words(inputs["text"]).mean(1) + inputs["image"].mean((2, 3))

    example = {"text": torch.randint(10, (2, 7)), "image": torch.randn(2, 4, 8, 8)}
    for to in ("onnx", "pt2"):
        assert export(Model(), tmp_path / f"m.{to}", to, example=example).difference <= TOLERANCE
    with pytest.raises(BmnasError, match="a Model cannot be written as source, only a compiled network can"):
        export(Model(), tmp_path / "m.py", "py", example=example)
    with pytest.raises(BmnasError, match="a Model is exported with an example of its inputs"):
        export(Model(), tmp_path / "m.pt2", "pt2")


def test_every_form_is_compared(monkeypatch):
    network = compile_genotype(from_dict(SHORT))
    assert {form.name for form in forms.FORMS} == {"eager", "for inference", *TARGETS}
    assert all(outcome.fits(TOLERANCE) for outcome in compare_forms(network))

    def fails(subject, folder):
        raise ValueError("broken")

    others = (Form("far", lambda subject, folder: 1.0), Form("none", fails), Form("absent", fails, lambda: "needs it"))
    monkeypatch.setattr(forms, "FORMS", others)
    outcomes = {outcome.form: outcome for outcome in compare_forms(network)}
    assert [outcome.fits(TOLERANCE) for outcome in outcomes.values()] == [False, False, True]
    assert outcomes["none"].problem == "ValueError: broken"
    assert outcomes["absent"].problem == "needs it"
