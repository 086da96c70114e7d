"""The target ``py``: one readable Python file that needs torch alone, and its weights beside it (``.pt``).

The weights are a state dict that ``torch.load(path, weights_only=True)`` reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import torch
from torch import Tensor

from bmnas.compiler.export.subject import Subject
from bmnas.compiler.network import FusionNetwork
from bmnas.compiler.source import to_source
from bmnas.errors import BmnasError

WEIGHTS = ".pt"


def write(subject: Subject, path: Path) -> None:
    """Write the network's source, and its weights beside it.

    Raises:
        BmnasError: the module is no compiled network, or a step's operation is from outside the package.
    """
    network = subject.network
    if not isinstance(network, FusionNetwork):
        raise BmnasError(f"a {type(network).__name__} cannot be written as source, only a compiled network can")
    path.write_text(to_source(network.genotype), encoding="utf-8", newline="\n")
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    torch.save(state, path.with_suffix(WEIGHTS))


def load(path: Path) -> Callable[[Mapping[str, Tensor]], Tensor]:
    """What the source computes with the weights beside it. Runs the file: only for what was made here."""
    spec = spec_from_file_location("bmnas_exported", path)
    assert spec is not None and spec.loader is not None, "it has the suffix of a Python file"
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    network: torch.nn.Module = module.load(path.with_suffix(WEIGHTS))

    def run(features: Mapping[str, Tensor]) -> Tensor:
        with torch.no_grad():
            out: Tensor = network(features)
        return out

    return run
