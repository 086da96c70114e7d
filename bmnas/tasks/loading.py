"""Read the samples of a split batch by batch, in order: slices of what is in memory, else by workers ahead of need."""

from __future__ import annotations

import contextlib
import multiprocessing
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate

from bmnas.errors import BmnasError
from bmnas.files import reason
from bmnas.fit.threads import cores
from bmnas.tasks.task import SampleSource, Split
from bmnas.tasks.tree import Tree, leaves

T = TypeVar("T")
# With its index: its inputs by modality, and its label.
Sample = tuple[int, Mapping[str, Tree], Tensor]

_MOST_WORKERS = 8


@dataclass(frozen=True)
class Bad:
    """A sample that cannot be used.

    Attributes:
        index: in its split.
        why: which file or what about it, without a full stop.
        common: whether it is no fault of this sample: most are as unlike each other. Leaving out such samples would
            leave little.
    """

    index: int
    why: str
    common: bool = False


@dataclass(frozen=True, eq=False)
class Loaded:
    """Some samples of a split, in order.

    Attributes:
        batch: those that could be read; ``None`` if none could.
        kept: their indices in the split.
        bad: the others.
        stop: the index after the last of them all.
    """

    batch: Split | None
    kept: list[int]
    bad: list[Bad]
    stop: int


@runtime_checkable
class Sliceable(Protocol):
    """A source that gives a run of samples at once."""

    def part(self, start: int, stop: int) -> Split:
        """Samples ``start`` to ``stop`` (excluded)."""
        ...


def load(
    source: Split | SampleSource,
    size: int,
    *,
    start: int = 0,
    skip: frozenset[int] = frozenset(),
    workers: int | None = None,
    seed: int = 0,
) -> Iterator[Loaded]:
    """The samples of a split from ``start`` on, ``size`` at a time.

    Args:
        source: a `Split`, something else with a method ``part``, or any data set that gives samples one by one.
        size: samples of a batch, counted from index 0: with another start the same batches come.
        start: the first index, a multiple of ``size``.
        skip: indices that are left out.
        workers: processes that read samples one by one, ahead of need; as many as suit the machine if left out.
        seed: with the index of a sample it seeds the generators of torch, NumPy and Python while that is read.

    Raises:
        BmnasError: samples cannot be put into one batch, or a worker died.
    """
    bounds = [(first, min(first + size, len(source))) for first in range(start, len(source), size)]
    if isinstance(source, Sliceable):
        for first, stop in bounds:
            yield _slice(source, first, stop, skip)
        return
    yield from read_ahead(_Reader(source, skip, seed), bounds, workers)


def read_ahead(reader: Dataset[T], keys: Sequence[Any], workers: int | None = None) -> Iterator[T]:
    """What a reader gives for each of the keys, in their order, read ahead of need.

    Args:
        reader: ``reader[key]`` is computed in the workers.
        keys: of what is read, batch by batch.
        workers: processes that read; as many as suit the machine if left out; with 0 this one reads when asked.

    Raises:
        BmnasError: a worker died.
    """
    count = min(len(keys), default_workers() if workers is None else workers)
    if count == 0:
        yield from (reader[key] for key in keys)
        return
    # Forked workers need not pickle the data set, which may be of classes that no module has.
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else None
    loader: DataLoader[T] = DataLoader(
        reader,
        batch_size=None,
        sampler=keys,
        num_workers=count,
        collate_fn=_as_it_is,
        multiprocessing_context=method,
    )
    with noticing_dead_workers():
        yield from loader


@contextlib.contextmanager
def noticing_dead_workers() -> Iterator[None]:
    """Say in a sentence that a worker died; torch raises where the signal finds the program, so it may be anywhere.

    Raises:
        BmnasError: a worker died inside the block.
    """
    try:
        yield
    except RuntimeError as error:
        if not is_death(error):
            raise
        raise BmnasError(
            f"a worker that reads samples died ({str(error).splitlines()[0]}); --workers 0 reads without workers"
        ) from error


def is_death(error: Exception) -> bool:
    """Whether an error is torch's word that a worker died."""
    return isinstance(error, RuntimeError) and bool(_DEATH.search(str(error)))


_DEATH = re.compile(r"DataLoader worker .*(exited unexpectedly|killed)")


def default_workers() -> int:
    """Processes that read samples on this machine: every core but the one of the backbones, at most eight."""
    return max(1, min(_MOST_WORKERS, cores() - 1))


