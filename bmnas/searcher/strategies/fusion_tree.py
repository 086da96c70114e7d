"""The networks of DC-NAS: binary trees whose leaves are features and whose inner nodes are operations; as cells.

A feature is in a tree at most once. An inner node becomes a cell of one step, and reads what its two children become.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from bmnas.genotype import Cell, Step

Tree = int | tuple[str, "Tree", "Tree"]
"""A leaf, which is the number of a feature, or an inner node: its operation and what it joins."""

OPERATIONS = ("Sum", "Mul", "ConcatFC", "Max", "Mean")


def random_tree(features: int, most: int, random: Random) -> Tree:
    """A tree of some features, at least two and at most so many, joined two by two until there is one.

    Args:
        features: how many there are to choose from.
        most: leaves of the tree.
        random: draws how many, which, what is joined and by which operation, each of equal chances.
    """
    parts: list[Tree] = [*random.sample(range(features), random.randint(2, min(most, features)))]
    while len(parts) > 1:
        left, right = (parts.pop(random.randrange(len(parts))) for _ in range(2))
        parts.append((random.choice(OPERATIONS), left, right))
    return parts[0]


def crossed(tree: Tree, other: Tree, most: int, random: Random) -> Tree:
    """The first tree with one of its parts replaced by one of the other's; neither part is a whole tree.

    A feature that is there twice then is left out the second time, and so is what is beyond ``most`` leaves. If not two
    features remain, it is the first tree.
    """
    place = random.choice([path for path, _ in _parts(tree) if path])
    graft = random.choice([part for path, part in _parts(other) if path])
    child = _pruned(_replaced(tree, place, graft), set(), most)
    return tree if child is None or isinstance(child, int) else child


def leaves(tree: Tree) -> list[int]:
    """The features of a tree, from left to right."""
    return [part for _, part in _parts(tree) if isinstance(part, int)]


def cells_of(tree: Tree, names: Sequence[str]) -> tuple[Cell, ...]:
    """The inner nodes of a tree as cells, the root last.

    Args:
        tree: has two leaves or more.
        names: of the features.
    """
    cells: list[Cell] = []

    def name_of(part: Tree) -> str:
        if isinstance(part, int):
            return names[part]
        operation, *children = part
        read = tuple(name_of(child) for child in children)
        step = Step(name="Step_1", op=operation, inputs=("x", "y"))
        cells.append(Cell(name=f"Cell_{len(cells) + 1}", inputs=read, steps=(step,), output=("Step_1",)))
        return cells[-1].name

    name_of(tree)
    return tuple(cells)


def tree_of(cells: Sequence[Cell], names: Sequence[str]) -> Tree:
    """The tree that `cells_of` was given.

    Raises:
        ValueError: these are no such cells.
    """
    nodes: dict[str, Tree] = {name: number for number, name in enumerate(names)}
    for cell in cells:
        left, right = (nodes[name] for name in cell.inputs)
        nodes[cell.name] = (cell.steps[0].op, left, right)
    tree = nodes[cells[-1].name]
    if cells_of(tree, names) != tuple(cells):
        raise ValueError("the cells are no tree")
    return tree


Path = tuple[int, ...]  # from the root: 1 to the left, 2 to the right


def _parts(tree: Tree, path: Path = ()) -> Iterator[tuple[Path, Tree]]:
    """All parts of a tree, itself included, with where they are."""
    yield path, tree
    if not isinstance(tree, int):
        yield from _parts(tree[1], (*path, 1))
        yield from _parts(tree[2], (*path, 2))


def _replaced(tree: Tree, path: Path, graft: Tree) -> Tree:
    if not path or isinstance(tree, int):
        return graft
    operation, left, right = tree
    if path[0] == 1:
        return operation, _replaced(left, path[1:], graft), right
    return operation, left, _replaced(right, path[1:], graft)


def _pruned(tree: Tree, seen: set[int], most: int) -> Tree | None:
    """The tree without leaves that were seen before, or are too many; a node with one child left is that child."""
    if isinstance(tree, int):
        if tree in seen or len(seen) == most:
            return None
        seen.add(tree)
        return tree
    operation, *children = tree
    left, right = (_pruned(child, seen, most) for child in children)
    if left is None or right is None:
        return right if left is None else left
    return operation, left, right
