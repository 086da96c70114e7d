"""What makes the fingerprint of a module another one, and what does not."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from bmnas.tasks.module_fingerprint import add_module


def of(module: nn.Module) -> str:
    digest = hashlib.sha256()
    add_module(digest, module)
    return digest.hexdigest()


class Settings(nn.Module):
    def __init__(self, value: Any) -> None:
        super().__init__()
        self.inner = nn.Identity()
        self.inner.setting = value


@dataclass
class Config:
    layer: int


class Own:
    def __init__(self, layer: int) -> None:
        self.layer = layer
        self.me = self  # a circle


def scaling(factor: float) -> Any:
    return lambda x: x * factor


VALUES = [
    lambda n: n,
    lambda n: f"text {n}",
    lambda n: n / 3,
    lambda n: (1, [n, {"a": {"b": n}}]),
    lambda n: {"x", f"y{n}"},
    lambda n: [torch.float32, torch.float64][n],
    lambda n: np.full(3, n),
    lambda n: np.float32(n),
    lambda n: torch.full((2,), n),
    lambda n: Config(n),
    lambda n: Own(n),
    lambda n: SimpleNamespace(layer=n),
    lambda n: Path(f"file-{n}"),
    lambda n: scaling(n),
    lambda n: [nn.Linear, nn.Conv2d][n],
    lambda n: [nn.ReLU() if n else nn.GELU()],
]


@pytest.mark.parametrize("value", VALUES)
def test_an_attribute_that_is_data_is_a_part_of_it(value: Any) -> None:
    assert of(Settings(value(0))) == of(Settings(value(0)))
    assert of(Settings(value(0))) != of(Settings(value(1)))


def test_what_is_no_data_is_none() -> None:
    assert of(Settings(object())) == of(Settings(object()))
    one, other = nn.Linear(2, 2).train(), None
    other = nn.Linear(2, 2).eval()
    other.load_state_dict(one.state_dict())
    assert of(one) == of(other)


def test_buffers_that_are_not_stored_hooks_and_scripts() -> None:
    def buffered(n: int) -> nn.Module:
        module = nn.Identity()
        module.register_buffer("mask", torch.full((2,), n), persistent=False)
        return module

    def hooked(factor: float) -> nn.Module:
        module = nn.Identity()
        module.register_forward_hook(lambda _, inputs, output: output * factor)
        return module

    def scripted(stride: int) -> nn.Module:
        torch.manual_seed(0)
        return torch.jit.script(nn.Conv2d(1, 1, 3, stride=stride))

    def exported(stride: int) -> nn.Module:
        torch.manual_seed(0)
        return torch.export.export(nn.Conv2d(1, 1, 3, stride=stride), (torch.zeros(2, 1, 8, 8),)).module()

    for made in (buffered, hooked, scripted, exported):
        assert of(made(1)) == of(made(1)), made
        assert of(made(1)) != of(made(2)), made


def test_another_process_finds_the_same() -> None:
    code = (
        "from tests.tasks.test_module_fingerprint import *\n"
        "torch.manual_seed(0)\n"
        "print([of(Settings(value(1))) for value in VALUES], of(torch.jit.script(nn.Linear(2, 2))))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={
                **os.environ,
                "PYTHONHASHSEED": seed,
                "PYTHONPATH": str(Path(__file__).parents[2]),
                "OMP_NUM_THREADS": "1",
            },
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1
