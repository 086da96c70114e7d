"""Fusion networks that the literature has names for, as genotypes: the rows of the paper's Tables 6 and 7, and more.

Each function takes features and what a whole network needs besides (`Frame`, as keywords), and returns a genotype as
a person would write it. `PRESETS` has them by name. `like` gives the cells of an existing genotype the inner structure
of a preset, which is how the rows of Table 7 differ from the network that was found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal

from bmnas.errors import BmnasError
from bmnas.genotype.genotype import Genotype, from_dict
from bmnas.genotype.operations import INPUT_NAMES
from bmnas.genotype.schema import Feature, Head, Representation
from bmnas.table import Table

Body = dict[str, Any]
"""The inner structure of a cell, as plain data: its steps and its output."""


@dataclass(frozen=True)
class Frame:
    """What a network needs besides features and cells; the sizes are those of the paper's best network on NTU.

    Attributes:
        channels: C of the representation.
        length: L of the representation.
        outputs: of the head; ``None`` for no head.
        dropout: the rate.
        dialect: ``"official"`` or ``"paper"``.
    """

    channels: int = 128
    length: int = 8
    outputs: int | None = None
    dropout: float = 0.2
    dialect: Literal["official", "paper"] = "official"

    @classmethod
    def of(cls, genotype: Genotype) -> Frame:
        """That of an existing genotype."""
        return cls(
            genotype.representation.channels,
            genotype.representation.length,
            genotype.head.outputs if genotype.head else None,
            genotype.dropout,
            genotype.dialect,
        )


def sum(features: Sequence[Feature], **frame: Any) -> Genotype:
    """The inputs added up, as DARTS combines nodes (Liu, Simonyan and Yang 2019; Fig. 2, Table 7)."""
    return _one_cell("sum", features, _all_in("Sum"), frame)


def concat_fc(features: Sequence[Feature], **frame: Any) -> Genotype:
    """A fully connected layer on the concatenated inputs, as in MFAS (Pérez-Rúa et al. 2019; Fig. 2, Table 7).

    More features than a cell reads are shared out between cells, and another one reads these.
    """
    if len(features) <= len(INPUT_NAMES):
        return _one_cell("concat-fc", features, _all_in("ConcatFC"), frame)
    cells = _in_groups([feature.name for feature in features])
    return _genotype("concat-fc", features, cells, (cells[-1]["name"],), Frame(**frame))


def mha(features: Sequence[Feature], heads: int = 2, **frame: Any) -> Genotype:
    """Multi-head attention: the first input asks each of the others (Vaswani et al. 2017; Fig. 2d, Table 7).

    Fig. 2d draws two parameter-free heads on the same inputs, which compute the same thing; these heads have
    projections of their own, so the operation is not one of the paper's pool.
    """
    return _one_cell("mha", features, _mha(heads), frame)


def aoa(features: Sequence[Feature], **frame: Any) -> Genotype:
    """Attention on attention: a gate on what attention found (Huang et al. 2019; Fig. 2c, Table 7)."""
    return _one_cell("aoa", features, _aoa, frame)


def glu(features: Sequence[Feature], **frame: Any) -> Genotype:
    """A gated linear unit, the second input as the gate (Dauphin et al. 2017); one more unit for every more input."""
    return _one_cell("glu", features, _glu, frame)


def gmu(features: Sequence[Feature], **frame: Any) -> Genotype:
    """The gated multimodal unit (Arevalo et al. 2017)."""
    return _one_cell("gmu", features, _all_in("GatedSum"), frame)


def two_stream(features: Sequence[Feature], **frame: Any) -> Genotype:
    """The mean of the inputs (after Simonyan and Zisserman 2014, who average the class scores of two networks).

    In the paper dialect, which it has unless told otherwise, the head is linear, so the score of the mean is the mean
    of the scores that each input gets from this head.
    """
    return _one_cell("two-stream", features, _all_in("Mean"), {"dialect": "paper"} | frame)


def late_fusion(features: Sequence[Feature], **frame: Any) -> Genotype:
    """The inputs concatenated before the head, without any cell (Table 6)."""
    return _genotype("late-fusion", features, [], tuple(feature.name for feature in features), Frame(**frame))


def heads(features: Sequence[Feature], **frame: Any) -> Genotype:
    """A linear head for each input, their results added, without any cell.

    Each head fitted by itself, this is score fusion: the sum of log-probabilities; all together, it is a logistic
    regression on the inputs side by side. A training says which (``--heads``), or held-out samples do.
    """
    names = tuple(feature.name for feature in features)
    return _genotype("heads", features, [], names, Frame(**frame)).replace(join="sum")


def random(features: Sequence[Feature], seed: int = 0, cells: int = 2, steps: int = 2, **frame: Any) -> Genotype:
    """A network drawn uniformly from the paper's search space over the features; those it does not read are left out.

    Args:
        features: the candidates.
        seed: the same seed gives the same network.
        cells: N.
        steps: M.
        frame: see `Frame`.
    """
    from bmnas.genotype.space import Space

    chosen = Frame(**frame)
    space = Space.paper(
        features=tuple(features),
        cells=cells,
        steps=steps,
        representation=Representation(channels=chosen.channels, length=chosen.length),
        head=Head(outputs=chosen.outputs) if chosen.outputs else None,
        dropout=chosen.dropout,
        dialect=chosen.dialect,
    )
    drawn = space.random(seed)
    return _genotype(f"random-{seed}", features, [cell.model_dump() for cell in drawn.cells], drawn.output, chosen)


PRESETS: Table[Callable[..., Genotype]] = Table(
    "preset",
    [sum, concat_fc, mha, aoa, glu, gmu, two_stream, late_fusion, heads, random],
    name=lambda preset: preset.__name__.replace("_", "-"),
)


def get(name: str) -> Callable[..., Genotype]:
    """The preset of that name.

    Raises:
        BmnasError: there is none.
    """
    return PRESETS.find(name)


def last_features(features: Sequence[Feature]) -> tuple[Feature, ...]:
    """The last, that is deepest, feature of each modality: what late fusion takes."""
    return tuple({feature.modality: feature for feature in features}.values())


def like(genotype: Genotype, preset: str, **options: Any) -> Genotype:
    """A preset with the feature selection of an existing genotype: a row of Table 7.

    Every cell keeps its inputs and gets the preset's inner structure, in the genotype's dialect. ``late-fusion`` and
    ``heads`` have no cells: they take the last feature of each modality. ``random`` draws from the space with as many
    cells and steps over all features.

    Args:
        genotype: whose features, cells, head and sizes are taken.
        preset: its name.
        options: those of the preset, such as ``heads``, or of its `Frame`.

    Raises:
        BmnasError: there is no such preset, or the genotype has no cells.
    """
    build = get(preset)
    frame = asdict(Frame.of(genotype)) | options
    if preset in ("late-fusion", "heads"):
        return build(last_features(genotype.features), **frame)
    if not genotype.cells:
        raise BmnasError(f"{genotype.name} has no cells that could have the inner structure of {preset}")
    if preset == "random":
        sizes = {"cells": len(genotype.cells), "steps": max(len(cell.steps) for cell in genotype.cells)}
        return build(genotype.features, **sizes | frame)
    bodies = {n: build(_stand_ins(n), **frame).cells[0] for n in {len(cell.inputs) for cell in genotype.cells}}
    cells = [
        bodies[len(cell.inputs)].model_dump() | {"name": cell.name, "inputs": cell.inputs} for cell in genotype.cells
    ]
    rest = {key: value for key, value in frame.items() if key in Frame.__dataclass_fields__}
    # Heads of features that cells are added to are a part of the selection, and so are members.
    return _genotype(preset, genotype.features, cells, genotype.output, Frame(**rest)).replace(
        join=genotype.join, members=genotype.members
    )


def _one_cell(name: str, features: Sequence[Feature], body: Callable[..., Body], frame: dict[str, Any]) -> Genotype:
    most = len(INPUT_NAMES)
    if not 2 <= len(features) <= most:
        raise BmnasError(
            f"the preset {name} puts its features into one cell, which takes 2 to {most} of them, not {len(features)}"
        )
    cell = {"inputs": tuple(feature.name for feature in features), **body(INPUT_NAMES[: len(features)])}
    return _genotype(name, features, [cell], (), Frame(**frame))


def _in_groups(nodes: Sequence[str], made: int = 0) -> list[Body]:
    """Cells of a fully connected layer each, as few as can be, of which the last has read all nodes, if others have."""
    most = len(INPUT_NAMES)
    count = -(-len(nodes) // most)
    # Of sizes that differ by one at most: no group is left with one node, for which there is nothing to connect.
    ends = [len(nodes) * group // count for group in range(count + 1)]
    groups = [nodes[start:end] for start, end in pairwise(ends)]
    names = [f"Cell_{made + number}" for number in range(1, count + 1)]
    cells = [
        {"name": name, "inputs": tuple(group), **_all_in("ConcatFC")(INPUT_NAMES[: len(group)])}
        for name, group in zip(names, groups, strict=True)
    ]
    return cells if count == 1 else [*cells, *_in_groups(names, made + count)]


def _genotype(
    name: str, features: Sequence[Feature], cells: Sequence[Body], output: tuple[str, ...], frame: Frame
) -> Genotype:
    read = {read for cell in cells for read in cell["inputs"]} | set(output)
    data: dict[str, Any] = {
        "name": name,
        "dialect": frame.dialect,
        "representation": {"channels": frame.channels, "length": frame.length},
        "features": [feature.model_dump() for feature in features if feature.name in read],
        "cells": list(cells),
        "head": None if frame.outputs is None else {"outputs": frame.outputs},
        "dropout": frame.dropout,
    }
    return from_dict(data | ({"output": output} if output else {}), name)


def _all_in(op: str) -> Callable[[tuple[str, ...]], Body]:
    """One step that reads every input."""
    return lambda inputs: {"steps": [{"op": op, "inputs": inputs}]}


def _mha(heads: int) -> Callable[[tuple[str, ...]], Body]:
    def body(inputs: tuple[str, ...]) -> Body:
        x, *others = inputs
        return {"steps": [{"op": "MultiHeadAttention", "inputs": (x, other), "heads": heads} for other in others]}

    return body


def _aoa(inputs: tuple[str, ...]) -> Body:
    x, *others = inputs
    steps: list[Body] = []
    for other in others:
        steps.append({"op": "Attention", "inputs": (x, other)})
        steps.append({"op": "LinearGLU", "inputs": (f"Step_{len(steps)}", x)})
    return {"steps": steps, "output": [f"Step_{number}" for number in range(2, len(steps) + 1, 2)]}


def _glu(inputs: tuple[str, ...]) -> Body:
    first, *others = inputs
    steps: list[Body] = []
    for other in others:
        steps.append({"op": "LinearGLU", "inputs": (f"Step_{len(steps)}" if steps else first, other)})
    return {"steps": steps, "output": [f"Step_{len(steps)}"]}


def _stand_ins(count: int) -> list[Feature]:
    return [Feature(name=f"F{i}", modality="F", channels=1) for i in range(count)]
