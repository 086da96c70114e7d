"""A network as source: it runs without bmnas, takes the network's weights by name and computes the same."""

from __future__ import annotations

import ast
import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest
import torch
from hypothesis import example, given, settings, strategies as st
from torch import nn

import bmnas
from bmnas.compiler.source import to_source
from bmnas.compiler.source.identifiers import class_name, identifier, identifiers, quoted
from bmnas.errors import BmnasError
from bmnas.genotype import Genotype, from_dict, load
from tests.compiler.test_inference import trained
from tests.compiler.test_network import inputs_of
from tests.genotype.test_schema import SHORT, changed
from tests.profiles import examples
from tests.strategies import NAMES, genotypes

HOSTILE = (
    "\"]; __import__('os').system('x') #",
    '"""',
    "\\",
    "class",
    "self",
    "1",
    "print",
    "{x}",
    "'",
    "torch",
)


def imported(source: str) -> Any:
    module = ModuleType("exported")
    exec(compile(source, "exported.py", "exec"), module.__dict__)
    return module


@given(genotypes(NAMES))
@settings(max_examples=examples(100))
def test_the_source_computes_what_the_network_does(genotype):
    network = trained(genotype).double().eval()
    own = imported(to_source(genotype)).Network().double().eval()
    own.load_state_dict(dict(network.state_dict()))
    features = {name: tensor.double() for name, tensor in inputs_of(genotype).items()}
    torch.testing.assert_close(own(features), network(features), rtol=1e-9, atol=1e-9)


@given(genotypes())
@settings(max_examples=examples(30))
def test_it_trains_as_the_network_does(genotype):
    genotype = genotype.model_copy(update={"dropout": 0.0})
    network = trained(genotype).double()
    own = imported(to_source(genotype)).Network().double()
    own.load_state_dict(dict(network.state_dict()))
    for module in (*network.modules(), *own.modules()):
        if isinstance(module, nn.Dropout):
            module.p = 0.0  # attention's own
    features = {name: tensor.double() for name, tensor in inputs_of(genotype, batch=4).items()}
    torch.testing.assert_close(own(features), network(features), rtol=1e-7, atol=1e-7)
    ours, theirs = (dict(each.named_buffers()) for each in (network, own))
    for name, buffer in ours.items():
        torch.testing.assert_close(theirs[name], buffer, rtol=1e-7, atol=1e-7)


@given(genotypes(st.sampled_from(HOSTILE)))
@settings(max_examples=examples(60))
def test_names_are_strings_or_harmless_identifiers(genotype):
    """Every name that the source mentions is its own; what the genotype calls things is only ever a string."""
    tree = ast.parse(to_source(genotype))
    strings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert genotype.name in strings
    assert strings >= set(bmnas.compile(genotype).features)
    assert len([node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]) == 3
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    defined = {node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    assert called <= defined | {"super", "range", "member"}
    imported(to_source(genotype))


@given(st.lists(st.text(min_size=1, max_size=8), unique=True, max_size=6))
@example(["ﬁ", "fi"])  # one identifier to Python
@example(["²", "٣", "", "_", "__init__"])
def test_identifiers_are_distinct_to_python(names):
    found = list(identifiers(names).values())
    scope: dict[str, int] = {}
    for number, name in enumerate(found):
        exec(f"{name} = {number}", {}, scope)
    assert sorted(scope.values()) == list(range(len(names)))


@given(st.text())
def test_a_quoted_name_is_that_name(name):
    if not any(0xD800 <= ord(letter) < 0xE000 for letter in name):
        assert ast.literal_eval(quoted(name)) == name
        assert "\n" not in quoted(name)


def test_names_are_near_to_those_of_the_genotype():
    assert identifiers(["Video_3", "video_3", "a b"]) == {"Video_3": "video_3", "video_3": "video_3_2", "a b": "a_b"}
    assert class_name("Cell_1", set()) == "Cell1"
    assert identifier("3D") == "n3D"


def test_the_text():
    """What a person reads: one class for two steps of a kind, shapes beside the lines."""
    source = to_source(load("ntu-1"))
    assert source.count("class Attention(") == source.count("class LinearGLU(") == source.count("class Reshape(") == 1
    assert '        step_2 = self.steps["Step_2"](step_1, x)  # (B, 128, 8)\n' in source
    assert '                "Skeleton_4": Reshape(512),\n' in source
    assert max(map(len, source.splitlines())) <= 100
    assert "bmnas" not in source


def test_it_needs_torch_alone(tmp_path):
    genotype = from_dict(SHORT)
    network = trained(genotype).eval()
    features = inputs_of(genotype)
    (tmp_path / "net.py").write_text(to_source(genotype))
    torch.save(dict(network.state_dict()), tmp_path / "weights.pt")
    torch.save(features, tmp_path / "features.pt")
    code = (
        "import sys; sys.modules['bmnas'] = None; import torch, net; "
        "torch.save(net.load('weights.pt')(torch.load('features.pt')).detach(), 'out.pt')"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    torch.testing.assert_close(torch.load(tmp_path / "out.pt"), network(features).detach(), rtol=1e-5, atol=1e-6)


def test_an_operation_from_outside_is_refused_by_its_place(monkeypatch):
    from bmnas.genotype import extension

    monkeypatch.setattr(extension, "_registered", {})
    bmnas.operation("Distance", weights=False)(nn.Identity)
    genotype: Genotype = from_dict(changed(cells__0__steps__1__op="Distance"))
    with pytest.raises(BmnasError, match=r"cells\[0\].steps\[1\] \('Step_2', Distance\) cannot be written as source"):
        to_source(genotype)
