"""The clips of a folder as tensors, read and prepared once in a process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

import torch
from torch import Tensor

from bmnas.tasks.utd_mhad.depth import prepared_depth
from bmnas.tasks.utd_mhad.files import read_all, stamp
from bmnas.tasks.utd_mhad.inertial import mean_and_spread, prepared_inertial
from bmnas.tasks.utd_mhad.layout import Array, Clip
from bmnas.tasks.utd_mhad.skeleton import prepared_skeleton

_PREPARE: Mapping[str, Callable[[Array], Tensor]] = MappingProxyType(
    {"Skeleton": prepared_skeleton, "Inertial": prepared_inertial, "Depth": prepared_depth}
)


def clip_inputs(
    folder: Path, modalities: Sequence[str], clips: Sequence[Clip], *, reference: Sequence[Clip], found: Sequence[Clip]
) -> dict[str, Tensor]:
    """By modality, the tensors (N, ...) of some clips as the backbones take them.

    Args:
        folder: of the data set.
        modalities: which.
        clips: which, N of them.
        reference: the clips by which inertial readings are standardised: those that are trained on.
        found: all clips of the folder, which are read at once.
    Raises:
        BmnasError: as `prepared_clips`.
    """
    prepared = {modality: prepared_clips(folder, modality, found) for modality in modalities}
    inputs = {modality: torch.stack([tensors[clip] for clip in clips]) for modality, tensors in prepared.items()}
    if "Inertial" in inputs:
        mean, spread = mean_and_spread(torch.stack([prepared["Inertial"][clip] for clip in reference]))
        inputs["Inertial"] = (inputs["Inertial"] - mean) / spread
    return inputs


def prepared_clips(folder: Path, modality: str, clips: Sequence[Clip]) -> Mapping[Clip, Tensor]:
    """The prepared tensors of one modality; read again only if a file was changed since.

    Raises:
        BmnasError: a file cannot be read, or does not hold what it should; the message names it.
    """
    return _prepared(folder, modality, tuple(clips), stamp(folder, modality))


@lru_cache(maxsize=3)
def _prepared(folder: Path, modality: str, clips: tuple[Clip, ...], _stamp: object) -> Mapping[Clip, Tensor]:
    prepare = _PREPARE[modality]
    return {clip: prepare(array) for clip, array in read_all(folder, modality, clips)}
