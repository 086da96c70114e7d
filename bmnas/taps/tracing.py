"""Cut a backbone after its last tap with torch.fx: what is left is a module that computes the taps and no more."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import fx, nn
from torch.fx.node import map_aggregate, map_arg

from bmnas.taps.copies import twin
from bmnas.taps.fields import parts
from bmnas.taps.hooks import has_own_hooks
from bmnas.taps.liveness import live_nodes
from bmnas.taps.tap import Tap, keep


class NotTraceable(Exception):
    """torch.fx cannot trace a backbone, or what it traced cannot be trusted. The message says why."""


Nodes = dict[str, Any]


def trace(backbone: nn.Module, wanted: Sequence[str] | None = None) -> dict[bool, tuple[fx.Graph, Nodes]]:
    """By mode (training or not), the graph of a backbone and its nodes by name.

    The names are those of torchvision's `get_graph_node_names`, and beside them those of the modules that contain
    others, and ``""``: these stand for what the module returns.

    Args:
        wanted: names; the trace ends when it has all of them, so that what comes later need not be traceable.

    Raises:
        NotTraceable: see there.
    """
    if isinstance(backbone, torch.jit.ScriptModule):
        raise NotTraceable("it is scripted")
    if has_own_hooks(backbone):
        raise NotTraceable("it has forward hooks of its own, which a graph does not show")
    try:
        # A copy, because its code may keep what it computes, and what it computes here are no tensors.
        module = twin(backbone)
        return {training: _trace(module.train(training), wanted) for training in (True, False)}
    except Exception as error:  # what a backbone's own code raises on a proxy, or when it is copied, can be anything
        reason = str(error).strip().split("\n")[0][:200]
        raise NotTraceable(reason or type(error).__name__) from error


def cut(backbone: nn.Module, traced: Mapping[bool, tuple[fx.Graph, Nodes]], taps: Sequence[Tap]) -> nn.Module:
    """A module that returns what comes out at the taps, as a tuple. It shares the backbone's parameters.

    Its submodules and parameters are those of the backbone that the taps need, under the same names.

    Raises:
        KeyError: a tap is no node.
        NotTraceable: what comes out at a tap does not come from the input, as far as the graph shows.
    """
    from torchvision.models.feature_extraction import DualGraphModule

    modes = {name: module.training for name, module in backbone.named_modules()}
    for graph, nodes in traced.values():
        _return(graph, [(nodes[tap.node], tap.item) for tap in taps], backbone)
    module: nn.Module = DualGraphModule(backbone, traced[True][0], traced[False][0], type(backbone).__name__)
    module.train(backbone.training)
    for name, part in module.named_modules():
        part.training = modes[name]
        # Cutting makes every buffer persistent, and the names in a state dict should be the backbone's own.
        part._non_persistent_buffers_set |= backbone.get_submodule(name)._non_persistent_buffers_set & {*part._buffers}
    return module


def _trace(backbone: nn.Module, wanted: Sequence[str] | None) -> tuple[fx.Graph, Nodes]:
    tracer = _Tracer(dict(backbone.named_modules(remove_duplicate=False)), wanted)
    hooks = [
        module.register_forward_hook(partial(tracer.returned, name)) for name, module in tracer.names.items() if name
    ]
    try:
        (output,) = [node for node in tracer.trace(backbone).nodes if node.op == "output"]
        tracer.found[""] = output.args[0]
        tracer.graph.erase_node(output)
    except _Found:
        pass
    finally:
        for hook in hooks:
            hook.remove()
    for node in tracer.graph.nodes:
        # Made while tracing, and from then on always the same: noise, say, or positions for one length.
        if node.op == "get_attr" and str(node.target).startswith("_tensor_constant"):
            raise NotTraceable("its code makes tensors that do not depend on the input")
    return tracer.graph, tracer.found


class _Found(BaseException):
    """A trace has all that is wanted of it."""


class _Tracer(fx.Tracer):
    """Looks into all modules but those of torch.nn and the operations of torchvision, and names the nodes.

    Attributes:
        names: the backbone's submodules by name.
        found: the nodes by name: NAME, NAME_1, NAME_2, ... in the order of the calls.
    """

    def __init__(self, names: Mapping[str, nn.Module] | None = None, wanted: Sequence[str] | None = None) -> None:
        import torchvision

        modules: Any = (math, torchvision.ops)  # some versions of torch declare a tuple of one
        super().__init__(autowrap_modules=modules)
        ops = [op for op in vars(torchvision.ops).values() if isinstance(op, type) and issubclass(op, nn.Module)]
        self._leaves = tuple(op for op in ops if not issubclass(op, nn.Sequential))
        self._calls: Counter[str] = Counter()
        self._wanted = wanted
        self.names, self.found = names or {}, Nodes()

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Whether a call of the module is one node."""
        return isinstance(m, self._leaves) or super().is_leaf_module(m, module_qualified_name)

    def create_proxy(self, kind: str, target: Any, *args: Any, **kwargs: Any) -> fx.Proxy:
        """Name the node too."""
        proxy = super().create_proxy(kind, target, *args, **kwargs)
        if kind == "call_module":
            self._name(str(target), proxy.node)
        else:
            path = next(reversed(proxy.node.meta.get("nn_module_stack") or {"": None})).partition("@")[0]
            # torch.fx numbers the operations of the whole network; within their module they are numbered anew.
            name = f"{path}.".lstrip(".") + re.sub(r"_\d+$", "", proxy.node.name)
            if name not in self.names:
                self._name(name, proxy.node)
        return proxy

    def returned(self, name: str, _module: nn.Module, _inputs: Any, output: Any) -> None:
        """A forward hook of the modules that are looked into."""
        # A dataclass is a dictionary of its fields here: torch.fx looks into nothing that it does not know.
        known: Any = output if isinstance(output, fx.Proxy | tuple | list) else parts(output) or output
        self._name(name, map_aggregate(known, _node_of) if _is_traced(known) else None)

    def _name(self, name: str, node: Any) -> None:
        number = self._calls[name]
        self._calls[name] += 1
        numbered = f"{name}_{number}" if number else name
        if node is not None and (not number or numbered not in self.names):
            self.found[numbered] = node
        if self._wanted is not None and all(name in self.found for name in self._wanted):
            raise _Found


def _is_traced(output: Any) -> bool:
    """Whether there is a proxy in it."""
    found: list[Any] = []
    map_aggregate(output, found.append)
    return any(isinstance(part, fx.Proxy) for part in found)


def _node_of(value: Any) -> Any:
    return value.node if isinstance(value, fx.Proxy) else value


def _return(graph: fx.Graph, tapped: Sequence[tuple[Any, int | str | None]], backbone: nn.Module) -> None:
    """Make the graph return the tapped nodes, and run no further than the last of them."""
    kept = []
    for value, item in tapped:
        sources: list[fx.Node] = []
        map_arg(value, sources.append)
        if not sources:
            raise NotTraceable("its graph does not show where what it returns comes from")
        order = {node: position for position, node in enumerate(graph.nodes)}
        # Right after the node, before a later one works in place on its result.
        with graph.inserting_after(max(sources, key=order.__getitem__)):
            kept.append(graph.call_function(keep, (value, item)))
    for node in reversed(list(graph.nodes)):
        if node in kept:
            break
        if node.op != "placeholder":
            graph.erase_node(node)
    alive = live_nodes(graph, kept, backbone)
    for node in reversed(list(graph.nodes)):
        if node not in alive and node.op != "placeholder":
            graph.erase_node(node)
    graph.output(tuple(kept))
    graph.lint()
