"""Weights of the released BM-NAS code, in a compiled network.

A state dict of the released code numbers what a genotype names: ``reshape_layers.2`` is the third feature,
``cell._step_nodes.0.node_cell.node_ops.1`` the second step of the first cell. So names are matched by position in the
genotype, whatever things are called there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from torch import Tensor

from bmnas.compiler.network import FusionNetwork
from bmnas.compiler.official_state import BACKBONES, as_ours, by_plain_name, refuse_misfits, without_backbones
from bmnas.compiler.plan.names import module_names
from bmnas.errors import BmnasError
from bmnas.genotype import Cell, Feature, Genotype, Step
from bmnas.genotype.graph import used_cells, used_features, used_steps

Item = TypeVar("Item", Feature, Cell, Step)


@dataclass(frozen=True)
class LoadedState:
    """What was done with a state dict: numbers of its entries. `load_official_state` returns it.

    Attributes:
        loaded: copied into the network.
        backbones: ignored, because they belong to a backbone.
        unused: ignored, because they belong to what reaches no output of the genotype, and so is not in the network.
    """

    loaded: int
    backbones: int
    unused: int


def load_official_state(network: FusionNetwork, state_dict: Mapping[str, Tensor]) -> LoadedState:
    """Copy the weights of a found network of the released code into the compiled network of the same genotype.

    Args:
        network: of a genotype in the official dialect. Its features, cells and steps stand in the order that the
            released code numbers them in.
        state_dict: of a ``Found_..._Net`` of the three tasks, or of its ``fusion_net`` alone, with or without the
            ``module.`` of `torch.nn.DataParallel`. Entries of backbones, counters of batches, and what belongs to
            features, cells or steps that reach no output are ignored.

    Raises:
        BmnasError: a parameter has another shape, is missing, or has no place in the network; or the genotype's
            dialect is not the official one, or it is an ensemble. The network is then as it was.
    """
    genotype = network.genotype
    if genotype.dialect != "official":
        raise BmnasError(
            f"the genotype {genotype.name!r} is in the {genotype.dialect} dialect, but the released code's weights "
            "need the official one"
        )
    if genotype.members > 1:
        raise BmnasError(
            f"the genotype {genotype.name!r} has {genotype.members} members, but the released code's weights are those "
            "of one network"
        )
    given = by_plain_name(state_dict)
    places = _places(genotype)
    wanted = {_official_name(name, places): name for name in network.state_dict()}
    own = without_backbones(given)
    unused = {name for name in own if name not in wanted and _is_unused(name, genotype)}
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    refuse_misfits(f"the genotype {genotype.name!r}", own, wanted, shapes, unused)
    network.load_state_dict({ours: as_ours(own[theirs][1]) for theirs, ours in wanted.items()})
    backbones = sum(name.startswith(BACKBONES) for name in given)
    return LoadedState(loaded=len(wanted), backbones=backbones, unused=len(unused))


def _places(genotype: Genotype) -> dict[str, str]:
    """The first part of a name of ours -> the first part of the released code's name, for all that is built."""
    features = {feature.name: i for i, feature in enumerate(genotype.features)}
    cells = {cell.name: n for n, cell in enumerate(genotype.cells)}
    places = {"output.head.": "central_classifier."}
    for node, module in module_names(genotype).items():
        match node:
            case ("feature", name):
                places[f"{module}."] = f"reshape_layers.{features[name]}."
            case ("step", cell, name):
                m = [step.name for step in genotype.cells[cells[cell]].steps].index(name)
                places[f"{module}."] = f"cell._step_nodes.{cells[cell]}.node_cell.node_ops.{m}."
            case ("cell", name):
                theirs = f"cell._step_nodes.{cells[name]}.node_cell."
                places |= {f"{module}.conv.": f"{theirs}out_conv.", f"{module}.": theirs}
            case _:
                places[f"{module}."] = "cell."
    return places


def _official_name(name: str, places: Mapping[str, str]) -> str:
    """The released code's name of a parameter of ours."""
    ours = max((place for place in places if name.startswith(place)), key=len)
    return places[ours] + name.removeprefix(ours)


def _is_unused(name: str, genotype: Genotype) -> bool:
    """Whether a parameter of the released code belongs to what the genotype has, but no output needs."""
    if match := re.match(r"reshape_layers\.(\d+)\.", name):
        feature = _item(genotype.features, match[1])
        return feature is not None and feature.name not in used_features(genotype)
    if match := re.match(r"cell\._step_nodes\.(\d+)\.node_cell\.(?:node_ops\.(\d+)\.)?", name):
        cell = _item(genotype.cells, match[1])
        if cell is None:
            return False
        step = _item(cell.steps, match[2]) if match[2] else None
        if cell.name not in used_cells(genotype):
            return not match[2] or step is not None
        return step is not None and step.name not in used_steps(cell)
    return False


def _item(items: Sequence[Item], number: str) -> Item | None:
    return items[int(number)] if len(number) < 9 and int(number) < len(items) else None
