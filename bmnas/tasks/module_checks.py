"""The arguments of a `ModuleTask`: each looked at, and brought into one form, before anything is run."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import combinations
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.utils.data import Subset

from bmnas.errors import BmnasError, did_you_mean, short
from bmnas.genotype import Feature
from bmnas.taps import Tap, TapError, copies
from bmnas.taps.tapped import uncompiled
from bmnas.tasks import grouping
from bmnas.tasks.metrics import Metric, get_metric
from bmnas.tasks.objective import OBJECTIVES, Objective, SingleLabel
from bmnas.tasks.task import SampleSource, Split, SplitName
from bmnas.tasks.tree import leaves

_RESHAPES = ("sequence", "grid", "none")


def outputs(number: Any) -> int:
    """The number as Python's; NumPy's and torch's (``labels.max() + 1``) are as good.

    Raises:
        BmnasError: it is no positive whole number.
    """
    try:
        whole = (
            0 if isinstance(number, bool) or getattr(number, "dtype", None) == torch.bool else operator.index(number)
        )
    except TypeError:
        whole = 0
    if whole < 1:
        raise BmnasError(f"outputs is {number!r}, but should be the number of classes, or of numbers to predict")
    return whole


def name(given: Any) -> None:
    """Raises BmnasError unless it is text that can be a folder's name: run folders are named after the task."""
    good = isinstance(given, str) and given.isprintable() and given.strip(" .") and not set(given) & set("/\\")
    if not good:
        raise BmnasError(f"{given!r} cannot be the name of a task: folders are named after it")


def kind_of_labels(objective: Any) -> Objective:
    """The objective, one label a sample if nothing is said.

    Raises:
        BmnasError: it is a class in place of an object, an unknown name, or something else.
    """
    if isinstance(objective, type):
        raise BmnasError(f"objective is the class {objective.__name__}; give an object of it, {objective.__name__}()")
    if isinstance(objective, str):
        return OBJECTIVES.find(objective)()
    if objective is not None and not all(hasattr(objective, part) for part in ("loss", "cast", "problem", "fitted")):
        raise BmnasError(f"objective is a {type(objective).__name__}, but should be an objective such as SingleLabel()")
    return SingleLabel() if objective is None else objective


def kind_of_metric(metric: Any) -> Metric | None:
    """The metric, from its name too; ``None`` stands for the objective's usual one.

    Raises:
        BmnasError: it is an unknown name, or no metric.
    """
    if isinstance(metric, str):
        return get_metric(metric)
    if metric is not None and not isinstance(metric, Metric):
        raise BmnasError(f"metric is a {type(metric).__name__}, but should be a metric or its name, such as 'accuracy'")
    return metric


def splits(task: str, data: Mapping[Any, Split | SampleSource], augmented: Split | SampleSource | None) -> None:
    """None is empty, no two share samples, and what is augmented is as long as the training split.

    Raises:
        BmnasError: see there.
    """
    for name, source in [*data.items(), *([("augmented training", augmented)] if augmented is not None else [])]:
        if not hasattr(source, "__len__") or not (isinstance(source, Split) or hasattr(source, "__getitem__")):
            raise BmnasError(
                f"the {name} split of task {task} is a {type(source).__name__}, but should be a Split, or a data set "
                "with a length and items (inputs by modality, label)"
            )
        if isinstance(source, Split) and not isinstance(source.labels, Tensor):
            kind = type(source.labels).__name__
            raise BmnasError(f"the labels of the {name} split of task {task} are a {kind}, but should be a tensor")
        if len(source) == 0:
            raise BmnasError(f"the {name} split of task {task} is empty")
        if isinstance(source, Split):
            _same_length(task, name, source)
    for (one, first), (other, second) in combinations(data.items(), 2):
        _apart(task, one, first, other, second)
    if augmented is not None and len(augmented) != len(data["train"]):
        raise BmnasError(
            f"the augmented training split of task {task} has {len(augmented)} samples, "
            f"but the train split has {len(data['train'])}; they should be the same in the same order"
        )


