"""``bmnas new``, ``bmnas schema`` and ``bmnas --import``."""

from __future__ import annotations

import json
import subprocess
import sys

from bmnas.genotype import json_schema, load, loads, presets
from tests.cli.calling import bmnas
from tests.genotype.test_schema import changed

PAIR = "Video_4:2048,Skeleton_4:512:grid"


def test_a_preset_is_printed_or_written(tmp_path):
    out, err = bmnas("new", "mha", "--features", PAIR, "--length", 4, "--heads", 4, "--outputs", 60, "--name", "four")
    genotype = loads(out)
    assert err == ""
    assert genotype.name == "four"
    assert [feature.reshape for feature in genotype.features] == ["sequence", "grid"]
    assert genotype.cells[0].steps[0].options == {"heads": 4}
    path = tmp_path / "mha.json"
    out, err = bmnas("new", "mha", "-f", "A:1", "-f", "B:2,C:3", "-o", path)
    assert out == f"{path}\n"
    assert err.startswith("bmnas: there is no head, so the network returns the fused representation; --outputs 10")
    assert load(path).cells[0].inputs == ("A", "B", "C")
    assert bmnas("new", "sum", "-f", PAIR, "-o", path, code=2)[1] == f"bmnas: {path}: exists; --force overwrites it\n"


def test_channels_may_be_left_for_a_task(tmp_path):
    path = tmp_path / "g.json"
    _, err = bmnas("new", "aoa", "--features", "Top_3,Bottom_2", "--channels", 8, "--outputs", 10, "-o", path)
    assert err.startswith("bmnas: the channels of Top_3, Bottom_2 are left out: give them as Top_3:512")
    assert "channels" not in json.loads(path.read_text())["features"][0]
    assert "parameters; output (batch, 10)" in bmnas("compile", path, "--task", "digits")[0]


def test_a_task_supplies_everything():
    genotype = loads(bmnas("new", "gmu", "--task", "digits", "--features", "Top_1,Bottom_2")[0])
    assert [(feature.name, feature.channels) for feature in genotype.features] == [("Top_1", 16), ("Bottom_2", 32)]
    assert (genotype.representation.channels, genotype.head.outputs) == (32, 10)
    _, err = bmnas("new", "gmu", "--task", "digits", "--features", "Top_1,Botom_2", code=2)
    assert err == "bmnas: task digits has no feature 'Botom_2'; did you mean 'Bottom_2'?\n"
    genotype = loads(bmnas("new", "gmu", "--task", "digits", "--channels", 16, "--outputs", 3)[0])
    assert (genotype.representation.channels, genotype.head.outputs) == (16, 3)
    _, err = bmnas("new", "gmu", "--task", "digits", "--features", "Top_1,Bottom_2:32:grid", code=2)
    assert err == "bmnas: Bottom_2 has the reshape sequence in task digits, not grid\n"
    _, err = bmnas("new", "gmu", "--task", "digits", "--features", "Top_1:7,Bottom_2", code=2)
    assert err == "bmnas: Top_1 has 16 channels in task digits, not 7\n"


def test_a_row_of_table_7():
    out, _ = bmnas("new", "aoa", "--like", "ntu-1")
    assert loads(out) == presets.like(load("ntu-1"), "aoa")


def test_what_makes_no_sense():
    for arguments, sentence in {
        ("aao", "-f", PAIR): "unknown preset 'aao'; did you mean 'aoa'?",
        ("sum",): "name the features with --features, or the task that has them with --task",
        ("sum", "-f", "A:1"): "the preset sum puts its features into one cell, which takes 2 to 6 of them, not 1",
        (
            "mha",
            "-f",
            PAIR,
            "--heads",
            "0",
        ): "mha: cells[0].steps[0].heads is 0: it should be greater than",
        ("sum", "-f", PAIR, "--heads", "2"): "--heads is an option of the preset mha, not of sum",
        ("sum", "-f", PAIR, "--like", "ntu-1"): "--like takes the features of the genotype; leave --features",
        ("sum", "-f", PAIR, "--length", "5"): "sum: features[1].reshape is 'grid', which needs a square length",
        ("sum", "-f", "A:x,B"): "feature 1 ('A') has 'x' channels, but it should be a number such as 512",
    }.items():
        out, err = bmnas("new", *arguments, code=2)
        assert (out, err.count("\n")) == ("", 1)
        assert err.startswith(f"bmnas: {sentence}")


def test_the_schema_is_printed():
    assert json.loads(bmnas("schema")[0]) == json_schema()


CODE = """
import bmnas

@bmnas.operation(weights=False)
def Second(size):
    import torch

    class Module(torch.nn.Module):
        def forward(self, x, y):
            return y

    return Module()
"""


def test_code_of_the_user_registers_operations(tmp_path):
    (tmp_path / "ops.py").write_text(CODE)
    path = tmp_path / "g.json"
    path.write_text(json.dumps(changed(cells__0__steps__1__op="Second")))
    assert "op is 'Second', which is not an operation" in bmnas("validate", path, code=2)[1]
    assert "valid" in bmnas("--import", tmp_path / "ops.py", "validate", path)[0]
    assert "Second" in bmnas("--import", tmp_path / "ops.py", "compile", path)[0]
    assert '"Second"' in bmnas("--import", tmp_path / "ops.py", "schema")[0]


def test_an_operation_of_the_user_is_searched(tmp_path, cache):
    (tmp_path / "ops.py").write_text(CODE)
    sizes = ("--channels", 6, "--length", 4, "--steps", 1, "--cells", 1, "--epochs", 1, "--train-epochs", 1)
    options = (*sizes, "--select-budget", 0, "--operations", "Second", "--device", "cpu", "--out", tmp_path / "run")
    bmnas("--import", tmp_path / "ops.py", "search", *options, cache=cache)
    text = (tmp_path / "run" / "genotype.json").read_text()
    assert '"op": "Second"' in text
    assert f'"bmnas --import {tmp_path / "ops.py"} search --task digits' in text


def test_a_module_of_the_current_folder_is_found(tmp_path):
    (tmp_path / "my_ops.py").write_text(CODE)
    code = "import sys; sys.path[:] = [path for path in sys.path if path]; from bmnas.cli import main; main()"
    run = [sys.executable, "-P", "-c", code, "--import", "my_ops", "schema"]
    assert '"Second"' in subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=True).stdout


def test_code_of_the_user_that_fails_is_told_in_one_sentence(tmp_path):
    (tmp_path / "ops.py").write_text("1 / 0")
    _, err = bmnas("--import", tmp_path / "ops.py", "schema", code=2)
    assert err == f"bmnas: {tmp_path / 'ops.py'}: cannot be imported: ZeroDivisionError: division by zero\n"
    (tmp_path / "ops.py").write_text("raise SystemExit(3)")
    _, err = bmnas("--import", tmp_path / "ops.py", "schema", code=2)
    assert err == f"bmnas: {tmp_path / 'ops.py'}: cannot be imported: SystemExit: 3\n"
    assert "neither a file.py nor the name of a module" in bmnas("--import", "./", "schema", code=2)[1]
    _, err = bmnas("--import", tmp_path / "none.py", "schema", code=2)
    assert err == f"bmnas: {tmp_path / 'none.py'}: cannot be imported: no such file\n"
    assert "No module named 'no_such_module'" in bmnas("--import", "no_such_module", "schema", code=2)[1]
