"""What a lowering writes with: adds primitives to a plan, one method for each."""

from __future__ import annotations

from bmnas.compiler.plan import primitives as p
from bmnas.compiler.plan.plan import Id, Op
from bmnas.genotype.graph import Node


class Builder:
    """Adds the primitives of one block.

    Args:
        place: the genotype's node that they belong to.
        weights: name of the submodule that holds the block's weights.
        id: the beginning of their ids; if left out, the place.
    """

    def __init__(self, place: Node, weights: str, id: Id | None = None) -> None:
        self.place, self.weights = place, weights
        self.id = place if id is None else id
        self.ops: list[Op] = []
        self._taken: set[Id] = set()

    def add(self, primitive: p.Primitive, *reads: Id, name: str, weights: bool = False) -> Id:
        """Add any primitive; ``name`` is that of its submodule if it has weights, and part of its id."""
        id = (*self.id, name)
        number = 2
        while id in self._taken:
            id, number = (*self.id, f"{name}_{number}"), number + 1
        self._taken.add(id)
        own = (f"{self.weights}.{name}" if self.weights else name,) if weights else ()
        self.ops.append(Op(id, primitive, reads, self.place, own))
        return id

    def conv(self, x: Id, channels: int, name: str = "conv", *, bias: bool = True) -> Id:
        """A 1x1 convolution to that many channels."""
        return self.add(p.Conv(channels, bias), x, name=name, weights=True)

    def batch_norm(self, x: Id, name: str = "bn") -> Id:
        """Batch norm."""
        return self.add(p.BatchNorm(), x, name=name, weights=True)

    def layer_norm(self, x: Id, name: str = "ln") -> Id:
        """Layer norm over (C, L)."""
        return self.add(p.LayerNorm(), x, name=name, weights=True)

    def linear(self, x: Id, outputs: int, name: str, *, zero: bool = False) -> Id:
        """A linear layer on a flat node; ``zero``: it begins as that."""
        return self.add(p.Linear(outputs, zero), x, name=name, weights=True)

    def scale(self, x: Id, name: str = "scale") -> Id:
        """The channels by statistics of the training split."""
        return self.add(p.Scale(), x, name=name, weights=True)

    def mean_position(self, x: Id) -> Id:
        """The mean over positions: a flat node."""
        return self.add(p.MeanPosition(), x, name="mean")

    def dropout(self, x: Id, rate: float, name: str = "dropout") -> Id:
        """Dropout."""
        return self.add(p.Dropout(rate), x, name=name, weights=True)

    def relu(self, x: Id) -> Id:
        """max(x, 0)."""
        return self.add(p.Relu(), x, name="relu")

    def sigmoid(self, x: Id) -> Id:
        """The logistic function."""
        return self.add(p.Sigmoid(), x, name="sigmoid")

    def tanh(self, x: Id) -> Id:
        """The hyperbolic tangent."""
        return self.add(p.Tanh(), x, name="tanh")

    def glu(self, x: Id) -> Id:
        """The first half of the channels, times the sigmoid of the second."""
        return self.add(p.Glu(), x, name="glu")

    def concat(self, *nodes: Id) -> Id:
        """The nodes one after the other along the channels; a single one as it is."""
        return nodes[0] if len(nodes) == 1 else self.add(p.Concat(), *nodes, name="concat")

    def sum(self, *nodes: Id) -> Id:
        """The sum of the nodes."""
        return self.add(p.Add(), *nodes, name="sum")

    def product(self, *nodes: Id) -> Id:
        """The product of the nodes, element by element."""
        return self.add(p.Multiply(), *nodes, name="product")

    def maximum(self, *nodes: Id) -> Id:
        """The greatest of the nodes, element by element."""
        return self.add(p.Maximum(), *nodes, name="maximum")

    def divide(self, x: Id, by: int) -> Id:
        """x / by."""
        return self.add(p.Divide(by), x, name="divide")

    def complement(self, x: Id) -> Id:
        """1 - x."""
        return self.add(p.Complement(), x, name="complement")

    def zeros(self, like: Id) -> Id:
        """Zeros in the shape of that node."""
        return self.add(p.Zeros(), like, name="zeros")

    def attend(self, query: Id, key: Id, value: Id, heads: int = 1) -> Id:
        """Scaled dot-product attention (Eq. 6)."""
        return self.add(p.Attend(heads), query, key, value, name="attention")
