"""Read the two data sets of `av-digits` in their official files: FSDD's recordings (.wav) and MNIST's images (idx).

Both are data from elsewhere: sizes are checked before memory is taken, and what is wrong is one sentence.
"""

from __future__ import annotations

import gzip
import io
import re
import wave
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bmnas.errors import BmnasError
from bmnas.files import read_bytes, reason

RATE = 8000
SIDE = 28
HOW_TO_GET = (
    "the data folder holds free-spoken-digit-dataset/recordings/DIGIT_SPEAKER_INDEX.wav "
    "(from github.com/Jakobovski/free-spoken-digit-dataset) and mnist/t10k-images-idx3-ubyte.gz and "
    "mnist/t10k-labels-idx1-ubyte.gz (from ossci-datasets.s3.amazonaws.com/mnist)"
)

_RECORDINGS = ("free-spoken-digit-dataset/recordings", "recordings")
_MNIST = ("mnist", "MNIST/raw")
_IMAGES = "t10k-images-idx3-ubyte"
_LABELS = "t10k-labels-idx1-ubyte"
_NAME = re.compile(r"([0-9])_([A-Za-z]+)_(0|[1-9][0-9]{0,5})\.wav")
# A minute of sound, and ten times the larger part of MNIST: far more than the official files have.
_WAV_LIMIT = 60 * RATE * 2
_IDX_LIMIT = 600_000

_Array = np.ndarray[Any, Any]


@dataclass(frozen=True, order=True)
class Recording:
    """A recording by what its name says; recordings are ordered by digit, speaker and index."""

    digit: int
    speaker: str
    index: int
    path: Path


def find_recordings(data: Path) -> list[Recording]:
    """The recordings below the data folder, in order; only their names are looked at.

    Raises:
        BmnasError: there is no folder of recordings, none in it, or one has a name of another layout.
    """
    folder = _first_folder(data, _RECORDINGS, "the recordings")
    try:
        paths = [path for path in folder.iterdir() if path.suffix.lower() == ".wav" and not path.name.startswith(".")]
    except OSError as error:
        raise BmnasError(f"{folder}: cannot be read: {reason(error)}") from error
    if not paths:
        raise BmnasError(f"{folder}: holds no .wav file; {HOW_TO_GET}")
    return sorted(_recording(path) for path in sorted(paths))


def read_recording(path: Path) -> _Array:
    """The samples (T,) int16 of a recording at 8 kHz.

    Raises:
        BmnasError: it cannot be read, is truncated, is empty, or is not 8 kHz, mono, 16 bit PCM.
    """
    content = _read(path, _WAV_LIMIT)
    try:
        with wave.open(io.BytesIO(content)) as sound:
            channels, width, rate = sound.getnchannels(), sound.getsampwidth(), sound.getframerate()
            promised = sound.getnframes()
            # No more than there is: a header may promise gigabytes.
            frames = sound.readframes(min(promised, len(content)))
    except (wave.Error, EOFError, RuntimeError) as error:
        what = str(error).rstrip(".") or "it ends too early"
        raise BmnasError(f"{path}: is not a whole .wav file of PCM samples: {what}") from error
    if (channels, width, rate) != (1, 2, RATE):
        raise BmnasError(
            f"{path}: has {channels} channel(s) of {8 * width} bit at {rate} Hz; FSDD's recordings are "
            f"mono, 16 bit, {RATE} Hz"
        )
    if len(frames) != 2 * promised:
        raise BmnasError(f"{path}: is truncated: has {len(frames) // 2} of the {promised} samples that its header says")
    if not promised:
        raise BmnasError(f"{path}: is empty: its header says 0 samples")
    return np.frombuffer(frames, dtype="<i2").astype(np.int16)


def read_labels(data: Path) -> _Array:
    """MNIST's labels (N,) uint8, the digits 0 to 9, of the 10,000 test images.

    Raises:
        BmnasError: the file is missing, cannot be read, is no idx file of that kind, or has other labels.
    """
    path = _mnist_file(data, _LABELS)
    labels = _read_idx(path, magic=2049, shape=())
    if len(labels) and labels.max() > 9:
        where = int(labels.argmax())
        raise BmnasError(f"{path}: label {where} is {labels[where]}, but labels are the digits 0 to 9")
    return labels