def groups(
    task: str, given: Mapping[Any, Any] | None, data: Mapping[SplitName, Split | SampleSource]
) -> tuple[dict[SplitName, Tensor], Sequence[str]]:
    """The groups of the samples of each split as numbers (N,), and the numbers' names where groups are names.

    Raises:
        BmnasError: a split is unknown or missing, has not as many groups as samples, or one that is none.
    """
    if given is None:
        return {}, ()
    of = f"of task {task}"
    if not isinstance(given, Mapping):
        raise BmnasError(f"groups {of} are a {type(given).__name__}, but should be given by split: {', '.join(data)}")
    for name in given:
        if name not in data:
            near = did_you_mean(str(name), data)
            raise BmnasError(f"groups {of} are given for {short(name)}, which is no split{near}")
    for name in data:
        if name not in given:
            raise BmnasError(f"groups {of} are given, but not those of the {name} split")
    parsed = [
        grouping.parse(given[name], len(source), f"groups of the {name} split {of}", partial(_place, name, of))
        for name, source in data.items()
    ]
    numbers, names = grouping.numbered(parsed, f"groups {of}")
    return dict(zip(data, numbers, strict=True)), names


def backbones(given: Mapping[str, nn.Module]) -> dict[str, nn.Module]:
    """The modules; of one that `torch.compile` wraps, the one inside, which computes the same.

    Raises:
        BmnasError: there is none, or one is no module, or one without its weights.
    """
    if not given:
        raise BmnasError("backbones is empty, but should have a module for each modality")
    for modality, module in given.items():
        if not isinstance(module, nn.Module):
            raise BmnasError(f"the backbone of modality {modality!r} is a {type(module).__name__}, not a torch module")
        for place, tensor in (*module.named_parameters(), *module.named_buffers()):
            what = f"the backbone of modality {modality!r} has no numbers in {place!r}"
            if is_lazy(tensor):
                raise BmnasError(f"{what}, a lazy one; run it once on an input before it is given")
            if tensor.is_meta:
                raise BmnasError(f"{what}, which is on the meta device; load its weights before it is given")
    return {modality: uncompiled(module) for modality, module in given.items()}


def twin(module: nn.Module, modality: str) -> nn.Module:
    """A copy with the same parameters, to be run so that no trace is left in the given one.

    Raises:
        BmnasError: it cannot be copied.
    """
    with refusing_to_copy(modality):
        return copies.twin(module)


@contextmanager
def refusing_to_copy(modality: str) -> Iterator[None]:
    """Say whose backbone it is that cannot be copied inside the block.

    Raises:
        BmnasError: it cannot.
    """
    try:
        yield
    except Exception as error:  # one that holds a file or a lock cannot be copied, and says so in any words
        said = (str(error).strip() or type(error).__name__).split("\n")[0][:300]
        raise BmnasError(f"the backbone of modality {modality!r} cannot be copied: {said}") from error


def named_taps(taps: Mapping[str, Any], modalities: Iterable[str]) -> dict[str, dict[str, str | Tap]]:
    """By modality and feature name, where the feature is taken; in the order of the modalities.

    Raises:
        BmnasError: a modality has no backbone, two features have one name, or something is no tap.
    """
    modalities = list(modalities)
    for modality in taps:
        if modality not in modalities:
            raise BmnasError(
                f"taps are given for {modality!r}, which has no backbone{did_you_mean(str(modality), modalities)}"
            )
    named: dict[str, dict[str, str | Tap]] = {}
    taken: dict[str, str] = {}
    for modality in modalities:
        own = taps.get(modality, ())
        if isinstance(own, str | Tap):
            own = [own]
        pairs = own.items() if isinstance(own, Mapping) else ((f"{modality}_{i}", tap) for i, tap in enumerate(own, 1))
        named[modality] = {}
        for feature, tap in pairs:
            if feature in taken:
                raise BmnasError(f"{taken[feature]!r} and {modality!r} both have a feature named {feature!r}")
            _check_name(feature, modality)
            taken[feature] = modality
            named[modality][feature] = _plain(tap, feature)
    return named


