"""The target ``pt2``: a program of `torch.export`. ``torch.export.load(path).module()`` takes the features by name,
as a dict in the order of the genotype: torch's own check of sizes refuses another order where sizes differ.

Files written here hold no pickle: neither example inputs nor other objects, only tensors and JSON. `torch.export.load`
would unpickle one from any other file, so load only files that you made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bmnas.compiler.export.subject import Subject
from bmnas.errors import BmnasError


def write(subject: Subject, path: Path) -> None:
    """Write the network's program, traced with any batch size.

    Raises:
        BmnasError: a name has quotes or a backslash, which torch would write into source as they are.
    """
    for name, key in subject.keys.items():
        if name != key and set(name) & set("'\"\\"):
            raise BmnasError(
                f"the input {name!r} has a quote or a backslash in its name, and a .pt2 file with such a name could "
                "run it as code; rename it, or export to onnx"
            )
    with path.open("wb") as file:
        torch.export.save(subject.program, file)


def load(path: Path) -> Callable[[Mapping[str, Tensor]], Tensor]:
    """What the program in a file computes. Only for files that were made here: loading may run code."""
    with path.open("rb") as file:
        program = torch.export.load(file)
    module: Any = program.module()
    # A program has it, though torch declares that it may be None.
    taken: Any = program.call_spec.in_spec
    arguments, _ = taken.children()
    order = arguments.child(0).context

    def run(features: Mapping[str, Tensor]) -> Tensor:
        with torch.no_grad():
            out: Tensor = module({name: features[name] for name in order})
        return out

    return run
