"""An encoder-decoder network as a file for other programs: pt2 (torch.export) or ONNX.

Batch and number of regions are free, up to the genotype's length. A text has the genotype's length, with zeros behind
its last word, because an exported LSTM has a fixed number of steps. An exported file is run on inputs of other sizes
than those it was traced with, and compared with the network, before it is put in place.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bmnas.compiler.stacks.network import StackNetwork
from bmnas.errors import BmnasError, did_you_mean
from bmnas.files import write_atomically

TARGETS = ("pt2", "onnx")
TOLERANCE = 1e-4


@dataclass(frozen=True)
class ExportedStacks:
    """What was exported.

    Attributes:
        file: the file.
        target: ``"pt2"`` or ``"onnx"``.
        size: of the file, in bytes.
        difference: the greatest one between its outputs and the network's, on random inputs.
        tolerance: the greatest one that is allowed.
        inputs: names of its inputs, in their order.
    """

    file: Path
    target: str
    size: int
    difference: float
    tolerance: float
    inputs: tuple[str, ...]


class _Positional(nn.Module):
    """The network with its inputs in their order, as exports have them."""

    def __init__(self, network: StackNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, *tensors: Tensor) -> Tensor:
        out: Tensor = self.network(dict(zip(self.network.inputs, tensors, strict=True)))
        return out


def export_stacks(network: StackNetwork, path: Path, target: str) -> ExportedStacks:
    """Export a network; an existing file is replaced in one step.

    Args:
        network: what is exported, in eval mode.
        path: the file.
        target: ``"pt2"`` or ``"onnx"``.

    Raises:
        BmnasError: there is no such target, its packages are missing, or the file computes something else.
    """
    if target not in TARGETS:
        raise BmnasError(
            f"an encoder-decoder network is exported to {' or '.join(TARGETS)}{did_you_mean(target, TARGETS)}"
        )
    was_training = network.training
    network.eval()
    try:
        module, example = _Positional(network), tuple(random_inputs(network, 3, 0).values())
        content = _pt2(module, example, network) if target == "pt2" else _onnx(module, example, network)
        difference = max(_difference(network, content, target, seed) for seed in (1, 2))
    finally:
        network.train(was_training)
    if not difference <= TOLERANCE:
        raise BmnasError(f"{path}: the exported file differs from the network by {difference:.1e}, so it is not kept")
    write_atomically(path, content)
    return ExportedStacks(path, target, len(content), difference, TOLERANCE, network.inputs)


def random_inputs(network: StackNetwork, batch: int, seed: int) -> dict[str, Tensor]:
    """Inputs of a network with padding, of lengths that depend on the seed."""
    generator = torch.Generator().manual_seed(seed)
    genotype = network.genotype
    found: dict[str, Tensor] = {}
    for name in network.inputs:
        if name.endswith(".boxes") and name.removesuffix(".boxes") in found:
            regions = found[name.removesuffix(".boxes")]
            corner = torch.rand(*regions.shape[:2], 2, generator=generator) * 100
            size = torch.rand(*regions.shape[:2], 2, generator=generator) * 50 + 1
            found[name] = torch.cat([corner, corner + size], -1)
            continue
        each = genotype.input(name)
        # A text has all its positions in an export.
        length = each.length if each.tokens is not None else max(1, each.length - seed)
        there = torch.arange(length) < torch.randint(1, length + 1, (batch, 1), generator=generator)
        there[0] = True  # of one sample all is there, so that nothing is cut off
        if each.tokens is not None:
            words = torch.randint(1, max(2, each.vocabulary or 2), (batch, length), generator=generator)
            found[name] = words.clamp(max=max(0, (each.vocabulary or 1) - 1)) * there
        else:
            values = torch.randn(batch, length, each.channels or 1, generator=generator)
            found[name] = values * there[..., None]
    return found


def _dynamic(network: StackNetwork) -> list[dict[int, Any]]:
    batch = torch.export.Dim("batch", min=1, max=65_536)
    lengths: dict[str, Any] = {}
    found = []
    for name in network.inputs:
        own = name.removesuffix(".boxes")
        if own not in lengths:
            each = network.genotype.input(own)
            free = each.tokens is None and each.length > 1
            lengths[own] = torch.export.Dim(f"length{len(lengths)}", min=1, max=each.length) if free else None
        found.append({0: batch, **({1: lengths[own]} if lengths[own] is not None else {})})
    return found


def _exported(module: nn.Module, example: tuple[Tensor, ...], network: StackNetwork) -> Any:
    return torch.export.export(module, example, dynamic_shapes=(tuple(_dynamic(network)),), strict=False)


def _pt2(module: nn.Module, example: tuple[Tensor, ...], network: StackNetwork) -> bytes:
    buffer = io.BytesIO()
    torch.export.save(_exported(module, example, network), buffer)
    return buffer.getvalue()


def _onnx(module: nn.Module, example: tuple[Tensor, ...], network: StackNetwork) -> bytes:
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError:
        raise BmnasError("ONNX needs further packages: pip install 'bmnas[onnx]'") from None
    names = [name.replace(".", "_") for name in network.inputs]
    program = torch.onnx.export(
        _exported(module, example, network), dynamo=True, input_names=names, output_names=["output"], verbose=False
    )
    assert program is not None
    return bytes(program.model_proto.SerializeToString())


def _difference(network: StackNetwork, content: bytes, target: str, seed: int) -> float:
    inputs = random_inputs(network, 2 + seed, seed)
    with torch.no_grad():
        wanted = network(inputs)
        found = _run(content, target, inputs)
    return float((found - wanted).abs().max()) if found.shape == wanted.shape else float("inf")


def _run(content: bytes, target: str, inputs: Mapping[str, Tensor]) -> Tensor:
    if target == "pt2":
        out: Tensor = torch.export.load(io.BytesIO(content)).module()(*inputs.values())
        return out
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    given = {each.name: value.numpy() for each, value in zip(session.get_inputs(), inputs.values(), strict=True)}
    return torch.from_numpy(session.run(None, given)[0])
