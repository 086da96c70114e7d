"""Whether features are those of one sample each: what a backbone gives for it alone, it has to give in a batch too."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import torch
from torch import Tensor

from bmnas.fit.seeding import seeded
from bmnas.taps import Tap, TapError
from bmnas.taps.unchanged import unchanged
from bmnas.tasks.extraction import Extractor
from bmnas.tasks.loading import load
from bmnas.tasks.module_samples import spread
from bmnas.tasks.task import Split, Task
from bmnas.tasks.tree import Tree, leaves, mapped

# Of a feature's spread: what other batch sizes may change in the last bits, by where and in what it is computed
# (a GPU's 32-bit products may have 10 bits), and what can be no such thing.
_ROUNDING, _ROUNDING_GPU, _ROUNDING_16_BIT = 1e-3, 1e-2, 5e-2
_MIXED = 5.0  # times a rounding, and at least the largest of them


def check_batches(extractor: Extractor) -> None:
    """Run each backbone on two training samples, one by one and together. Its state and its modes stay as they are.

    Warns of features that differ each time, and of those that depend a little on the other samples of a batch.

    Raises:
        TapError: a tap's first axis is not the batch, its shape depends on the batch, or samples influence each other
            (a recurrent layer without ``batch_first`` runs from sample to sample).
        BmnasError: a backbone fails.
    """
    samples = _two(extractor.task)
    if not samples:
        return  # the extraction says what is wrong with them
    for modality, backbone in extractor.backbones.items():
        one, other = (sample.inputs[modality] for sample in samples)
        with unchanged(backbone.module), seeded(0, extractor.device):
            alone = [extractor.live(modality, one), extractor.live(modality, other)]
            both = extractor.live(modality, _joined(one, other))
            for feature, together in both.items():
                tap = Tap.of(backbone.taps[feature])
                _same_shapes(feature, tap, [value[feature] for value in alone], together)
                apart = torch.cat([value[feature] for value in alone])
                difference, rounding = _difference(apart, together), _rounding(extractor, together)
                if difference > rounding:
                    again = extractor.live(modality, one)[feature]
                    random = _difference(apart[: len(again)], again)
                    _tell(feature, tap, difference, rounding, random)


def _tell(feature: str, tap: Tap, difference: float, rounding: float, random: float) -> None:
    where = f"feature {feature!r} taps {tap.node!r}, "
    if random > rounding:
        warnings.warn(
            f"{where}where the backbone gives other numbers each time it runs on one sample (by {random:.0%} of "
            "their spread); something in it is random in eval mode too, such as dropout, and one draw is kept",
            stacklevel=4,
        )
        return
    sentence = (
        f"{where}where a sample has other numbers in a batch than alone (by {difference:.0%} of their spread): the "
        "samples of a batch influence each other, as in recurrent layers and attention without batch_first=True"
    )
    if difference > max(_MIXED * rounding, _ROUNDING_16_BIT):
        raise TapError(sentence)
    warnings.warn(sentence, stacklevel=4)


def _same_shapes(feature: str, tap: Tap, alone: list[Tensor], together: Tensor) -> None:
    for value in alone:
        if value.shape[1:] != together.shape[1:]:
            raise TapError(
                f"feature {feature!r} taps {tap.node!r}, which gives a sample shape {tuple(value.shape[1:])} alone, "
                f"but {tuple(together.shape[1:])} in a batch with another; a feature has one shape for all samples"
            )


def _difference(one: Tensor, other: Tensor) -> float:
    """The root mean square of the difference, as a part of the spread of ``one``."""
    one, other = one.double().nan_to_num(), other.double().nan_to_num()
    spread = float((one - one.mean()).norm()) or float(one.norm())
    found = float((one - other).norm())
    return found / spread if spread else float(found > 0)


def _rounding(extractor: Extractor, value: Tensor) -> float:
    if value.element_size() < 4 or extractor.in_16_bits:
        return _ROUNDING_16_BIT
    return _ROUNDING if extractor.device.type == "cpu" else _ROUNDING_GPU


def _two(task: Task) -> list[Split]:
    """Two samples of the training split that can be one batch, each as a batch; the only one twice; or none."""
    source = task.split("train")
    found: list[Split] = []
    for index in spread(len(source)):
        sample = next(load(source, 1, start=index, workers=0)).batch
        if sample is not None and (not found or _look(sample.inputs) == _look(found[0].inputs)):
            found.append(sample)
        if len(found) == 2:
            return found
    return found * 2


def _look(inputs: Mapping[str, Tree]) -> list[tuple[str, torch.Size, torch.dtype]]:
    return [(place, tensor.shape, tensor.dtype) for place, tensor in leaves(inputs)]


def _joined(one: Tree, other: Tree) -> Tree:
    rest = (tensor for _, tensor in leaves(other))
    return mapped(lambda tensor: torch.cat([tensor, next(rest)]), one)
