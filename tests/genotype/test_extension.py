"""Operations from outside the package: registered in the process, or offered by an installed package."""

from __future__ import annotations

import subprocess
import sys
from enum import StrEnum

import pytest
import torch
from pydantic import Field
from torch import nn

import bmnas
from bmnas.compiler import summarise
from bmnas.compiler.modules import build
from bmnas.compiler.size import Size
from bmnas.errors import GenotypeError
from bmnas.genotype import Operation, Options, extension, from_dict, json_schema, loads
from bmnas.genotype.canonical import canonical_hash
from bmnas.genotype.lookup import find, known
from tests.genotype.test_schema import changed

USES = changed(cells__0__steps__1__op="Distance")


@pytest.fixture(autouse=True)
def nothing_registered(monkeypatch):
    monkeypatch.setattr(extension, "_registered", {})


class Power(Options):
    power: int = Field(1, ge=1, le=3)


def distance(name="Distance", **more):
    @bmnas.operation(name, commutative=True, weights=False, options=Power, **more)
    class AnyDistance(nn.Module):
        """|x - y| to a power.

        More about it.
        """

        def __init__(self, size, power):
            super().__init__()
            self.power = power

        def forward(self, x, y):
            return (x - y).abs() ** self.power

    return AnyDistance


def test_a_registered_operation_is_one_like_any_other():
    distance()
    genotype = from_dict(changed(cells__0__steps__1__op="Distance", cells__0__steps__1__power=2))
    step = genotype.cells[0].steps[1]
    assert step.options == {"power": 2}
    assert loads(bmnas.genotype.dumps(genotype)) == genotype
    assert find("Distance").equation == "|x - y| to a power."
    assert known()[-1] == "Distance"
    assert "power" in json_schema(tuple(known()))["$defs"]["Step"]["properties"]
    network = bmnas.compile(genotype)
    assert network.get_submodule("cells.Cell_1.steps.Step_2.operation.module").power == 2
    x, y = torch.randn(2, 3, 4, 5)
    assert torch.equal(build("Distance", Size(4, 5), power=2)(x, y), (x - y).abs() ** 2)
    with pytest.raises(GenotypeError, match=r"steps\[1\].power is 4: it should be less than or equal to 3"):
        from_dict(changed(cells__0__steps__1__op="Distance", cells__0__steps__1__power=4))
    with pytest.raises(GenotypeError, match=r"steps\[1\].inputs has 3, but Distance takes two inputs"):
        from_dict(changed(cells__0__steps__1__op="Distance", cells__0__steps__1__inputs=["x", "y", "x"]))


def test_a_machine_without_it_says_so():
    with pytest.raises(GenotypeError, match=r"steps\[1\].op is 'Distance', which is not an operation; known: .*; one "):
        from_dict(USES)


def test_registering_again_is_right_for_the_same_code_only():
    distance()
    distance()
    with pytest.raises(ValueError, match="there already is an operation 'Distance'"):
        bmnas.operation("Distance")(nn.Identity)
    with pytest.raises(ValueError, match="there already is an operation 'Sum'"):
        bmnas.operation("Sum")(nn.Identity)


@pytest.mark.parametrize("name", ["", "1st", 'a"b', "a b", "x" * 101])
def test_names_are_plain(name):
    with pytest.raises(ValueError, match="cannot be the name of an operation"):
        extension.register(Operation(name, (2, 2), False, "", build=nn.Identity))


def test_what_makes_no_sense_is_not_registered():
    with pytest.raises(ValueError, match="nothing builds"):
        extension.register(Operation("Nothing", (2, 2), False, ""))
    with pytest.raises(ValueError, match="cannot take 3 to 2 inputs"):
        bmnas.operation("Backwards", arity=(3, 2))(nn.Identity)


def test_every_seed_of_a_hypernet_has_its_own():
    @bmnas.operation("Scaled")
    class Scaled(nn.Module):
        def __init__(self, size):
            super().__init__()
            assert size.seeds is None
            self.scale = nn.Parameter(torch.randn(size.channels, 1))

        def forward(self, x, y):
            assert x.dim() == 3
            return x * self.scale + y

    module = build("Scaled", Size(4, 5, seeds=2))
    x, y = torch.randn(2, 2, 3, 5, 4)
    scales = torch.stack([each.module.scale.T for each in module.operation.seeds])
    assert not torch.equal(*scales)
    torch.testing.assert_close(module(x, y), x * scales[:, None] + y)


def test_what_fails_or_builds_no_module_is_told():
    bmnas.operation("Fails")(lambda size: 1 / 0)
    with pytest.raises(bmnas.BmnasError, match="the operation 'Fails' cannot be built: ZeroDivisionError"):
        build("Fails", Size(4, 5))
    bmnas.operation("Text")(lambda size: "module")
    with pytest.raises(bmnas.BmnasError, match=r"the operation 'Text' builds a str, not a torch.nn.Module"):
        build("Text", Size(4, 5))


