"""Word vectors from a local file in the text format of GloVe: a word and its numbers a line. Read as data alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bmnas.errors import BmnasError, short
from bmnas.files import reason
from bmnas.tasks.sequences.words import PADDING, Vocabulary

# A line of the published files has less than 10 KB.
_LONGEST_LINE = 2**18
_MOST_NUMBERS = 4096


@dataclass(frozen=True, eq=False)
class WordVectors:
    """Vectors of a vocabulary.

    Attributes:
        values: (words, size) float32; of padding zero, of words that the file has not drawn at random, with the mean
            and the deviation of those that it has.
        known: how many words of the vocabulary the file has.
    """

    values: Tensor
    known: int


def read_vectors(path: Path, words: Vocabulary, *, seed: int = 0) -> WordVectors:
    """The vectors of a vocabulary's words, from a file in GloVe's text format; word2vec's first line is passed over.

    Args:
        path: of the file, ``word number number ...`` a line, UTF-8.
        words: whose vectors are wanted.
        seed: of what is drawn for the words that are not in the file.

    Raises:
        BmnasError: the file cannot be read, a line is damaged (its number is named), or it has none of the words.
    """
    wanted = {word: words.number(word) for word in words.words}
    found: dict[int, np.ndarray[tuple[int], np.dtype[np.float64]]] = {}
    size = 0
    for number, line in _lines(path):
        parts = line.split()
        if number == 1 and len(parts) == 2 and all(part.isdigit() for part in parts):
            continue
        if size == 0:
            size = _size(path, number, parts)
        if len(parts) <= size:
            raise BmnasError(
                f"{path}: line {number} has {max(0, len(parts) - 1)} numbers after its word, but those before it have "
                f"{size}"
            )
        # Some published files have words with blanks in them, such as addresses.
        token = wanted.get(" ".join(parts[:-size]))
        if token is not None and token not in found:
            found[token] = _numbers(path, number, parts[-size:])
    if not found:
        raise BmnasError(f"{path}: has none of the {len(words.words)} words, such as {short(next(iter(wanted), ''))}")
    return WordVectors(_whole(found, len(words), size, seed), len(found))


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    number = 0
    try:
        with path.open("rb") as file:
            while data := file.readline(_LONGEST_LINE):
                number += 1
                if len(data) == _LONGEST_LINE:
                    raise BmnasError(f"{path}: line {number} is longer than {_LONGEST_LINE // 1024} KiB")
                try:
                    line = data.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as error:
                    raise BmnasError(f"{path}: line {number} is not UTF-8 text: byte {error.start}") from None
                if line.strip():
                    yield number, line
    except OSError as error:
        raise BmnasError(f"{path}: cannot be read: {reason(error)}") from error


def _size(path: Path, number: int, parts: list[str]) -> int:
    """How many numbers a vector has: what follows the word of the first line."""
    size = len(parts) - 1
    if not 1 <= size <= _MOST_NUMBERS:
        raise BmnasError(f"{path}: line {number} has {size} numbers after its word; vectors have 1 to {_MOST_NUMBERS}")
    _numbers(path, number, parts[1:])
    return size


def _numbers(path: Path, number: int, parts: list[str]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    for part in parts:
        try:
            good = math.isfinite(float(part)) and abs(float(part)) < 1e30
        except ValueError:
            good = False
        if not good:
            raise BmnasError(f"{path}: line {number} has {short(part)} where a finite number should be")
    return np.array([float(part) for part in parts])


def _whole(found: dict[int, np.ndarray[tuple[int], np.dtype[np.float64]]], count: int, size: int, seed: int) -> Tensor:
    there = np.stack(list(found.values()))
    values = np.random.RandomState(seed).standard_normal((count, size)) * there.std() + there.mean()
    for token, vector in found.items():
        values[token] = vector
    values[PADDING] = 0
    return torch.from_numpy(values.astype(np.float32))
