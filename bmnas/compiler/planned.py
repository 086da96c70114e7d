"""A module that executes a plan, and holds the weights of its ops in submodules whose names the plan gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import nn

from bmnas.compiler.binding import Binding, places_of
from bmnas.compiler.plan.plan import Op, Plan
from bmnas.compiler.program import Program, holder
from bmnas.errors import BmnasError


class Holder(nn.Module):
    """A node of the tree of weights. It computes nothing: the network does, which has the plan."""


class PlannedModule(nn.Module):
    """A module with a plan.

    Args:
        plan: with shapes; each op has the weights of at most one submodule.
        seeds: K, or ``None`` where there is no such axis.
        where: what an op is called in messages.

    Raises:
        BmnasError: an operation from outside the package cannot be built.
    """

    def __init__(self, plan: Plan, seeds: int | None = None, where: Callable[[Op], str] = Op.name) -> None:
        super().__init__()
        self.plan = plan
        self._has_seeds = seeds is not None
        self._binding: Binding | None = None
        for op in plan:
            if op.weights:
                try:
                    put(self, op.weights[0], holder(op, plan.shapes_read(op), seeds))
                except BmnasError as error:
                    raise BmnasError(f"{where(op)}: {error}") from error

    def program(self) -> Program:
        """The plan, bound to this module's own submodules."""
        if self._binding is None or not self._binding.is_of(self):
            self._binding = self.bound(self.plan)
        return self._binding.program

    def bound(self, plan: Plan) -> Binding:
        """Any plan with the same weights."""
        modules = {op.id: self.get_submodule(op.weights[0]) for op in plan if op.weights}
        places = places_of(self, (op.weights[0] for op in plan if op.weights))
        return Binding(self, Program(plan, modules, seeds=self._has_seeds), places)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_binding": None}


def put(root: nn.Module, path: str, module: nn.Module) -> None:
    """Make a module the submodule of that name; the ones in between are made, too."""
    *parents, name = path.split(".")
    at = descend(root, parents)
    at.add_module(name, module)


def descend(root: nn.Module, parents: Sequence[str]) -> nn.Module:
    """The submodule of a submodule of ...; made where there is none."""
    for parent in parents:
        if parent not in root._modules:
            root.add_module(parent, Holder())
        child = root._modules[parent]
        assert child is not None
        root = child
    return root
