"""What a genotype of the released BM-NAS code says, as frozen values that are valid or do not exist.

The released code numbers its nodes. Of J features and N cells, 0 to J-1 are the features and J to J+N-1 the cells;
inside a cell, 0 is x, 1 is y, 2 the first step. Every cell and every step reads two earlier nodes, and every cell has
the same number of steps. J is written nowhere: it follows from ``concat``, whose last number is the last cell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bmnas.errors import GenotypeError, did_you_mean, short

LIMIT = 64 * 2**10  # bytes, or characters; the released code writes one to two thousand
TOO_LARGE = "is larger than 64 KiB, too large for a genotype of the released code"

FEATURES, CELLS, STEPS = 4096, 256, 256  # the greatest numbers of them, as in `schema.py`

# The names in the released code, and ours.
OPERATIONS: Mapping[str, str] = {
    "Sum": "Sum",
    "ScaleDotAttn": "Attention",
    "LinearGLU": "LinearGLU",
    "ConcatFC": "ConcatFC",
}

# What the released code called them before: its older genotypes, and its notebook, have these names.
OLDER_NAMES: Mapping[str, str] = {
    "sum": "Sum",
    "scale_dot_attn": "ScaleDotAttn",
    "cat_conv_glu": "LinearGLU",
    "cat_conv_relu": "ConcatFC",
}

EDGE = "skip"  # the only edge that the released code derives


@dataclass(frozen=True)
class OfficialCell:
    """One cell: what the released code calls StepGenotype.

    Attributes:
        inner_edges: two nodes of the cell for each step.
        inner_steps: the operation of each step; an older name becomes the present one.
        inner_concat: the nodes that the cell puts out, as the search wrote them down. The released code does not read
            them: how many of the last nodes it takes, it is told on its command line (``--node_multiplier``).

    Raises:
        GenotypeError: these are not the parts of a cell.
    """

    inner_edges: tuple[int, ...]
    inner_steps: tuple[str, ...]
    inner_concat: tuple[int, ...]

    def __post_init__(self) -> None:
        names = tuple(OLDER_NAMES.get(name, name) for name in self.inner_steps)
        object.__setattr__(self, "inner_steps", names)
        steps = len(names)
        if not 1 <= steps <= STEPS:
            raise GenotypeError(f"inner_steps has {steps} names, but a cell has 1 to {STEPS} steps")
        for i, name in enumerate(names):
            if name not in OPERATIONS:
                hint = did_you_mean(name, OPERATIONS)
                raise GenotypeError(f"inner_steps[{i}] is {short(name)}, which the released code does not have{hint}")
        _two_for_each(self.inner_edges, "inner_edges", steps, "step")
        for i, node in enumerate(self.inner_edges):
            _within(node, 2 + i // 2, f"inner_edges[{i}]", f"step {i // 2} reads nodes")
        if len(self.inner_concat) > steps + 2:
            raise GenotypeError(f"inner_concat has {len(self.inner_concat)} nodes, but the cell has {steps + 2}")
        for i, node in enumerate(self.inner_concat):
            _within(node, 2 + steps, f"inner_concat[{i}]", "the cell has nodes")

    def __str__(self) -> str:
        return (
            f"StepGenotype(inner_edges={_edges_text(self.inner_edges)}, inner_steps={list(self.inner_steps)}, "
            f"inner_concat={list(self.inner_concat)})"
        )


@dataclass(frozen=True)
class OfficialGenotype:
    """A genotype of the released code; ``str`` of it is the text that the released code prints.

    Attributes:
        edges: two nodes for each cell: features, or earlier cells.
        steps: the cells.
        concat: the cells that form the network's output: the last ones.

    Raises:
        GenotypeError: these are not the parts of a genotype.
    """

    edges: tuple[int, ...]
    steps: tuple[OfficialCell, ...]
    concat: tuple[int, ...]

    def __post_init__(self) -> None:
        cells = len(self.steps)
        if not 1 <= cells <= CELLS:
            raise GenotypeError(f"steps has {cells} cells, but a genotype of the released code has 1 to {CELLS}")
        count = len(self.steps[0].inner_steps)
        for i, cell in enumerate(self.steps):
            if len(cell.inner_steps) != count:
                raise GenotypeError(
                    f"steps[{i}].inner_steps has {len(cell.inner_steps)} names, but steps[0].inner_steps has {count}: "
                    "the released code gives every cell as many steps"
                )
        _two_for_each(self.edges, "edges", cells, "cell")
        self._ends_with_the_last_cell()
        for i, node in enumerate(self.edges):
            _within(node, self.features + i // 2, f"edges[{i}]", f"cell {i // 2} reads nodes")

    @property
    def features(self) -> int:
        """J, the number of features."""
        return self.concat[-1] + 1 - len(self.steps)

    def _ends_with_the_last_cell(self) -> None:
        cells, size = len(self.steps), len(self.concat)
        if not 1 <= size <= cells:
            raise GenotypeError(f"concat has {size} numbers, but it names 1 to {cells} cells")
        if not 1 <= self.features <= FEATURES:
            raise GenotypeError(
                f"concat ends with {short(self.concat[-1])}, which is the number of the last cell: of {cells} cells "
                f"after 1 to {FEATURES} features it would be {cells} to {FEATURES + cells - 1}"
            )
        first = self.concat[-1] + 1 - size
        for i, node in enumerate(self.concat):
            if node != first + i:
                raise GenotypeError(
                    f"concat[{i}] is {short(node)}, but the released code puts out its last cells in their order, "
                    f"here {list(range(first, first + size)) if size <= 8 else f'{first} to {first + size - 1}'}"
                )

    def __str__(self) -> str:
        steps = ", ".join(map(str, self.steps))
        return f"Genotype(edges={_edges_text(self.edges)}, steps=[{steps}], concat={list(self.concat)})"


def _two_for_each(edges: Sequence[int], place: str, count: int, what: str) -> None:
    if len(edges) != 2 * count:
        raise GenotypeError(f"{place} has length {len(edges)}, but it should be {2 * count}: two for each {what}")


def _within(node: int, limit: int, place: str, who: str) -> None:
    if not 0 <= node < limit:
        raise GenotypeError(f"{place} is {short(node)}, but {who} 0 to {limit - 1}")


def _edges_text(edges: Sequence[int]) -> str:
    return str([(EDGE, node) for node in edges])
