"""Where an anchored network begins: features scaled by the training samples, their heads fitted to the end.

The heads of features are a convex problem, which is solved (`bmnas.fit.linear`) before any cell is trained; whether
together or apart, and with which penalty, is chosen by samples that were held out (`bmnas.fit.heads`). What cells add
begins as zero, so a training begins at late fusion and goes on from there. Axes: N samples, L positions, C channels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from bmnas.compiler import functional
from bmnas.compiler.layers import Linear, Scale
from bmnas.compiler.network import FusionNetwork
from bmnas.compiler.plan import primitives as p
from bmnas.compiler.plan.plan import Id, Op, Plan
from bmnas.compiler.planned import PlannedModule
from bmnas.fit.folds import folds
from bmnas.fit.heads import Fold, HeadsFit, Ways, choose_fit, choose_fits
from bmnas.fit.linear import Head
from bmnas.fit.seeding import shuffled
from bmnas.fit.settings import Optimisation
from bmnas.genotype import Feature
from bmnas.genotype.graph import OUTPUT
from bmnas.genotype.presets import last_features
from bmnas.searcher.settings import SearchSettings
from bmnas.tasks import Data, FeatureStore, Progress, Report, SplitName, Task
from bmnas.tasks.groups import groups_of as groups_of_split

Kind = Literal["none", "one", "each"]

KINDS: tuple[Kind, ...] = ("each", "one", "none")
FOLDS = 3
_BEGIN = "heads to begin with"  # the phase, in reports
_LEVEL = 1.03  # losses so near to each other are level: then the kind goes first that makes fitting easiest
# Numbers of features that heads are fitted to at most: more samples than fit into 1 GiB make no difference to them.
_MOST = 2**28
_BATCH = 1024


@dataclass(frozen=True)
class HeadData:
    """Features as heads read them, of N samples.

    Attributes:
        pooled: by feature, the mean over positions, (N, C), unscaled.
        mean: by feature, of each channel over samples and positions, (C,).
        var: likewise, the variance.
        labels: of the N samples.
        rows: which rows of the data they are.
    """

    pooled: Mapping[str, Tensor]
    mean: Mapping[str, Tensor]
    var: Mapping[str, Tensor]
    labels: Tensor
    rows: Tensor

    @classmethod
    def of(cls, data: Data, features: Sequence[Feature], length: int) -> HeadData:
        """Those of data; of very many samples, of some drawn at random.

        Args:
            data: has the features.
            features: which.
            length: L of the network.
        """
        rows = _rows(len(data), sum(feature.channels or 1 for feature in features))
        pooled: dict[str, list[Tensor]] = {feature.name: [] for feature in features}
        sums = {feature.name: _Sums() for feature in features}
        for batch in data.batches(data.rows()[rows].split(_BATCH)):
            for feature in features:
                x_NLC = functional.rows(batch.features[feature.name], feature.reshape, length)
                sums[feature.name].add(x_NLC)
                pooled[feature.name].append(x_NLC.mean(-2))
        return cls(
            {name: torch.cat(parts) for name, parts in pooled.items()},
            {name: each.mean for name, each in sums.items()},
            {name: each.var for name, each in sums.items()},
            data.labels[rows.to(data.labels.device)],
            rows,
        )

    def scale(self, name: str, kind: Kind) -> tuple[Tensor, Tensor]:
        """Mean and deviation (C,) by which a feature is scaled; a constant channel has the deviation 1."""
        mean, var = self.mean[name], self.var[name]
        if kind == "none":
            return torch.zeros_like(mean), torch.ones_like(mean)
        # What is left of a constant by rounding is no deviation.
        var = torch.where(var > 1e-10 * mean.square(), var, 0)
        std = (var if kind == "each" else var.mean().expand_as(var)).sqrt()
        return mean, torch.where(std > 0, std, 1)

    def scaled(self, names: Iterable[str], kinds: Mapping[str, Kind]) -> list[Tensor]:
        """Features as their heads read them, (N, C) each."""
        found = []
        for name in names:
            mean, std = (each.to(self.pooled[name]) for each in self.scale(name, kinds[name]))
            found.append((self.pooled[name] - mean) / std)
        return found

    def part(self, rows: Tensor) -> HeadData:
        """Some of the samples, with the statistics of all."""
        pooled = {name: x[rows] for name, x in self.pooled.items()}
        return HeadData(pooled, self.mean, self.var, self.labels[rows], self.rows[rows])


class _Sums:
    """Mean and variance of channels, added up in 64 bits, around the first sample."""

    def __init__(self) -> None:
        self._count, self._around = 0, torch.zeros(0)
        self._sum, self._squares = torch.zeros(0), torch.zeros(0)

    def add(self, x_NLC: Tensor) -> None:
        x = x_NLC.flatten(0, 1).double()
        if not self._count:
            self._around = x[0].clone()
            self._sum, self._squares = torch.zeros_like(self._around), torch.zeros_like(self._around)
        x = x - self._around
        self._count += len(x)
        self._sum += x.sum(0)
        self._squares += x.square().sum(0)

    @property
    def mean(self) -> Tensor:
        return self._around + self._sum / self._count

    @property
    def var(self) -> Tensor:
        return (self._squares / self._count - (self._sum / self._count).square()).clamp(min=0)


@dataclass(frozen=True, eq=False)
class Anchor:
    """Where the networks of a search begin.

    Attributes:
        names: the features whose heads their outputs begin with.
        kinds: by feature, how it is scaled.
        fit: how the heads are fitted, and what that is worth on held-out samples.
        data: of the training split.
        heads: fitted to it, in the order of the names.
    """

    names: tuple[str, ...]
    kinds: Mapping[str, Kind]
    fit: HeadsFit
    data: HeadData
    heads: Sequence[Head]

    def begin(self, module: PlannedModule) -> None:
        """Let a network or hypernet begin here."""
        begin(module, self.data, self.kinds, self.heads)

    @property
    def training(self) -> dict[str, Any]:
        """The settings of a training that fits heads in the same way."""
        return {"heads": "apart" if self.fit.apart else "joint", "head_l2": self.fit.l2}

    def sentence(self) -> str:
        """What was chosen, for people."""
        how = "each fitted by itself" if self.fit.apart else "fitted together"
        kind = {"none": "not scaled", "one": "scaled as a whole", "each": "scaled channel by channel"}
        shown = ", ".join(self.names[:8]) + (f" and {len(self.names) - 8} more" if len(self.names) > 8 else "")
        return (
            f"networks begin at the heads of {shown}, {kind[next(iter(self.kinds.values()))]}, {how}, "
            f"penalty {self.fit.l2:g}; their loss on held-out samples is {self.fit.loss:.4f}"
        )


def found_anchor(
    task: Task,
    store: FeatureStore,
    config: SearchSettings,
    device: torch.device,
    report: Report = lambda event: None,
) -> Anchor:
    """The anchor that the settings ask for; what they leave open is chosen by held-out samples.

    First how features are scaled, then which of them have heads, together with how these are fitted. Of equals the
    simpler: the first kind, the last features.
    """
    report(Progress(_BEGIN, 0, 3))
    last = [feature.name for feature in last_features(task.features)]
    every = [feature.name for feature in task.features]
    wanted = {"last": [last], "all": [every], "auto": [last] if last == every else [last, every]}[config.anchor]
    both = store.data("train", "validation", device=device)
    # All of them: those without heads are scaled, too.
    data = HeadData.of(both, task.features, config.length)
    cut = folds_of(data, task, groups_of(task, store, "train", "validation"), store.size("validation"))
    kinds: tuple[Kind, ...] = KINDS if config.scale == "auto" else (config.scale,)
    kind: Kind = kinds[0]
    if len(kinds) > 1:
        tried = [chosen_fit(task, data, last, dict.fromkeys(last, each), cut, way="joint") for each in kinds]
        least = min(fit.loss for fit in tried)
        kind = next(each for each, fit in zip(kinds, tried, strict=True) if fit.loss <= _LEVEL * least)
    report(Progress(_BEGIN, 1, 3))
    by_feature: dict[str, Kind] = {name: kind for name in every}  # noqa: C420 - with the type of the kind
    subsets = [[every.index(name) for name in names] for names in wanted]
    fits = choose_fits(
        data.scaled(every, by_feature),
        data.labels,
        task.loss,
        task.outputs,
        cut,
        subsets,
        way=config.heads,
        l2=config.head_l2,
    )
    report(Progress(_BEGIN, 2, 3))
    best = min(range(len(fits)), key=lambda i: fits[i].loss)
    train = data.part((data.rows < store.size("train")).nonzero()[:, 0])
    heads = fits[best].heads(train.scaled(wanted[best], by_feature), train.labels, task.loss)
    report(Progress(_BEGIN, 3, 3))
    return Anchor(tuple(wanted[best]), by_feature, fits[best], train, heads)


def groups_of(task: Task, store: FeatureStore, *splits: SplitName) -> Tensor | None:
    """The groups of the samples of splits, one split after the other; ``None`` where samples are independent."""
    groups = [groups_of_split(task, store, split) for split in splits]
    known = [each for each in groups if each is not None]
    return torch.cat(known) if len(known) == len(groups) else None


def kinds_of(features: Sequence[Feature]) -> dict[str, Kind]:
    """By feature, how it is scaled."""
    return {feature.name: feature.scale for feature in features}


def head_names(module: PlannedModule) -> list[str]:
    """The features that have heads, in the order of the output."""
    return [_feature(op, module.plan) for op in _head_ops(module.plan)]


def head_parameters(module: PlannedModule) -> list[nn.Parameter]:
    """The weights of the heads of features."""
    return [each for op in _head_ops(module.plan) for each in module.get_submodule(op.weights[0]).parameters()]


@torch.no_grad()
def begin(module: PlannedModule, data: HeadData, kinds: Mapping[str, Kind], heads: Sequence[Head]) -> None:
    """Set the scales of a network or hypernet, and the heads of its features.

    Args:
        module: all seeds of a hypernet get the same.
        data: gives the statistics.
        kinds: by feature, how it is scaled.
        heads: in the order of `head_names`.
    """
    for op in _scale_ops(module.plan):
        scale, name = module.get_submodule(op.weights[0]), _feature(op, module.plan)
        assert isinstance(scale, Scale)
        for own, value in zip((scale.mean, scale.std), data.scale(name, kinds[name]), strict=True):
            own.copy_(value)
    for op, head in zip(_head_ops(module.plan), heads, strict=True):
        linear = module.get_submodule(op.weights[0])
        assert isinstance(linear, Linear) and linear.bias is not None
        linear.weight.copy_(head.weight)
        linear.bias.copy_(head.bias)


@torch.no_grad()
def begin_as(module: PlannedModule, other: PlannedModule) -> None:
    """Let a network begin with the scales and heads of another one of the same plan."""
    for op in [*_scale_ops(module.plan), *_head_ops(module.plan)]:
        module.get_submodule(op.weights[0]).load_state_dict(other.get_submodule(op.weights[0]).state_dict())


def begun(
    network: FusionNetwork, task: Task, data: Data, settings: Optimisation, last: int, groups: Tensor | None
) -> HeadsFit | None:
    """Let a network begin where its scales and the heads of its features say, by the data that it is trained on.

    Args:
        network: in its first state.
        task: gives the loss.
        data: what the network is trained on.
        settings: say how heads are fitted, or leave it open.
        last: how many of the data's last rows are of the validation split.
        groups: of the rows of the data.

    Returns:
        How its heads were fitted; ``None`` where it has none.
    """
    names = head_names(network)
    if not names and not _scale_ops(network.plan):
        return None
    genotype = network.genotype
    features = [feature for feature in genotype.features if feature.name in network.features]
    read = HeadData.of(data, features, genotype.representation.length)
    kinds = kinds_of(features)
    if not names:
        begin(network, read, kinds, [])
        return None
    nothing_open = settings.heads == "joint" and settings.head_l2 is not None
    if nothing_open or (task.backbones_saw_training and not last):
        # Or no sample tells how good the features of new ones are, so nothing can be chosen.
        fit = HeadsFit.given(settings.heads == "apart", settings.head_l2, len(names), read.labels, task.outputs)
    else:
        cut = folds_of(read, task, groups, last)
        fit = chosen_fit(task, read, names, kinds, cut, way=settings.heads, l2=settings.head_l2)
    begin(network, read, kinds, fit.heads(read.scaled(names, kinds), read.labels, task.loss))
    return fit


def chosen_fit(
    task: Task,
    data: HeadData,
    names: Sequence[str],
    kinds: Mapping[str, Kind],
    cut: Sequence[Fold],
    *,
    way: Ways = "auto",
    l2: float | None = None,
) -> HeadsFit:
    """The way of fitting the heads of those features, see `bmnas.fit.heads.choose_fit`."""
    return choose_fit(data.scaled(names, kinds), data.labels, task.loss, task.outputs, cut, way=way, l2=l2)


def folds_of(data: HeadData, task: Task, groups: Tensor | None, last: int, seed: int = 0) -> list[Fold]:
    """The folds that heads are chosen by.

    Where backbones were trained on the training split, only samples of the validation split tell how good the features
    of new samples are, so they alone are held out.

    Args:
        data: of the training split, and of the validation split behind it.
        task: knows its backbones.
        groups: of the rows of the data.
        last: how many of the data's last rows are of the validation split.
        seed: of the folds.
    """
    rows, count = data.rows, int(data.rows.max()) + 1
    held_out = (rows >= count - last).nonzero()[:, 0] if last and task.backbones_saw_training else None
    if held_out is not None and len(held_out) < 2:
        held_out = None
    cut = folds(data.labels.cpu(), None if groups is None else groups[rows], FOLDS, seed, held_out)
    device = data.labels.device
    return [(fitted.to(device), held.to(device)) for fitted, held in cut]


def _rows(count: int, width: int) -> Tensor:
    """The rows that heads are fitted to: all, or as many as there is room for, drawn at random."""
    most = max(2, _MOST // width)
    return torch.arange(count) if count <= most else shuffled(count, 0, "heads")[:most].sort().values


def _scale_ops(plan: Plan) -> list[Op]:
    return [op for op in plan if isinstance(op.primitive, p.Scale)]


def _head_ops(plan: Plan) -> list[Op]:
    """The heads of features, in the order of the output."""
    return [
        op
        for op in plan
        if op.place == OUTPUT
        and isinstance(op.primitive, p.Linear)
        and isinstance(plan[op.reads[0]].primitive, p.MeanPosition)
    ]


def _feature(op: Op, plan: Plan) -> str:
    """The feature that something reads first of all."""
    id: Id = op.id
    while not isinstance(plan[id].primitive, p.Input):
        id = plan[id].reads[0]
    return plan[id].place[1]
