"""The same genotype in other words, genotypes with one change, and a slow judge of whether two are the same."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, TypeVar

import networkx as nx
from networkx.algorithms.isomorphism import DiGraphMatcher

from bmnas.errors import GenotypeError
from bmnas.genotype import INPUT_NAMES, OPERATIONS, Genotype, from_dict
from bmnas.genotype.graph import OUTPUT, to_graph, used_nodes

T = TypeVar("T")


def disguised(genotype: Genotype, rng: Random) -> Genotype:
    """The same function under other names, in another order, with parts that reach no output."""
    data = genotype.model_dump(mode="json")
    taken = [feature["name"] for feature in data["features"]]
    data["name"] = "disguised"
    data["provenance"] = {"seed": 1}
    for feature in data["features"]:
        feature["modality"] = rng.choice("PQ")
    _add_unused_upper(data, rng)
    fresh = _fresh_names(len(data["cells"]), "Cell", rng, taken)
    renamed = dict(zip([cell["name"] for cell in data["cells"]], fresh, strict=True))
    for cell in data["cells"]:
        cell["name"] = renamed[cell["name"]]
        cell["inputs"] = [renamed.get(name, name) for name in cell["inputs"]]
        _disguise_cell(cell, rng, official=genotype.dialect == "official", upper=taken)
    data["cells"] = _reordered(data["cells"], rng)
    data["output"] = [renamed.get(name, name) for name in data["output"]]
    if genotype.head:
        rng.shuffle(data["output"])
    rng.shuffle(data["features"])
    return from_dict(data)


def with_one_change(genotype: Genotype, rng: Random) -> Genotype:
    """A genotype that says one thing differently, which may or may not be another function."""
    for _ in range(100):
        data = genotype.model_dump(mode="json")
        with contextlib.suppress(GenotypeError, IndexError):
            rng.choice(_CHANGES)(data, rng)
            return from_dict(data)
    return genotype


def same_by_search(a: Genotype, b: Genotype) -> bool:
    """Whether the flat graphs are isomorphic, by networkx, from the public graph of a genotype."""
    alike: Callable[[Any, Any], bool] = lambda one, other: one == other  # noqa: E731
    return _whole(a) == _whole(b) and DiGraphMatcher(_flat(a), _flat(b), alike, alike).is_isomorphic()


def _whole(genotype: Genotype) -> Any:
    used = used_nodes(genotype)
    channels = genotype.representation.channels
    features = {
        (f.name, channels if f.reshape == "none" else f.channels, f.reshape)
        for f in genotype.features
        if ("feature", f.name) in used
    }
    return features, genotype.representation, genotype.dialect, genotype.head, genotype.members, genotype.dropout


def _flat(genotype: Genotype) -> nx.DiGraph:
    graph, used = to_graph(genotype), used_nodes(genotype)
    steps = {("step", cell.name, step.name): step for cell in genotype.cells for step in cell.steps}
    flat = nx.DiGraph()
    for node in used:
        if node[0] == "input":
            continue
        ordered, what = False, node[0]
        if node[0] == "feature":
            what = repr(node)
        elif node[0] == "step":
            step = steps[node]
            what, ordered = f"{step.op} {sorted(step.options.items())}", not OPERATIONS[step.op].commutative
        elif node == OUTPUT:
            ordered = genotype.head is None
        flat.add_node(node, what=what)
        reads: dict[Any, Counter[Any]] = {}
        for source, _, edge in graph.in_edges(node, data=True):
            read = next(iter(graph.predecessors(source))) if source[0] == "input" else source
            ways = reads.setdefault(read, Counter())
            ways.update(edge["positions"] if ordered else ["any"] * len(edge["positions"]))
            if node[0] == "cell" and source == ("input", node[1], "x") and genotype.dialect == "official":
                ways["residual"] += 1
        if "ttention" in what:  # without a value, the key is the value
            reads = {read: ways - Counter({2: 1} if ways[1] and ways[2] else {}) for read, ways in reads.items()}
        for read, ways in reads.items():
            flat.add_edge(read, node, ways=dict(ways))
    return flat


def _add_unused_upper(data: dict[str, Any], rng: Random) -> None:
    nodes = [part["name"] for part in (*data["features"], *data["cells"])]
    unused = _fresh_names(2, "Unused", rng, nodes)
    if rng.random() < 0.5:
        data["features"].append({"name": unused[0], "modality": "P", "channels": 3})
        nodes.append(unused[0])
    if rng.random() < 0.5:
        steps = [{"name": "s", "op": "ConcatFC", "inputs": ["y", "x"]}]
        inputs = [rng.choice(nodes), rng.choice(nodes)]
        data["cells"].append({"name": unused[1], "inputs": inputs, "steps": steps, "output": ["s", "x"]})


def _disguise_cell(cell: dict[str, Any], rng: Random, official: bool, upper: Sequence[str]) -> None:
    if len(cell["inputs"]) < len(INPUT_NAMES) and rng.random() < 0.5:
        cell["inputs"].append(rng.choice(upper))
    # Of several letters for one node, steps may read any: they all read that node.
    places = list(range(len(cell["inputs"])))
    moved = places[:1] * official + rng.sample(places[official:], len(places) - official)
    letters = {INPUT_NAMES[old]: INPUT_NAMES[new] for new, old in enumerate(moved)}
    cell["inputs"] = [cell["inputs"][old] for old in moved]
    if rng.random() < 0.5:
        readable = [*letters, *(step["name"] for step in cell["steps"])]
        unread = {"name": "unread", "op": "Sum", "inputs": [rng.choice(readable), rng.choice(readable)]}
        cell["steps"].append(unread)
    fresh = _fresh_names(len(cell["steps"]), "Step", rng, [])
    renamed = letters | dict(zip([step["name"] for step in cell["steps"]], fresh, strict=True))
    for step in cell["steps"]:
        step["name"] = renamed[step["name"]]
        step["inputs"] = [renamed[name] for name in step["inputs"]]
        same = {name: [n for n in letters.values() if _input(cell, n) == _input(cell, name)] for name in letters}
        step["inputs"] = [rng.choice(same[name]) if name in same else name for name in step["inputs"]]
        if OPERATIONS[step["op"]].commutative:
            rng.shuffle(step["inputs"])
        if "Attention" in step["op"] and len(step["inputs"]) == 2 and rng.random() < 0.5:
            step["inputs"].append(step["inputs"][1])
    cell["steps"] = _reordered(cell["steps"], rng)
    cell["output"] = rng.sample([renamed[name] for name in cell["output"]], len(cell["output"]))


def _input(cell: dict[str, Any], letter: str) -> str:
    return cell["inputs"][INPUT_NAMES.index(letter)]


def _fresh_names(count: int, prefix: str, rng: Random, taken: Sequence[str]) -> list[str]:
    free = [name for i in range(1, 2 * count + len(taken) + 2) if (name := f"{prefix}_{i}") not in taken]
    return rng.sample(free, count)


def _reordered(parts: list[dict[str, Any]], rng: Random) -> list[dict[str, Any]]:
    """In another order, each after those that it reads."""
    waiting, done = list(parts), []
    while waiting:
        names = {part["name"] for part in waiting}
        ready = [part for part in waiting if not names & set(part["inputs"])]
        done.append(rng.choice(ready))
        waiting.remove(done[-1])
    return done


def _step(data: dict[str, Any], rng: Random) -> tuple[dict[str, Any], dict[str, Any], int]:
    cell = rng.choice(data["cells"])
    number = rng.randrange(len(cell["steps"])) if cell["steps"] else 0
    return cell, cell["steps"][number], number


def _change_operation(data: dict[str, Any], rng: Random) -> None:
    _, step, _ = _step(data, rng)
    step.pop("heads", None)
    step["op"] = rng.choice([op for op in OPERATIONS if op != step["op"]])


def _change_input(data: dict[str, Any], rng: Random) -> None:
    cell, step, number = _step(data, rng)
    earlier = [*INPUT_NAMES[: len(cell["inputs"])], *(other["name"] for other in cell["steps"][:number])]
    step["inputs"][rng.randrange(len(step["inputs"]))] = rng.choice(earlier)


def _turn_inputs(data: dict[str, Any], rng: Random) -> None:
    _step(data, rng)[1]["inputs"].reverse()


def _change_cell_inputs(data: dict[str, Any], rng: Random) -> None:
    number = rng.randrange(len(data["cells"])) if data["cells"] else 0
    earlier = [part["name"] for part in (*data["features"], *data["cells"][:number])]
    inputs = data["cells"][number]["inputs"]
    inputs[rng.randrange(len(inputs))] = rng.choice(earlier)


def _turn_cell_inputs(data: dict[str, Any], rng: Random) -> None:
    rng.choice(data["cells"])["inputs"].reverse()


def _change_cell_output(data: dict[str, Any], rng: Random) -> None:
    cell = rng.choice(data["cells"])
    nodes = [*INPUT_NAMES[: len(cell["inputs"])], *(step["name"] for step in cell["steps"])]
    cell["output"] = rng.sample(nodes, rng.randint(1, min(3, len(nodes))))


def _change_output(data: dict[str, Any], rng: Random) -> None:
    nodes = [part["name"] for part in (*data["features"], *data["cells"])]
    data["output"] = rng.sample(nodes, rng.randint(1, min(3, len(nodes))))


def _turn_output(data: dict[str, Any], rng: Random) -> None:
    data["output"].reverse()


def _change_feature(data: dict[str, Any], rng: Random) -> None:
    rng.choice(data["features"])["channels"] += 1


def _change_whole(data: dict[str, Any], rng: Random) -> None:
    changes = [("dropout", 0.25), ("head", {"outputs": 9}), ("head", None), ("members", 3), ("dialect", "paper")]
    key, value = rng.choice(changes)
    data[key] = value


def _change_heads(data: dict[str, Any], rng: Random) -> None:
    step = rng.choice([step for cell in data["cells"] for step in cell["steps"] if "heads" in step])
    step["heads"] = 1


_CHANGES = (
    _change_operation,
    _change_input,
    _turn_inputs,
    _change_cell_inputs,
    _turn_cell_inputs,
    _change_cell_output,
    _change_output,
    _turn_output,
    _change_feature,
    _change_whole,
    _change_heads,
)