def read_images(data: Path) -> _Array:
    """MNIST's images (N, 28, 28) uint8.

    Raises:
        BmnasError: the file is missing, cannot be read, or is no idx file of such images.
    """
    return _read_idx(_mnist_file(data, _IMAGES), magic=2051, shape=(SIDE, SIDE))


def read_labelled_images(data: Path) -> tuple[_Array, _Array]:
    """MNIST's images (N, 28, 28) and labels (N,), both uint8.

    Raises:
        BmnasError: as `read_images` and `read_labels`, or there are not as many of the one as of the other.
    """
    labels, images = read_labels(data), read_images(data)
    if len(labels) != len(images):
        raise BmnasError(f"{data}: MNIST's files have {len(images)} images but {len(labels)} labels")
    return images, labels


def _recording(path: Path) -> Recording:
    match = _NAME.fullmatch(path.name)
    if match is None:
        raise BmnasError(
            f"{path}: is not named as FSDD's recordings are: DIGIT_SPEAKER_INDEX.wav with a digit 0 to 9, "
            "as in 7_jackson_32.wav"
        )
    digit, speaker, index = match.groups()
    return Recording(int(digit), speaker, int(index), path)


def _first_folder(data: Path, names: Sequence[str], what: str) -> Path:
    for name in names:
        if (data / name).is_dir():
            return data / name
    raise BmnasError(f"{data / names[0]}: {what} are missing, there is no such folder; {HOW_TO_GET}")


def _mnist_file(data: Path, name: str) -> Path:
    folder = _first_folder(data, _MNIST, "MNIST's files")
    for path in (folder / f"{name}.gz", folder / name):
        if path.is_file():
            return path
    raise BmnasError(f"{folder / name}.gz: is missing; {HOW_TO_GET}")


def _read(path: Path, limit: int) -> bytes:
    return read_bytes(path, limit, f"{limit} bytes, a minute of sound; FSDD's recordings are single words")


def _read_idx(path: Path, *, magic: int, shape: tuple[int, ...]) -> _Array:
    """The bytes (N, *shape) of an idx file: a big-endian magic number, the sizes of the axes, then the values.

    Never more is unpacked than the header says, and it may not say more than `_IDX_LIMIT` items.
    """
    header_size = 4 * (2 + len(shape))
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            header = np.frombuffer(file.read(header_size), dtype=np.uint8)
            numbers = _header(path, header, header_size, magic, shape)
            size = numbers * int(np.prod(shape, dtype=int))
            content = file.read(size)
            more = bool(file.read(1))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BmnasError(f"{path}: is not a whole gzip file: {str(error).rstrip('.').lower()}") from error
    except OSError as error:
        raise BmnasError(f"{path}: cannot be read: {reason(error)}") from error
    if len(content) != size or more:
        found = "more" if more else f"only {len(content)}"
        raise BmnasError(f"{path}: its header says {numbers} items, {size} bytes, but it has {found}")
    return np.frombuffer(content, dtype=np.uint8).reshape(numbers, *shape)


def _header(path: Path, header: _Array, size: int, magic: int, shape: tuple[int, ...]) -> int:
    """The number of items that the header says, if it is of the right kind."""
    what = f"images of {SIDE} x {SIDE}" if shape else "labels"
    if len(header) < size:
        raise BmnasError(f"{path}: is not MNIST's file of {what}: it ends within the header")
    found, numbers, *rest = (int(number) for number in header.view(">u4"))
    if found != magic:
        raise BmnasError(f"{path}: is not MNIST's file of {what}: its magic number is {found}, not {magic}")
    if tuple(rest) != shape:
        raise BmnasError(f"{path}: has images of {' x '.join(map(str, rest))}, not {SIDE} x {SIDE}")
    if numbers > _IDX_LIMIT:
        raise BmnasError(f"{path}: its header says {numbers} items; MNIST has at most 60000")
    return numbers