def test_the_parentheses_may_be_left_out():
    @bmnas.operation
    class Second(nn.Module):
        def __init__(self, size):
            super().__init__()

        def forward(self, x, y):
            return y

    assert isinstance(build("Second", Size(4, 5)).operation.module, Second)


def test_a_result_of_another_shape_names_the_operation():
    for name, result in {"Half": lambda x: x[:, :2], "Pair": lambda x: (x, x)}.items():

        class Wrong(nn.Module):
            def __init__(self, size, result=result):
                super().__init__()
                self.result = result

            def forward(self, x, y):
                return self.result(x)

        bmnas.operation(name)(Wrong)
        with pytest.raises(bmnas.BmnasError, match=rf"operation '{name}' returns .* but should return \(1, 4, 5\)"):
            build(name, Size(4, 5))(torch.ones(1, 5, 4), torch.ones(1, 5, 4))


def test_an_operation_that_fails_is_told_when_it_is_compiled():
    @bmnas.operation("Fails")
    class Fails(nn.Module):
        def __init__(self, size):
            super().__init__()

        def forward(self, x, y):
            return x @ y

    with pytest.raises(
        bmnas.BmnasError, match=r"cells\[0\].steps\[1\] \('Step_2', Fails\): .*does not run: RuntimeError"
    ):
        summarise(from_dict(changed(cells__0__steps__1__op="Fails")))


def test_options_that_cannot_work_are_refused():
    class NoDefault(Options):
        k: int

    class Taken(Options):
        inputs: int = 2

    with pytest.raises(ValueError, match="the option 'k' of 'A' needs a default"):
        bmnas.operation("A", options=NoDefault)(nn.Identity)
    with pytest.raises(ValueError, match="called 'inputs', which a step has already"):
        bmnas.operation("A", options=Taken)(nn.Identity)
    with pytest.raises(ValueError, match=r"no subclass of bmnas.Options"):
        bmnas.operation("A", options={"k": 3})(nn.Identity)


class Kind(StrEnum):
    MAX = "max"
    MEAN = "mean"


class Kinds(Options):
    kind: Kind = Kind.MAX


def test_options_are_written_and_hashed_as_json_has_them():
    seen = []
    bmnas.operation("Pool", options=Kinds)(lambda size, kind: seen.append(kind) or nn.Identity())
    genotype = from_dict(changed(cells__0__steps__1__op="Pool", cells__0__steps__1__kind="mean"))
    assert genotype.cells[0].steps[1].options == {"kind": "mean"}
    assert canonical_hash(genotype) != canonical_hash(from_dict(changed(cells__0__steps__1__op="Pool")))
    bmnas.compile(genotype)
    assert seen == [Kind.MEAN]


PLUGIN = """
from bmnas.genotype import Operation
OPERATION = Operation("Distance", (2, None), True, "|x - y|", build="plugin_torch:Distance")
"""
TORCH_CODE = """
import torch
class Distance(torch.nn.Module):
    def __init__(self, size):
        super().__init__()
    def forward(self, x, y):
        return (x - y).abs()
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """An installed package that offers the operation Distance."""

    def install(plugin=PLUGIN, entry="Distance = plugin:OPERATION"):
        (tmp_path / "plugin.py").write_text(plugin)
        (tmp_path / "plugin_torch.py").write_text(TORCH_CODE)
        info = tmp_path / "plugin-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[bmnas.operations]\n{entry}\n")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "plugin", raising=False)
        return tmp_path

    return install


def test_an_installed_package_offers_operations(installed):
    installed()
    genotype = from_dict(USES)
    operation = bmnas.compile(genotype).get_submodule("cells.Cell_1.steps.Step_2.operation")
    out = operation(torch.ones(1, 2, 2), torch.zeros(1, 2, 2))
    assert torch.equal(out, torch.ones(1, 2, 2))
    assert "Distance" in known()


def test_a_genotype_with_it_is_checked_without_torch(installed):
    folder = installed()
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); from bmnas.genotype import from_dict; from_dict({USES!r})"
    run = [sys.executable, "-c", f"{code}; print('torch' in sys.modules)"]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout == "False\n"


def test_a_package_that_cannot_be_loaded_is_named(installed):
    installed(plugin="import a_package_that_is_not_there")
    with pytest.raises(
        GenotypeError, match=r"'Distance'.* entry point plugin:OPERATION offers, cannot be loaded: No mod"
    ):
        from_dict(USES)


def test_a_package_that_does_not_register_what_it_offers_is_named(installed):
    installed(plugin="OPERATION = 7")
    with pytest.raises(GenotypeError, match="is not registered under that name when it is loaded"):
        from_dict(USES)
