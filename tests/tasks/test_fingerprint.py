from __future__ import annotations

import functools
import hashlib
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
import torch

from bmnas.tasks import fingerprint


def of(tensor: torch.Tensor) -> str:
    digest = hashlib.sha256()
    fingerprint.add_tensor(digest, tensor)
    return digest.hexdigest()


def test_a_tensor_is_its_type_its_shape_and_its_numbers() -> None:
    numbers = torch.arange(6.0)
    different = [numbers, numbers + 1, numbers.reshape(2, 3), numbers.double(), numbers.bfloat16(), torch.empty(0)]
    assert len({of(tensor) for tensor in different}) == len(different)
    assert of(numbers.reshape(2, 3).T) == of(numbers.reshape(2, 3).T.contiguous())
    assert of(torch.tensor(1.0)) == of(torch.tensor(1.0))


def test_the_order_of_keys_does_not_matter() -> None:
    assert fingerprint.of_json({"a": 1, "b": [2]}) == fingerprint.of_json({"b": [2], "a": 1})
    assert fingerprint.of_json({"a": 1}) != fingerprint.of_json({"a": 2})


def module_of(path: Path, source: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    path.write_text(source)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(__import__("sys").modules, path.stem, module)
    spec.loader.exec_module(module)
    return module


SOURCE = "class Base: pass\nclass Thing(Base):\n    def pool(self): pass\ndef pool(): pass\n"


def test_code_is_the_file_in_which_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = module_of(tmp_path / "one.py", SOURCE, monkeypatch)
    known = fingerprint.of_code(one)
    same = [one.pool, functools.partial(one.pool), one.Thing, one.Thing(), one.Thing().pool]
    assert {fingerprint.of_code(thing) for thing in same} == {known}
    (tmp_path / "one.py").write_text(SOURCE + "# changed\n")
    assert fingerprint.of_code(one.pool) != known


def test_code_includes_the_files_of_base_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module_of(tmp_path / "base_of_two.py", "class Base: pass\n", monkeypatch)
    two = module_of(tmp_path / "two.py", "import base_of_two\nclass Thing(base_of_two.Base): pass\n", monkeypatch)
    known = fingerprint.of_code(two.Thing)
    (tmp_path / "base_of_two.py").write_text("class Base: x = 1\n")
    assert fingerprint.of_code(two.Thing) != known


def test_code_without_a_file_is_its_byte_code() -> None:
    spaces = [{"__name__": "nowhere"} for _ in range(3)]
    for space, body in zip(spaces, ("1", "1", "2"), strict=True):
        exec(f"def f(): return {body}\nclass C:\n    def m(self): return {body}", space)  # noqa: S102
    assert fingerprint.of_code(spaces[0]["f"]) == fingerprint.of_code(spaces[1]["f"])
    assert fingerprint.of_code(spaces[0]["f"]) != fingerprint.of_code(spaces[2]["f"])
    assert fingerprint.of_code(spaces[0]["C"]) != fingerprint.of_code(spaces[2]["C"])
