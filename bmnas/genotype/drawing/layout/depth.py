"""How deep things are: which layer each belongs to."""

from __future__ import annotations

from collections.abc import Iterable

from bmnas.genotype.drawing.layout.layers import Key


def depths(nodes: Iterable[Key], edges: Iterable[tuple[Key, Key]]) -> dict[Key, int]:
    """How many of the nodes come before each on the longest way to it; an edge that closes a circle does not count."""
    sources: dict[Key, list[Key]] = {node: [] for node in nodes}
    for source, target in edges:
        if source in sources and target in sources:
            sources[target].append(source)
    found: dict[Key, int] = {}
    waiting: set[Key] = set()

    def depth(node: Key) -> int:
        if node not in found:
            waiting.add(node)
            found[node] = max((depth(source) + 1 for source in sources[node] if source not in waiting), default=0)
            waiting.discard(node)
        return found[node]

    return {node: depth(node) for node in sources}
