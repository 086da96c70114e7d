"""What a backbone takes: a tensor, or a dictionary or tuple of them (token ids and attention mask, ...), all alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import Tensor, nn

# A tensor, or a mapping, tuple or list of such; every tensor has the samples along its first axis.
Tree = Any


def leaves(tree: Tree) -> Iterator[tuple[str, Tensor]]:
    """The tensors of a tree with their places, as ``.input_ids`` or ``.0``, in a fixed order.

    Raises:
        TypeError: there is something else in it.
    """
    if isinstance(tree, Tensor):
        yield "", tree
    elif isinstance(tree, Mapping):
        for key in tree:
            yield from ((f".{key}{place}", leaf) for place, leaf in leaves(tree[key]))
    elif isinstance(tree, (tuple, list)):
        for index, item in enumerate(tree):
            yield from ((f".{index}{place}", leaf) for place, leaf in leaves(item))
    else:
        raise TypeError(f"a {type(tree).__name__} is not a tensor, nor a dictionary or tuple of tensors")


def mapped(function: Callable[[Tensor], Tensor], tree: Tree) -> Tree:
    """The same tree with ``function`` applied to every tensor."""
    if isinstance(tree, Mapping):
        return {key: mapped(function, item) for key, item in tree.items()}
    if isinstance(tree, (tuple, list)):
        return type(tree)(mapped(function, item) for item in tree)
    return function(tree)


def call(module: nn.Module, tree: Tree) -> Any:
    """Run a module on a tree: a dictionary as its keyword arguments, a tuple or list as its positional ones."""
    if isinstance(tree, Mapping):
        return module(**tree)
    if isinstance(tree, (tuple, list)):
        return module(*tree)
    return module(tree)
