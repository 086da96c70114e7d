"""The plan of a network: what is computed, from what, in which order. Plain values without torch.

A plan begins as the genotype's own nodes (blocks) and ends, after the passes of `bmnas.compiler.passes`, as
primitives; every pass gives a new plan. `Plan.graph` is the networkx view that passes and tools walk.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from bmnas.compiler.plan.names import member_module
from bmnas.compiler.plan.primitives import Input, Primitive, Shape
from bmnas.genotype.graph import Node

if TYPE_CHECKING:
    import networkx as nx

Id = tuple[str, ...]
"""A node of `bmnas.genotype.graph`, or something inside it: ``("step", "Cell_1", "Step_1", "conv")``."""


@dataclass(frozen=True)
class Op:
    """One computation.

    Attributes:
        id: what others read it by.
        primitive: what is computed.
        reads: ids of what it reads, in order; each comes earlier in the plan.
        place: the node of the genotype's graph that it belongs to.
        weights: where its tensors are, as names of submodules of a `FusionNetwork`; several where some were merged.
        shape: of its result, for one sample; ``()`` until the pass that infers it.
    """

    id: Id
    primitive: Primitive
    reads: tuple[Id, ...]
    place: Node
    weights: tuple[str, ...] = ()
    shape: Shape = ()

    def name(self) -> str:
        """For people: ``Cell_1 / Step_1 / conv``."""
        return in_words(self.id)


@dataclass(frozen=True)
class Plan:
    """Ops in an order in which they can be computed.

    Attributes:
        ops: the ops.
        output: the id of the result.
    """

    ops: tuple[Op, ...]
    output: Id

    def __iter__(self) -> Iterator[Op]:
        return iter(self.ops)

    def __len__(self) -> int:
        return len(self.ops)

    def __getitem__(self, id: Id) -> Op:
        return self._by_id[id]

    def shapes_read(self, op: Op) -> list[Shape]:
        """The shapes of what an op reads."""
        return [self._by_id[id].shape for id in op.reads]

    def readers(self) -> dict[Id, list[Op]]:
        """The ops that read each op, once for each time."""
        found: dict[Id, list[Op]] = {op.id: [] for op in self.ops}
        for op in self.ops:
            for id in op.reads:
                found[id].append(op)
        return found

    @cached_property
    def graph(self) -> nx.DiGraph:
        """The plan along the flow of the data; the node attribute ``op`` is the `Op`."""
        import networkx as nx

        graph = nx.DiGraph()
        for op in self.ops:
            graph.add_node(op.id, op=op)
            graph.add_edges_from((id, op.id) for id in op.reads)
        return graph

    @cached_property
    def _by_id(self) -> dict[Id, Op]:
        return {op.id: op for op in self.ops}


_MEMBER = "member"


def of_member(number: int, id: Id) -> Id:
    """The id, in an ensemble's member of that number, of what a single network calls ``id``."""
    return _MEMBER, str(number), *id


def in_words(id: Id) -> str:
    """An id for people: ``Cell_1 / Step_1 / conv``, ``output / head``; of a member, ``members.0 / output / head``."""
    if id[0] == _MEMBER:
        return f"{member_module(int(id[1]))} / {in_words(id[2:])}"
    return " / ".join(id if id[0] == "output" else id[1:])


def rewired(ops: Iterable[Op], instead: dict[Id, Id], output: Id) -> Plan:
    """A plan of those ops, in which what stands in ``instead`` is read by its other id."""
    from dataclasses import replace

    new = tuple(
        replace(op, reads=tuple(instead.get(id, id) for id in op.reads))
        if any(id in instead for id in op.reads)
        else op
        for op in ops
    )
    return Plan(new, instead.get(output, output))


def between(plan: Plan, given: Collection[Id], output: Id) -> Plan:
    """What is left to compute of an output, where the results of some ops are given: they are inputs, in their order.

    Other inputs that it needs stay what they are.
    """
    used, ops = {output}, []
    for op in reversed(plan.ops):
        if op.id not in used:
            continue
        if op.id in given:
            op = Op(op.id, Input(*op.shape), (), op.place, (), op.shape)
        used.update(op.reads)
        ops.append(op)
    return Plan(tuple(reversed(ops)), output)
