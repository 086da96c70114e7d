"""`bmnas compile` with exports and verification, as a user gives it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from bmnas.cli.app import app
from bmnas.errors import BmnasError
from tests.cli.calling import bmnas
from tests.genotype.test_schema import SHORT, changed


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "g.json").write_text(json.dumps(SHORT))
    return tmp_path


def run(*arguments: object) -> tuple[str, str]:
    """In this process: what was printed, and the sentence of the error if there was one."""
    result = CliRunner().invoke(app, ["compile", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, BmnasError):
        raise result.exception
    return result.output, str(result.exception or "")


def test_an_export_prints_one_line(folder):
    pytest.importorskip("onnxruntime")
    out, err = bmnas("compile", "g.json", "--to", "onnx", "--seed", 3)
    assert err == ""
    size = (folder / "g.onnx").stat().st_size
    assert out.startswith(f"g.onnx: onnx, {size:,} bytes, fresh weights, seed 3, differs by at most ")
    assert out.endswith("(allowed 1e-05)\n") and out.count("\n") == 1
    _, err = bmnas("compile", "g.json", "--to", "onnx", code=2)
    assert err == "bmnas: g.onnx: exists; --force overwrites it\n"


def test_weights_shapes_and_json(folder):
    import torch

    from bmnas.compiler import compile_genotype
    from bmnas.compiler.export import TARGETS
    from bmnas.genotype import load
    from bmnas.searcher.run.outcome import save_weights

    network = compile_genotype(load("g.json")).eval()
    save_weights(network, folder / "w.safetensors")
    options = ["--to", "pt2", "--weights", "w.safetensors", "--shape", "Video_3=6,2", "-o", "new.pt2"]
    report = json.loads(run("g.json", *options, "--json")[0])
    assert report["inputs"]["Video_3"] == ["batch", 2048, 6, 2]
    assert (report["weights"], report["seed"], report["file"]) == ("w.safetensors", None, "new.pt2")
    features = {"Video_3": torch.randn(3, 2048, 6, 2), "Skeleton_4": torch.randn(3, 512, 4)}
    torch.testing.assert_close(TARGETS["pt2"].load(folder / "new.pt2")(features), network(features))
    (folder / "other.json").write_text(json.dumps(changed(representation__channels=8)))
    out, err = run("other.json", "--to", "pt2", "--weights", "w.safetensors")
    assert out == "" and err.startswith("w.safetensors: has 'reshapes.Video_3.conv.weight' with shape (16, 2048), but ")
    assert not (folder / "other.pt2").exists()


def test_verify_shows_every_form(folder, monkeypatch):
    from bmnas.compiler.export import forms

    out, err = run("g.json", "--verify")
    assert err == ""
    for form in forms.FORMS:
        assert f" {form.name} " in out
    assert "allowed 1e-05; fresh weights, seed 0." in out
    far = forms.Form("far", lambda subject, folder: 0.5)
    absent = forms.Form("absent", lambda subject, folder: 0.0, lambda: "needs absent: pip install 'bmnas[absent]'")
    monkeypatch.setattr(forms, "FORMS", (far, absent))
    out, err = run("g.json", "--verify")
    assert err == "g.json: could not be made, or not as the network itself: far"
    assert "too large" in out and "pip install 'bmnas[absent]'" in out
    assert [entry.name for entry in folder.iterdir()] == ["g.json"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--to", "onx"], "unknown target 'onx'; did you mean 'onnx'?"),
        (["-o", "g.onnx"], "no target is named; --to onnx, --to pt2 or --to py exports the network"),
        (["--to", "pt2", "-o", "g.json"], "g.json: is the genotype itself; name another file"),
        (["--to", "pt2", "--shape", "Video_3"], "--shape is 'Video_3', but should be a feature and whole numbers, as "),
        (["--to", "pt2", "--shape", "Video_3=1,x"], "--shape is 'Video_3=1,x', but should be"),
        (["--to", "pt2", "--shape", "V=1", "--shape", "V=2"], "--shape gives the feature 'V' twice"),
        (["--to", "pt2", "--shape", "Video3=1"], "g.json: a shape is given for 'Video3', which the network does not"),
        (["--to", "pt2", "--weights", "none"], "none: cannot be read: no such file or directory"),
    ],
)
def test_what_cannot_be_done(folder, options, sentence):
    out, err = run("g.json", *options)
    assert out == ""
    assert err.startswith(sentence)
    assert [entry.name for entry in folder.iterdir()] == ["g.json"]
