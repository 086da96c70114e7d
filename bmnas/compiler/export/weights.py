"""Trained weights into a network: strictly by name; a refusal says which parameter does not fit, and where it is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from bmnas.compiler.network import FusionNetwork
from bmnas.compiler.passes import plan_for_training
from bmnas.compiler.plan.names import module_names, where, within_member
from bmnas.compiler.plan.primitives import Dropout
from bmnas.errors import BmnasError
from bmnas.files import reason
from bmnas.genotype import Genotype, loads

_ELSEWHERE = "these may be the weights of another genotype"


def load_weights(network: FusionNetwork, path: str | os.PathLike[str]) -> None:
    """Replace a network's parameters and buffers by those of a safetensors file, as a search or a training writes it.

    Args:
        network: a compiled network; it is as it was if anything does not fit.
        path: of the file.

    Raises:
        BmnasError: the file cannot be read, a parameter is missing, additional, of another shape or not of
            floating-point numbers, or the file says that it belongs to a genotype that computes something else.
    """
    path = Path(path)
    tensors, metadata = _read(path)
    problem = _misfit(network, tensors) or _other_genotype(network.genotype, metadata.get("genotype"))
    if problem is not None:
        raise BmnasError(f"{path}: {problem}")
    network.load_state_dict(tensors)


def _read(path: Path) -> tuple[dict[str, Tensor], Mapping[str, str]]:
    from safetensors import SafetensorError, safe_open

    try:
        with path.open("rb"):  # for the operating system's words about what is wrong
            pass
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except OSError as error:
        raise BmnasError(f"{path}: cannot be read: {reason(error)}") from error
    except SafetensorError as error:
        raise BmnasError(f"{path}: is not a safetensors file of weights: {error}") from error


def _misfit(network: FusionNetwork, tensors: Mapping[str, Tensor]) -> str | None:
    expected = network.state_dict()
    for name, own in expected.items():
        needs = f"{_place(network.genotype, name)} needs"
        if name not in tensors:
            return f"has no {name!r}, which {needs} with shape {tuple(own.shape)}; {_ELSEWHERE}"
        found = tensors[name]
        if found.shape != own.shape:
            return f"has {name!r} with shape {tuple(found.shape)}, but {needs} {tuple(own.shape)}; {_ELSEWHERE}"
        if not found.is_floating_point():
            return f"has {name!r} as {str(found.dtype).removeprefix('torch.')}, but {needs} floating-point numbers"
    for name, found in tensors.items():
        if name not in expected:
            return (
                f"has {name!r} with shape {tuple(found.shape)}, for which {_place(network.genotype, name)} has no "
                f"parameter; {_ELSEWHERE}"
            )
    return None


def _other_genotype(genotype: Genotype, text: str | None) -> str | None:
    """The same names and shapes can belong to networks that compute other things, as Sum and Mul do."""
    if text is None:
        return None
    try:
        trained = loads(text)
    except BmnasError:
        return None
    try:
        ours, theirs = (_meaning(each) for each in (genotype, trained))
    except BmnasError:
        return None
    if ours == theirs:
        return None
    return f"has the weights of another genotype, {trained.name!r}; with the same parameters it computes something else"


def _meaning(genotype: Genotype) -> dict[object, object]:
    """What is computed with which parameters, by the names that these have. Not the canonical form: weights go by name.

    Dropout does not act any more once weights are trained.
    """
    plan = plan_for_training(genotype)
    ops: dict[object, object] = {
        op.id: (Dropout if isinstance(op.primitive, Dropout) else op.primitive, op.reads, op.weights) for op in plan
    }
    return {**ops, "output": plan.output}


def _place(genotype: Genotype, parameter: str) -> str:
    """Where in the genotype a parameter belongs, in words: ``cells[0].steps[1] ('Step_2', LinearGLU)``."""
    if genotype.members > 1:
        parameter = within_member(parameter)
    for node, module in module_names(genotype).items():
        if parameter.startswith(f"{module}."):
            if node[0] == "output":
                return "the head" if parameter.startswith("output.head.") else "the output"
            return f"the output of {where(genotype, node)}" if node[0] == "cell" else where(genotype, node)
    return "the genotype"