def described(source: Any, index: int) -> str:
    """What a data set calls a sample: its file, where that is known; else nothing.

    It is what ``source.describe(index)`` says; a ``Subset`` asks the data set it is of, and the image folders of
    torchvision have their files in ``samples``.
    """
    if isinstance(source, torch.utils.data.Subset):
        return described(source.dataset, source.indices[index])
    with contextlib.suppress(Exception):  # whatever a stranger's code does: a name is all that is lost
        if hasattr(source, "describe"):
            return str(source.describe(index))
        if hasattr(source, "samples"):
            return str(source.samples[index][0])
    return ""


def named(source: object, index: int, what: str) -> str:
    """A sentence's end about a sample, after its name where it has one."""
    name = described(source, index)
    return f"{name}: {what}" if name else what


def _slice(source: Sliceable, first: int, stop: int, skip: frozenset[int]) -> Loaded:
    part = source.part(first, stop)
    kept = [index for index in range(first, stop) if index not in skip]
    if len(kept) < stop - first:
        part = part[torch.tensor([index - first for index in kept], dtype=torch.int64)]
    return Loaded(part if kept else None, kept, [], stop)


class _Reader(Dataset[Loaded]):
    """Batches of a data set by their bounds. It runs in the workers."""

    def __init__(self, source: SampleSource, skip: frozenset[int], seed: int) -> None:
        self._source, self._skip, self._seed = source, skip, seed

    def __getitem__(self, bounds: tuple[int, int]) -> Loaded:
        first, stop = bounds
        samples: list[Sample] = []
        bad: list[Bad] = []
        for index in range(first, stop):
            if index not in self._skip:
                read = read_sample(self._source, index, self._seed)
                if isinstance(read, Bad):
                    bad.append(read)
                else:
                    samples.append(read)
        bad += odd_ones(self._source, samples)
        wrong = {one.index for one in bad}
        good = [sample for sample in samples if sample[0] not in wrong]
        batch = collated(good) if good else None
        return Loaded(batch, [index for index, _, _ in good], sorted(bad, key=lambda one: one.index), stop)


def read_sample(source: SampleSource, index: int, seed: int) -> Sample | Bad:
    """One sample as tensors, read with the generators of torch, NumPy and Python seeded by ``seed`` and ``index``."""
    try:
        with _seeded_everywhere(seed, index):
            sample = source[index]
        inputs, label = _parts(sample)
        tensors = {name: _as_tensors(tree, f"input {name}") for name, tree in inputs.items()}
    except Exception as error:  # a sample fails with whatever its decoder raises
        return Bad(index, named(source, index, f"cannot be read: {_problem(error)}"))
    try:
        return index, tensors, _as_label(label)
    except BmnasError as error:
        return Bad(index, named(source, index, str(error)))


def collated(samples: Sequence[Sample]) -> Split:
    """Samples as one batch; they are alike, see `odd_ones`."""
    return Split(default_collate([inputs for _, inputs, _ in samples]), torch.stack([label for *_, label in samples]))


def _parts(sample: Any) -> tuple[Mapping[str, Tree], Any]:
    """The inputs and the label of a sample.

    Raises:
        BmnasError: it has not these two parts.
    """
    right = "({modality: input, ...}, label)"
    if isinstance(sample, Mapping):
        raise BmnasError(f"it is a dictionary of {', '.join(map(str, sample))} alone, not {right}")
    if not isinstance(sample, (tuple, list)):
        raise BmnasError(f"it is a {type(sample).__name__}, not (inputs by modality, label)")
    if len(sample) != 2:
        raise BmnasError(
            f"it is a {type(sample).__name__} of {len(sample)}; its inputs should be a dictionary: {right}"
        )
    if not isinstance(sample[0], Mapping):
        kind = type(sample[0]).__name__
        raise BmnasError(f"its first part is a {kind}, but should be a dictionary of the inputs: {right}")
    return sample[0], sample[1]


def _as_label(value: Any) -> Tensor:
    """A sample's label as a tensor.

    Raises:
        BmnasError: it is missing, text, or something else that is no number.
    """
    if value is None:
        raise BmnasError("its label is missing (None)")
    if isinstance(value, (str, bytes)):
        raise BmnasError(f"its label is the text {value[:40]!r}; number the classes 0, 1, 2, ...")
    if isinstance(value, np.ndarray) and value.ndim > 0:  # of a single number this would make an array of one
        value = np.ascontiguousarray(value)
    try:
        label = torch.as_tensor(value)
    except Exception as error:  # torch raises whatever it finds
        kind = type(value).__name__
        raise BmnasError(f"its label is a {kind} that is no number and no array of numbers") from error
    if label.is_complex():
        raise BmnasError("its label is a complex number")
    return label