def reshapes(given: Mapping[str, str], modality_of: Mapping[str, str]) -> dict[str, str]:
    """By feature, how it becomes a sequence; what is said of a feature goes before what is said of its modality.

    Raises:
        BmnasError: a name is neither a feature nor a modality, or a value is none.
    """
    known = [*modality_of, *dict.fromkeys(modality_of.values())]
    for name, how in given.items():
        if name not in known:
            raise BmnasError(f"reshape names {name!r}, which is no feature and no modality{did_you_mean(name, known)}")
        if how not in _RESHAPES:
            raise BmnasError(f"reshape of {name!r} is {how!r}{did_you_mean(str(how), _RESHAPES)}")
    return {feature: given.get(feature, given.get(modality, "sequence")) for feature, modality in modality_of.items()}


def reshapable(feature: str, reshape: str, shape: tuple[int, ...]) -> None:
    """Raises BmnasError unless a feature of that shape, without the batch, has the axes that its reshape takes."""
    wanted = {"grid": (3, "(channels, H, W)"), "none": (2, "(channels, length)")}.get(reshape)
    if wanted is not None and len(shape) != wanted[0]:
        raise BmnasError(
            f"feature {feature!r} has shape {shape} for one sample, but reshape {reshape!r} takes {wanted[1]}"
        )


def code_of(modules: Iterable[nn.Module], data: Iterable[object]) -> tuple[object, ...]:
    """The classes whose source determines the features: of the modules with their parts, and of the data sets."""
    found: list[type] = [type(part) for module in modules for part in module.modules()]
    found += [type(_root(source)[0]) for source in data if source is not None and not isinstance(source, Split)]
    return tuple(dict.fromkeys(found))


def _same_length(task: str, name: str, split: Split) -> None:
    for modality, tree in split.inputs.items():
        try:
            tensors = [tensor for _, tensor in leaves(tree)]
        except TypeError as error:
            raise BmnasError(
                f"the {name} split of task {task} has inputs {modality!r} of another kind: {error}"
            ) from None
        for tensor in tensors:
            if len(tensor) != len(split):
                raise BmnasError(
                    f"the {name} split of task {task} has {len(split)} labels, but {len(tensor)} of {modality!r}"
                )


def _apart(task: str, one: str, first: object, other: str, second: object) -> None:
    (root, indices), (other_root, other_indices) = _root(first), _root(second)
    if root is not other_root:
        return
    if indices is None or other_indices is None:
        raise BmnasError(f"the {one} and {other} splits of task {task} overlap: they are of one data set")
    shared = set(indices) & set(other_indices)
    if shared:
        also = f" and {len(shared) - 1} more" if len(shared) > 1 else ""
        raise BmnasError(
            f"the {one} and {other} splits of task {task} overlap: both have sample {min(shared)}{also} of one data set"
        )


def _place(split: SplitName, of: str, index: int) -> str:
    return f"sample {index} of the {split} split {of}"


def _root(source: object) -> tuple[object, list[int] | None]:
    """The data set that a `Subset` is of, and its indices there; ``None`` for all."""
    if not isinstance(source, Subset):
        return source, None
    root, indices = _root(source.dataset)
    own = [int(index) for index in source.indices]
    return root, own if indices is None else [indices[index] for index in own]


def _check_name(feature: str, modality: str) -> None:
    try:
        Feature.model_validate({"name": feature, "modality": modality})
    except ValidationError as error:
        found = error.errors()[0]
        name, what = (modality, "modality") if found["loc"][0] == "modality" else (feature, "feature")
        raise BmnasError(f"{name!r} cannot be the name of a {what}: {found['msg']}") from None


def _plain(tap: Any, feature: str) -> str | Tap:
    try:
        tap = Tap.of(tap)
    except TapError as error:
        raise BmnasError(f"feature {feature!r}: {error}") from None
    return tap.node if tap == Tap(tap.node) else tap
