"""Batches of raw samples for training: shuffled anew in each epoch, augmented, and the same from wherever one goes on.

Samples in memory are picked from there; those of a source are read one by one by processes, ahead of need.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset, default_collate

from bmnas.errors import BmnasError
from bmnas.fit.order import Shuffles, batches
from bmnas.fit.seeding import seeded, stream
from bmnas.tasks.loading import (
    Bad,
    Loaded,
    Sample,
    Sliceable,
    collated,
    described,
    named,
    noticing_dead_workers,
    odd_ones,
    read_ahead,
    read_sample,
)
from bmnas.tasks.sample_checks import with_checked_labels
from bmnas.tasks.task import SampleSource, Split, SplitName, Task
from bmnas.tasks.tree import Tree, leaves, mapped


class RawBatches:
    """The raw samples of some splits, one after the other, in batches.

    Which batches come depends on the seed and the epoch alone, not on what was read before, and not on ``workers``.

    Args:
        task: whose.
        splits: which of its splits, one or several.
        batch_size: samples of a batch; the last one may have fewer. A last one of a single sample is left out, because
            batch norm cannot train on it.
        seed: of the order, and of the augmentation.
        augment: whether epoch e has view e of the splits (`Task.view`). Where the task has no views, samples are plain.
        workers: processes that read samples of a source; as many as suit the machine if left out.
        modalities: those that are wanted; all if left out.

    Attributes:
        samples: how many there are.
        batch_size: as given.

    Raises:
        BmnasError: a split is empty, or cannot be read; a modality is none of the task.
    """

    def __init__(
        self,
        task: Task,
        splits: Sequence[SplitName],
        *,
        batch_size: int,
        seed: int,
        augment: bool,
        workers: int | None = None,
        modalities: Sequence[str] | None = None,
    ) -> None:
        self.batch_size = batch_size
        self._task = task if modalities is None else task.with_modalities(modalities)
        self._names, self._seed, self._workers = tuple(splits), seed, workers
        plain = self._plain()
        self._kept = None if augment else plain
        self._sizes = [len(part.source) for part in plain]
        self.samples = sum(self._sizes)
        self._orders = Shuffles(self.samples, seed)

    def __len__(self) -> int:
        """How many batches an epoch has."""
        return len(batches(torch.arange(self.samples), self.batch_size))

    def left(self, epoch: int, done: int) -> Iterator[Split]:
        """The batches of an epoch, from 1, that are left after ``done``; every sample comes once.

        Raises:
            BmnasError: a sample cannot be used, or a worker died.
        """
        chosen = batches(self._orders[epoch], self.batch_size)[done:]
        if chosen:
            yield from self._read(self._kept or self._view(epoch), chosen)

    def in_order(self, split: SplitName) -> Iterator[Split]:
        """All samples of a split as they are, in order; it need not be one of those that are trained on.

        Raises:
            BmnasError: as `left`.
        """
        part = self._part(split, self._task.split(split), 0)
        yield from self._read([part], torch.arange(len(part.source)).split(self.batch_size))

    def _read(self, parts: Sequence[_Part], chosen: Sequence[Tensor]) -> Iterator[Split]:
        samples = _Samples(parts, self._task.modalities)
        if all(isinstance(part.source, Split) for part in parts):
            found: Iterator[Loaded] = (samples.picked(positions) for positions in chosen)
        else:
            found = read_ahead(_Reader(samples), [positions.tolist() for positions in chosen], self._workers)
        with noticing_dead_workers():  # whoever uses the batches may find a death, too, and does well to notice it
            for loaded in found:
                checked = with_checked_labels(self._task, samples, loaded)
                if checked.bad:
                    bad = min(checked.bad, key=lambda one: one.index)
                    part, index = samples.where(bad.index)
                    raise BmnasError(f"sample {index} of the {part.name} split of task {self._task.name}: {bad.why}")
                assert checked.batch is not None, "a batch without bad samples has all of them"
                yield checked.batch

    def _plain(self) -> list[_Part]:
        return [self._part(name, self._task.split(name), 0) for name in self._names]

    def _view(self, epoch: int) -> list[_Part]:
        parts = []
        for name, size in zip(self._names, self._sizes, strict=True):
            seed = stream(self._seed, "view", name, epoch)
            part = self._part(name, self._viewed(name, epoch, seed), seed)
            if len(part.source) != size:
                what = f"view {epoch} of the {name} split of task {self._task.name}"
                raise BmnasError(f"{what} has {len(part.source)} samples, but the split has {size}")
            parts.append(part)
        return parts

    def _viewed(self, name: SplitName, epoch: int, seed: int) -> Split | SampleSource:
        if type(self._task).view is Task.view:
            return self._task.split(name)
        try:
            with seeded(seed):
                return self._task.view(name, epoch)
        except BmnasError:
            # It has no views. Where its data cannot be read, that is said now.
            return self._task.split(name)

    def _part(self, name: SplitName, source: Split | SampleSource, seed: int) -> _Part:
        if len(source) == 0:
            raise BmnasError(f"task {self._task.name} has no samples in its {name} split")
        return _Part(name, source, seed)


@dataclass(frozen=True, eq=False)
class _Part:
    """The samples of one split, and the seed with which each of a source is read."""

    name: SplitName
    source: Split | SampleSource
    seed: int


class _Samples:
    """The samples of all parts, each by its position: those of the first come first."""

    def __init__(self, parts: Sequence[_Part], modalities: Sequence[str]) -> None:
        self._parts, self._modalities = parts, tuple(modalities)
        self._starts = [0, *accumulate(len(part.source) for part in parts)]

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, position: int) -> Any:
        part, index = self.where(position)
        assert not isinstance(part.source, Split), "those are picked"
        return part.source[index]

    def where(self, position: int) -> tuple[_Part, int]:
        """The part, and the index in it."""
        number = bisect_right(self._starts, position) - 1
        return self._parts[number], position - self._starts[number]

    def describe(self, position: int) -> str:
        """What the source calls a sample."""
        part, index = self.where(position)
        return described(part.source, index)

    def picked(self, positions: Tensor) -> Loaded:
        """Samples that are all in memory."""
        found: list[tuple[str, Split]] = []
        places = []
        for part, (start, stop) in zip(self._parts, pairwise(self._starts), strict=True):
            own = ((positions >= start) & (positions < stop)).nonzero().flatten()
            if len(own):
                assert isinstance(part.source, Split), "the others are read"
                found.append((part.name, self._wanted(part.source[positions[own] - start])))
                places.append(own)
        batch = found[0][1] if len(found) == 1 else _joined(found)[torch.cat(places).argsort()]
        return Loaded(batch, positions.tolist(), [], len(self))

    def read(self, position: int) -> tuple[Sample, Mapping[str, Tensor]] | Bad:
        """One sample, known by its position, and its lengths."""
        part, index = self.where(position)
        if isinstance(part.source, Sliceable):
            try:
                one = self._wanted(part.source.part(index, index + 1))
            except Exception as error:  # of a file, or of a stranger's code
                return Bad(position, named(self, position, f"cannot be read: {error}"))
            inputs = {modality: mapped(_first, tree) for modality, tree in one.inputs.items()}
            return (position, inputs, one.labels[0]), {name: own[0] for name, own in one.lengths.items()}
        found = read_sample(part.source, index, part.seed)
        if isinstance(found, Bad):
            return Bad(position, found.why)
        _, given, label = found
        for modality in self._modalities:
            if modality not in given:
                return Bad(position, named(self, position, f"has no input {modality}"))
        return (position, {modality: given[modality] for modality in self._modalities}, label), {}

    def _wanted(self, split: Split) -> Split:
        return Split({modality: split.inputs[modality] for modality in self._modalities}, split.labels, split.lengths)


class _Reader(Dataset[Loaded]):
    """Batches of samples by their positions. It runs in the workers."""

    def __init__(self, samples: _Samples) -> None:
        self._samples = samples

    def __getitem__(self, positions: list[int]) -> Loaded:
        read = [self._samples.read(position) for position in positions]
        bad = [each for each in read if isinstance(each, Bad)]
        found = [each for each in read if not isinstance(each, Bad)]
        samples = [sample for sample, _ in found]
        bad += odd_ones(self._samples, samples)
        if bad:
            return Loaded(None, [], bad, len(self._samples))
        batch, lengths = collated(samples), [own for _, own in found]
        return Loaded(Split(batch.inputs, batch.labels, default_collate(lengths)), positions, [], len(self._samples))


def _joined(splits: Sequence[tuple[str, Split]]) -> Split:
    """Samples in memory of several splits, whose names are for messages, as one.

    Raises:
        BmnasError: they are of different shapes or types.
    """
    (first_name, first), *others = splits
    usual = _looks(first)
    for name, split in others:
        own = _looks(split)
        for place in {**usual, **own}:
            if own.get(place) != usual.get(place):
                raise BmnasError(
                    f"{place} is {usual.get(place, 'not there')} in the {first_name} split and "
                    f"{own.get(place, 'not there')} in the {name} split; what is trained on together has to be alike"
                )
    every = [split for _, split in splits]
    return Split(
        _cat([split.inputs for split in every]),
        torch.cat([split.labels for split in every]),
        _cat([split.lengths for split in every]),
    )


def _looks(split: Split) -> dict[str, str]:
    """What one sample of each tensor is, as text."""
    tensors = {f"input {place[1:]}": tensor for place, tensor in leaves(split.inputs)}
    tensors |= {f"the length of {name}": own for name, own in split.lengths.items()} | {"the label": split.labels}
    return {place: f"{str(own.dtype).removeprefix('torch.')} {tuple(own.shape[1:])}" for place, own in tensors.items()}


def _cat(trees: Sequence[Tree]) -> Any:
    first = trees[0]
    if isinstance(first, Mapping):
        return {key: _cat([tree[key] for tree in trees]) for key in first}
    if isinstance(first, (tuple, list)):
        return tuple(_cat(items) for items in zip(*trees, strict=True))
    return torch.cat(list(trees))


def _first(tensor: Tensor) -> Tensor:
    return tensor[0]