def _as_tensor(value: Any, place: str) -> Tensor:
    if isinstance(value, np.ndarray):
        value = np.ascontiguousarray(value)  # torch takes no negative strides, as of a flipped image
    try:
        if value is None or isinstance(value, (str, bytes)):
            raise TypeError
        return torch.as_tensor(value)
    except Exception as error:  # torch raises whatever it finds
        of = f" of type {value.dtype}" if isinstance(value, np.ndarray) else ""
        kind = type(value).__name__
        raise BmnasError(
            f"{place} is a {kind}{of}, but a backbone takes tensors, arrays of numbers and numbers"
        ) from error


def _as_tensors(tree: Tree, place: str) -> Any:
    """A sample's inputs with every array and number as a tensor."""
    if isinstance(tree, Mapping):
        return {key: _as_tensors(item, f"{place}.{key}") for key, item in tree.items()}
    if isinstance(tree, (tuple, list)) and not all(isinstance(item, (int, float)) for item in tree):
        return tuple(_as_tensors(item, f"{place}.{number}") for number, item in enumerate(tree))
    return _as_tensor(tree, place)


def odd_ones(source: object, samples: Sequence[Sample]) -> list[Bad]:
    """The samples that are not like most of them in shape and type: they cannot be in one batch.

    Args:
        source: which may know names of them.
        samples: with the index of each, its inputs, and its label.
    """
    looks = {index: _look(inputs, label) for index, inputs, label in samples}
    if len(set(looks.values())) < 2:
        return []
    ((most, number),) = Counter(looks.values()).most_common(1)
    usual, common = dict(most), 2 * number <= len(looks)
    bad = []
    for index, look in looks.items():
        own = dict(look)
        if place := next((place for place in {**usual, **own} if own.get(place) != usual.get(place)), None):
            why = _difference(place, own, usual) + (_advice(place, own, usual) if common else "")
            bad.append(Bad(index, named(source, index, why), common))
    return bad


def _look(inputs: Mapping[str, Tree], label: Tensor) -> tuple[tuple[str, tuple[tuple[int, ...], str]], ...]:
    """Shape and type of everything in a sample, by its place."""
    found = {f"input {place[1:]}": tensor for place, tensor in leaves(inputs)}
    return tuple(
        (place, (tuple(tensor.shape), str(tensor.dtype).removeprefix("torch.")))
        for place, tensor in {**found, "label": label}.items()
    )


def _difference(
    place: str, own: Mapping[str, tuple[tuple[int, ...], str]], usual: Mapping[str, tuple[tuple[int, ...], str]]
) -> str:
    if place not in own:
        return f"has no {place}, but others have one"
    if place not in usual:
        return f"has an {place}, but others have none"
    part, what = (0, "shape") if own[place][0] != usual[place][0] else (1, "type")
    return f"{place} has {what} {own[place][part]}, but others have {usual[place][part]}"


def _advice(
    place: str, own: Mapping[str, tuple[tuple[int, ...], str]], usual: Mapping[str, tuple[tuple[int, ...], str]]
) -> str:
    if place not in own or place not in usual:
        return "; give all samples the same inputs"
    if own[place][0] == usual[place][0]:
        return "; give all samples one type"
    return "; give all labels one shape" if place == "label" else "; pad or crop the samples to one size"


@contextlib.contextmanager
def _seeded_everywhere(seed: int, index: int) -> Iterator[None]:
    """Augmentations draw from three generators; each sample has its own stream, whichever worker reads it."""
    number = (seed * 1_000_003 + index * 7919 + 1) % 2**32
    ours = torch.utils.data.get_worker_info() is None  # a worker's generators are nobody's else
    before = (random.getstate(), np.random.get_state(), torch.get_rng_state()) if ours else None
    random.seed(number)
    np.random.seed(number)
    torch.default_generator.manual_seed(number)
    try:
        yield
    finally:
        if before is not None:
            random.setstate(before[0])
            np.random.set_state(before[1])
            torch.set_rng_state(before[2])


def _problem(error: Exception) -> str:
    if isinstance(error, BmnasError):
        return str(error)
    if isinstance(error, OSError):
        file = f" ({error.filename})" if error.filename else ""
        return f"{reason(error)}{file}"
    return f"{type(error).__name__}: {error}".splitlines()[0]


def _as_it_is(loaded: Any) -> Any:
    return loaded
