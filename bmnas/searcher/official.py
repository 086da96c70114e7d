"""Weights and architecture parameters of the released BM-NAS code, in a hypernet of ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from bmnas.compiler.official_state import Entry, as_ours, by_plain_name, refuse_misfits, without_backbones
from bmnas.errors import BmnasError
from bmnas.genotype import Feature
from bmnas.genotype.space import OFFICIAL_POOL
from bmnas.searcher.hypernet import Hypernet, HypernetSize

# In the released code's order: the columns of gamma.
POOL = OFFICIAL_POOL

_CELL = "cell._step_nodes.{}.node_cell."
_ARCHITECTURE = ("alpha_KEI", "beta_KNEI", "gamma_KNMP")


def load_hypernet(
    state_dict: Mapping[str, Tensor],
    alphas: Tensor,
    betas: Iterable[Tensor],
    gammas: Iterable[Tensor],
    *,
    features: Sequence[Feature] | None = None,
    dropout: float = 0.0,
) -> Hypernet:
    """The hypernet of the released code: of one seed, in the shared relaxation, with the types of its weights.

    Channels, length, cells, steps, how many nodes form a cell's output, and the outputs are those of the tensors.

    Args:
        state_dict: of a ``Searchable_..._Net`` of the three tasks, or of its ``fusion_net`` alone, with or without the
            ``module.`` of `torch.nn.DataParallel`. Entries of backbones and counters of batches are ignored.
        alphas: (Σ(J + n), 2) for J features and cells n = 0, 1, ...; columns none and skip.
        betas: of each cell (Σ(2 + m), 2) for its steps m = 0, 1, ...; columns none and skip.
        gammas: of each cell (M, 4); columns in the order of `POOL`.
        features: the J features in the released code's order. They may be left out where the weights have no reshape
            layers; the nodes of `Hypernet.fuse` then are ready, and called ``Feature_1``, ``Feature_2``, ... Where
            their channels are left out, those of the reshape layers are taken.
        dropout: the rate, which no tensor tells. That of attention is always 0.1.

    The released code keeps alphas, betas and gammas outside of its state dict.

    Raises:
        BmnasError: something has another shape, is missing, or has no place.
    """
    given = by_plain_name(state_dict)
    own = without_backbones(given)
    size = _size(own, alphas, features, dropout)
    weighed = sum(range(2, 2 + size.steps))
    architecture = {
        "alpha_KEI": _checked("alphas", alphas, (sum(_predecessors(size)), 2)),
        "beta_KNEI": _stacked("betas", list(betas), size.cells, (weighed, 2)),
        "gamma_KNMP": _stacked("gammas", list(gammas), size.cells, (size.steps, len(POOL))),
    }
    with torch.device("meta"):  # shapes alone: what the weights claim is not allocated before it is checked
        state = Hypernet(size).state_dict()
    wanted = {official_name(name): name for name in state if name not in _ARCHITECTURE}
    shapes = {name: tuple(value.shape[1:]) for name, value in state.items()}
    described = f"a hypernet of {size.cells} cells, {size.steps} steps and {len(size.features)} features"
    refuse_misfits(described, own, wanted, shapes)
    hypernet = Hypernet(size).to(own["cell.ln.weight"][1].dtype)
    weights = {ours: as_ours(own[theirs][1]) for theirs, ours in wanted.items()}
    hypernet.load_state_dict({name: value[None] for name, value in (architecture | weights).items()})
    return hypernet


def official_name(name: str) -> str:
    """The released code's name of a weight of a hypernet, without ``fusion_net.``.

    Example:
        >>> official_name("cells.0.steps.1.3.conv.weight")
        'cell._step_nodes.0.node_cell.node_ops.1._ops.3.conv.weight'
    """
    match name.split("."):
        case ["reshapes", *rest]:
            parts = ["reshape_layers", *rest]
        case ["output", "head", *rest]:
            parts = ["central_classifier", *rest]
        case ["output", *rest]:
            parts = ["cell", *rest]
        case ["cells", n, "output", "conv", *rest]:
            parts = [_CELL.format(n) + "out_conv", *rest]
        case ["cells", n, "output", *rest]:
            parts = [_CELL.format(n) + rest[0], *rest[1:]]
        case ["cells", n, "steps", m, operation, *rest]:
            parts = [f"{_CELL.format(n)}node_ops.{m}._ops.{operation}", *rest]
        case _:
            raise ValueError(f"{name!r} is no weight of a hypernet")
    return ".".join(parts)


def _size(own: Mapping[str, Entry], alphas: Tensor, features: Sequence[Feature] | None, dropout: float) -> HypernetSize:
    """What the tensors and the arguments say; where they contradict each other, a comparison finds it later."""
    first = _CELL.format(0)
    if any(re.match(r"cell\._step_nodes\.\d+\.node_cell\.node_ops\.\d+\.(conv|bn|ln)\.", name) for name in own):
        raise BmnasError(
            "the weights are those of a found network, not of a hypernet; load_official_state of "
            "bmnas.compiler.official takes them"
        )
    channels, length = _shape(own, f"{first}ln.weight", "(C, L)")
    cells = _count(own, "cell._step_nodes.")
    steps = _count(own, f"{first}node_ops.")
    joined = f"{first}out_conv.weight"
    cell_outputs = max(1, _shape(own, joined, "(C, n·C, 1)")[1] // channels) if joined in own else 1
    if cell_outputs > steps + 2:
        raise BmnasError(
            f"{own[joined][0]!r} joins {cell_outputs} nodes, but a cell of {steps} steps has {steps + 2}: "
            "x, y and the steps"
        )
    head = "central_classifier.weight"
    return HypernetSize(
        features=_features(own, alphas, features, channels, cells),
        operations=POOL,
        cells=cells,
        steps=steps,
        cell_outputs=cell_outputs,
        channels=channels,
        length=length,
        dropout=dropout,
        outputs=_shape(own, head, "(outputs, N·C·L)")[0] if head in own else None,
    )


def _features(
    own: Mapping[str, Entry], alphas: Tensor, given: Sequence[Feature] | None, channels: int, cells: int
) -> tuple[Feature, ...]:
    layers = _count(own, "reshape_layers.")
    if given is None:
        if layers:
            raise BmnasError(
                f"the weights have reshape layers for {layers} features, but which these are, and whether they are "
                "pooled as sequences or as grids, is not in them; say it with features"
            )
        rows = len(alphas) if isinstance(alphas, Tensor) and alphas.dim() else 0
        count = max(1, (rows - cells * (cells - 1) // 2) // cells)
        return tuple(
            Feature(name=f"Feature_{i}", modality="Feature", channels=channels, reshape="none")
            for i in range(1, count + 1)
        )
    if layers and layers != len(given):
        raise BmnasError(f"the weights have reshape layers for {layers} features, but {len(given)} features are given")
    return tuple(_with_channels(own, feature, i, channels) for i, feature in enumerate(given))


def _with_channels(own: Mapping[str, Entry], feature: Feature, i: int, channels: int) -> Feature:
    if feature.channels is not None:
        return feature
    layer = f"reshape_layers.{i}.conv.weight"
    own_channels = _shape(own, layer, "(C, channels, 1)")[1] if layer in own else channels
    return feature.model_copy(update={"channels": own_channels})


def _shape(own: Mapping[str, Entry], name: str, axes: str) -> tuple[int, int]:
    """The first two axes of a weight that has those ``axes``."""
    if name not in own:
        raise BmnasError(f"the weights have no {name!r}, so they are not those of a hypernet of the released code")
    value = own[name][1]
    if not isinstance(value, Tensor) or value.dim() != axes.count(",") + 1 or 0 in value.shape:
        found = f"has shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"is a {type(value).__name__}"
        raise BmnasError(f"{own[name][0]!r} {found}, but should have {axes}")
    return value.shape[0], value.shape[1]


def _count(own: Mapping[str, Entry], prefix: str) -> int:
    """How many numbers 0, 1, 2, ... follow the prefix in names, up to the first that does not."""
    numbers = {name.removeprefix(prefix).split(".")[0] for name in own if name.startswith(prefix)}
    count = 0
    while str(count) in numbers:
        count += 1
    return count


def _predecessors(size: HypernetSize) -> range:
    return range(len(size.features), len(size.features) + size.cells)


def _stacked(what: str, given: Sequence[Tensor], cells: int, shape: tuple[int, ...]) -> Tensor:
    if len(given) != cells:
        raise BmnasError(f"{what} are given for {len(given)} cells, but the weights have {cells}")
    return torch.stack([_checked(f"{what}[{n}]", tensor, shape) for n, tensor in enumerate(given)])


def _checked(what: str, given: Tensor, shape: tuple[int, ...]) -> Tensor:
    if not isinstance(given, Tensor) or not given.is_floating_point():
        found = given.dtype if isinstance(given, Tensor) else type(given).__name__
        raise BmnasError(f"{what} is {found}, but should be a tensor of floating-point numbers")
    if given.shape != shape:
        raise BmnasError(f"{what} has shape {tuple(given.shape)}, but should have {shape}")
    return given.detach()
