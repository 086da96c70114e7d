"""Which nodes of a torch.fx graph matter to some of them, where operations work in place.

The dead code elimination of torch.fx looks at results alone: it drops ``self.relu(x)`` with ``inplace=True`` where the
code goes on with ``x``.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable

from torch import fx, nn

# What these return shares no memory with what they get.
_FRESH = (nn.modules.conv._ConvNd, nn.Linear, nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.Embedding)


def live_nodes(graph: fx.Graph, wanted: Iterable[fx.Node], backbone: nn.Module) -> set[fx.Node]:
    """The wanted nodes, what they read, and what changes that in place.

    Args:
        backbone: has the modules that the graph calls.
    """
    alive: set[fx.Node] = set()
    _revive(wanted, alive)
    effects = [node for node in graph.nodes if _has_effect(node, backbone)]
    while late := [node for node in effects if node not in alive and _touched(node, backbone) & alive]:
        _revive(late, alive)
    return alive


def _revive(nodes: Iterable[fx.Node], alive: set[fx.Node]) -> None:
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if node not in alive:
            alive.add(node)
            waiting += node.all_input_nodes


def _touched(effect: fx.Node, backbone: nn.Module) -> set[fx.Node]:
    """The nodes whose memory an effect may change: what it reads, and of what that may be a view."""
    touched: set[fx.Node] = set()
    waiting = list(effect.all_input_nodes)
    while waiting:
        node = waiting.pop()
        if node not in touched:
            touched.add(node)
            if node.op != "call_module" or not isinstance(backbone.get_submodule(str(node.target)), _FRESH):
                waiting += node.all_input_nodes
    return touched


def _has_effect(node: fx.Node, backbone: nn.Module) -> bool:
    """Whether a node may change what others read."""
    if node.op == "call_module":
        return bool(getattr(backbone.get_submodule(str(node.target)), "inplace", False))
    if node.op not in ("call_function", "call_method"):
        return False
    if node.kwargs.get("inplace") or node.kwargs.get("out") is not None or node.target is operator.setitem:
        return True
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
    augmented = node.op == "call_function" and name in ("iadd", "isub", "imul", "itruediv", "ipow")
    return augmented or (name.endswith("_") and not name.endswith("__")) or (name != "dropout" and node.is_impure())
