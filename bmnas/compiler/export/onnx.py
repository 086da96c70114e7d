"""The target ``onnx``: inputs named as the features, one output named ``output``, any batch size.

The names of a genotype are data in the file, whatever characters they have. Where an input is called ``output``, the
output is called ``output_``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bmnas.compiler.export.subject import Subject
from bmnas.errors import BmnasError

# Protobuf, the container of ONNX, has no larger messages.
_LARGEST = 2**31 - 1
_ADAPTIVE_MAX_POOLS = (torch.ops.aten.adaptive_max_pool1d.default, torch.ops.aten.adaptive_max_pool2d.default)


def write(subject: Subject, path: Path) -> None:
    """Write the network as ONNX, from its `torch.export` program.

    Raises:
        BmnasError: the network is larger than an ONNX file can be.
    """
    size = sum(tensor.numel() * tensor.element_size() for tensor in subject.network.state_dict().values())
    if size > _LARGEST:
        raise BmnasError(f"the weights have {size / 2**30:.1f} GiB, and an ONNX file at most 2; export to pt2")
    program = subject.program.run_decompositions(dict.fromkeys(_ADAPTIVE_MAX_POOLS, _max_pool))
    converted = torch.onnx.export(program, dynamo=True, verbose=False)
    assert converted is not None
    model = converted.model_proto
    inputs = list(subject.example)
    _rename(model.graph, _new_names(model.graph, inputs))
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    _tidy(model.graph)
    path.write_bytes(model.SerializeToString())


def load(path: Path) -> Callable[[Mapping[str, Tensor]], Tensor]:
    """What ONNX Runtime computes from a file, on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what matters is raised as well
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def run(features: Mapping[str, Tensor]) -> Tensor:
        (out,) = session.run(None, {name: tensor.detach().cpu().numpy() for name, tensor in features.items()})
        return torch.from_numpy(out)

    return run


def _max_pool(x: Tensor, output_size: list[int]) -> tuple[Tensor, Tensor]:
    """Adaptive max pooling, which ONNX lacks, as the maxima of slices: axis by axis, for sizes known when traced."""
    for axis, size in enumerate(output_size, x.dim() - len(output_size)):
        length = x.shape[axis]
        windows = [(i * length // size, -(-(i + 1) * length // size)) for i in range(size)]
        x = torch.cat([x.narrow(axis, start, end - start).amax(axis, keepdim=True) for start, end in windows], axis)
    return x, torch.zeros_like(x, dtype=torch.int64)  # where the maxima were, which nobody asks


def _new_names(graph: Any, inputs: list[str]) -> dict[str, str]:
    """Old name -> new name, for inputs and output, and for whatever has a name that one of them now needs."""
    # The order of the inputs is that of the example.
    renamed = dict(zip([value.name for value in graph.input], inputs, strict=True))
    output = "output"
    while output in inputs:
        output += "_"
    (result,) = graph.output
    renamed[result.name] = output
    wanted, known = set(renamed.values()), set(_names(graph))
    for name in sorted(known & wanted - renamed.keys()):
        other = f"{name}_"
        while other in known | wanted:
            other += "_"
        renamed[name] = other
        known.add(other)
    return renamed


def _names(graph: Any) -> Iterable[str]:
    for value in (*graph.input, *graph.output, *graph.initializer):
        yield value.name
    for node in graph.node:
        yield from (*node.input, *node.output)
        for inner in _subgraphs(node):
            yield from _names(inner)


def _rename(graph: Any, renamed: Mapping[str, str]) -> None:
    for value in (*graph.input, *graph.output, *graph.initializer):
        value.name = renamed.get(value.name, value.name)
    for node in graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        node.output[:] = [renamed.get(name, name) for name in node.output]
        for inner in _subgraphs(node):
            _rename(inner, renamed)


def _tidy(graph: Any) -> None:
    """Leave out what tells of the making: traces of calls, names of classes, shapes on the way."""
    del graph.value_info[:]
    for each in (graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        del each.metadata_props[:]
        each.doc_string = ""
    for node in graph.node:
        for inner in _subgraphs(node):
            _tidy(inner)


def _subgraphs(node: Any) -> Iterable[Any]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs
