"""A program, and what it was bound to, so that one that is out of date is noticed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from torch import nn

from bmnas.compiler.program import Program


class Binding:
    """A program that holds modules or tensors of a module.

    Args:
        owner: the module that runs the program.
        program: the program.
        places: the places in the owner where what the program holds came from.
    """

    def __init__(self, owner: nn.Module, program: Program, places: Iterable[tuple[Mapping[str, Any], str]]) -> None:
        self.program = program
        self._owner = id(owner)
        self._held = [(place, name, place[name]) for place, name in places]

    def is_of(self, owner: nn.Module) -> bool:
        """Whether nothing was replaced since, and the owner is no copy (of a copy, the weights are others)."""
        return self._owner == id(owner) and all(place.get(name) is held for place, name, held in self._held)


def places_of(root: nn.Module, paths: Iterable[str]) -> list[tuple[Mapping[str, Any], str]]:
    """Where in a module the submodules of those paths are, and all in between."""
    found: dict[tuple[int, str], tuple[Mapping[str, Any], str]] = {}
    for path in paths:
        at = root
        for name in path.split("."):
            found[id(at), name] = (at._modules, name)
            at = at.get_submodule(name)
    return list(found.values())
