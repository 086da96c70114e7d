"""Some samples of a data set, looked at one by one: before anything is extracted, and for its fingerprint."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from bmnas.errors import BmnasError
from bmnas.tasks.bad_sample import BadSample
from bmnas.tasks.fingerprint import add_lengths, add_tensor
from bmnas.tasks.loading import load
from bmnas.tasks.task import SampleSource, Split
from bmnas.tasks.tree import leaves

if TYPE_CHECKING:
    from hashlib import _Hash

_LOOKED_AT = 8


def spread(size: int) -> list[int]:
    """At most eight indices from the first to the last, evenly spaced."""
    count = min(size, _LOOKED_AT)
    return [index * (size - 1) // max(1, count - 1) for index in range(count)]


def read(source: Split | SampleSource, index: int, where: str) -> Split:
    """One sample as a batch; what is random in reading it is the same every time.

    Args:
        source: of the sample.
        index: of the sample.
        where: what messages call it.

    Raises:
        BadSample: it cannot be read.
        BmnasError: it is not (inputs by modality, label).
    """
    try:
        loaded = next(load(source, 1, start=index, workers=0))
    except BmnasError as error:
        raise BmnasError(f"{where}: {error}") from error
    if loaded.batch is None:
        raise BadSample(f"{where}: {loaded.bad[0].why}")
    return loaded.batch


def add_source(digest: _Hash, source: Split | SampleSource, modalities: Sequence[str], where: str) -> None:
    """Add the number of samples, and the inputs and labels of some (of all, if they are in memory), to a digest.

    Of a sample that cannot be read, that alone is added: what the error says may differ each time.

    Raises:
        BmnasError: a sample lacks a modality.
    """
    digest.update(f"{len(source)} samples\n".encode())
    for batch in _looked_at(source, where):
        if batch is None:
            digest.update(b"unreadable\n")
            continue
        for modality in modalities:
            if modality not in batch.inputs:
                raise BmnasError(f"{where} has samples without {modality!r}")
            for place, tensor in leaves(batch.inputs[modality]):
                digest.update(f"input {modality!r}{place}\n".encode())
                add_tensor(digest, tensor)
        add_tensor(digest, batch.labels)
        add_lengths(digest, batch.lengths)


def _looked_at(source: Split | SampleSource, where: str) -> Iterable[Split | None]:
    """All samples at once if they are in memory, else some, one by one; ``None`` for one that cannot be read."""
    if isinstance(source, Split):
        yield source
        return
    for index in spread(len(source)):
        try:
            yield read(source, index, f"sample {index} of {where}")
        except BadSample:
            yield None
