"""What typer finds wrong is told as all other errors are; and what can be told without torch is told without it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from bmnas.cli.known_options import known_names, known_options
from bmnas.joint import JointConfig
from bmnas.searcher import SearchConfig
from tests.cli.calling import bmnas, with_cache
from tests.genotype.test_schema import SHORT

MISUSES = {
    "serch": "there is no command 'serch'; did you mean 'search'?",
    "--vers": "there is no option '--vers'; did you mean '--version'?",
    "search --epohcs 3": "there is no option '--epohcs'; did you mean '--epochs'?",
    "search --qq": "there is no option '--qq'; bmnas search --help lists all",
    "search --epochs": "--epochs needs a value",
    "validate --strict=3 x": "--strict takes no value",
    "search --epochs abc": "--epochs is 'abc': it should be a valid integer",
    "search --views 0": "--views is 0: it should be greater than or equal to 1",
    "search --precision f": "--precision is 'f': it is one of float32, float16, bfloat16",
    "draw ntu-1 --level step": "--level is 'step': it is one of steps, cells; did you mean 'steps'?",
    "convert x --to yaml": "--to is 'yaml': it is one of json, official, mmnas, openvqa",
    "search foo": "there is no place for 'foo'; bmnas search --help lists what it takes",
    "diff ntu-1": "GENOTYPE is missing; bmnas diff --help has an example",
}
SETTINGS = {
    "search --batch-size 0": "--batch-size is 0: it should be greater than or equal to 2",
    "search --dropout 1": "--dropout is 1.0: it should be less than 1",
    "search --lr nan": "--lr is nan: it should be a finite number",
    "search --arch-lr -1": "--arch-lr is -1.0: it should be greater than 0",
    "search --strategy evoluton": "unknown strategy 'evoluton'; did you mean 'evolution'?",
    "search --strategy gdas --select scord": "unknown selection 'scord'; did you mean 'scored'?",
    "search --strategy bilevel --population 4": (
        "--population is of the strategy evolution; the strategy bilevel does not have it"
    ),
    "search --operations Sum,Concat": "--operations has 'Concat', which is not an operation; did you mean 'ConcatFC'?",
    "search --preset ntu-5": "unknown preset 'ntu-5'; did you mean 'ntu-4'?",
    "search --task digitz": "unknown task 'digitz'; did you mean 'digits'?",
    "search --task none.py": "none.py: cannot be read: no such file or directory",
    "search --features none": "none: there is no such folder; --features takes a folder of arrays",
    "search --backbone x": "--backbone is 'x'; it is MODALITY=FILE, such as Skeleton=hcn.safetensors",
    "search --settings none.json": "none.json: cannot be read: no such file or directory",
}


@pytest.mark.parametrize("words", [*MISUSES, *SETTINGS])
def test_one_sentence_and_nothing_else(tmp_path, words):
    sentence = {**MISUSES, **SETTINGS}[words]
    assert bmnas(*words.split(), code=2, cwd=tmp_path) == ("", f"bmnas: {sentence}\n")
    assert not list(tmp_path.iterdir())


def test_what_goes_together_is_told_by_the_options_that_were_typed(tmp_path):
    _, err = bmnas("search", "--min-lr", 1, "--lr", 0.1, code=2, cwd=tmp_path)
    assert err == "bmnas: --min-lr (1.0) is greater than lr (0.1)\n"
    _, err = bmnas("search", "--outputs-per-cell", 5, "--steps", 1, code=2, cwd=tmp_path)
    assert err.startswith("bmnas: --outputs-per-cell is 5, but a cell with 1 steps has 3 nodes")


def test_a_setting_of_a_file_is_not_called_an_option(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"batch_size": 0}))
    _, err = bmnas("search", "--settings", "config.json", code=2, cwd=tmp_path)
    assert "setting batch_size is 0" in err


def test_mistakes_of_a_search_are_told_before_torch_is_imported(tmp_path, monkeypatch):
    """All in one process, which would take seconds if each were a new one."""
    monkeypatch.setenv("BMNAS_CACHE", str(tmp_path))
    known_options("search", lambda: SearchConfig)
    known_options("joint", lambda: JointConfig)
    known_names()
    code = f"""
import sys, bmnas.cli
for words in {list(SETTINGS)!r}:
    sys.argv[1:] = words.split()
    try:
        bmnas.cli.main()
    except SystemExit as done:
        assert done.code == 2
    assert "torch" not in sys.modules, words
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == [f"bmnas: {sentence}" for sentence in SETTINGS.values()]


def completed(tmp_path, *words: str) -> list[str]:
    """What bash offers for the last of the words."""
    env = with_cache(tmp_path) | {"_BMNAS_COMPLETE": "complete_bash", "COMP_WORDS": " ".join(("bmnas", *words))}
    env["COMP_CWORD"] = str(len(words))
    command = [sys.executable, "-m", "bmnas"]
    return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True).stdout.splitlines()


def test_names_are_completed(tmp_path, monkeypatch):
    monkeypatch.setenv("BMNAS_CACHE", str(tmp_path))
    known_options("search", lambda: SearchConfig)
    known_options("joint", lambda: JointConfig)
    known_names()
    (tmp_path / "my_task.py").write_text("")
    (tmp_path / "ntu-mine.json").write_text(json.dumps(SHORT))
    assert completed(tmp_path, "val") == ["validate"]
    assert completed(tmp_path, "search", "--popul") == ["--population"]
    assert completed(tmp_path, "search", "--strategy", "r") == ["random", "random-ws", "released"]
    assert completed(tmp_path, "search", "--task", "d") == ["digits"]
    assert completed(tmp_path, "search", "--task", "my") == ["my_task.py"]
    assert completed(tmp_path, "search", "--preset", "mm") == ["mmimdb-1"]
    assert completed(tmp_path, "draw", "ntu-") == ["ntu-1", "ntu-2", "ntu-3", "ntu-4", "ntu-mine.json"]
    assert completed(tmp_path, "draw", "--theme", "d") == ["dark"]
