"""From text to whole numbers: how a text is divided into words, and a vocabulary, which is kept as a JSON file."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from bmnas.errors import BmnasError, short
from bmnas.files import read_json, sealed_json, unsealed_json, write_atomically

PADDING = 0
UNKNOWN = 1
# 2 stays free, as in the released code of MMnas, so that its embeddings keep their rows.
_FREE = 2
_RESERVED = 3
FORMAT = "bmnas-words/1"

_REMOVED = re.compile(r"[.,'!?\"()*#:;]")
_BLANK = re.compile(r"[-/]")
_LIMIT = 2**26
_LONGEST_WORD = 200


def words_of(text: str) -> list[str]:
    """The words of a text: lower case, without ``. , ' ! ? " ( ) * # : ;``, divided at blanks, ``-`` and ``/``.

    The rule of MMnas (Yu et al., ACM MM 2020).

    Example:
        >>> words_of("Is the dog's ball on the left-hand side?")
        ['is', 'the', 'dogs', 'ball', 'on', 'the', 'left', 'hand', 'side']
    """
    return _BLANK.sub(" ", _REMOVED.sub("", text.lower())).split()


class Vocabulary:
    """Words by number: 0 is padding, 1 every unknown word, 2 is not used, the words begin at 3.

    Args:
        words: the words from number 3 on, all different.

    Raises:
        BmnasError: a word is there twice, or is none.

    Example:
        >>> words = Vocabulary.of(["is there a cat", "a dog"])
        >>> len(words), words.encode(["Is there a cow?"], length=6).tolist()
        (8, [[3, 4, 5, 1, 0, 0]])
    """

    def __init__(self, words: Iterable[str]) -> None:
        self.words = tuple(words)
        if len(self._numbers) != len(self.words):
            twice = next(word for word, count in Counter(self.words).items() if count > 1)
            raise BmnasError(f"the vocabulary has the word {short(twice)} twice")
        for word in self.words:
            if not word or word.split() != [word] or len(word) > _LONGEST_WORD:
                raise BmnasError(f"the vocabulary has {short(word)}, which is no word")

    @classmethod
    def of(cls, texts: Iterable[str], *, least: int = 1, most: int | None = None) -> Vocabulary:
        """The words of some texts in order of appearance.

        Args:
            texts: of the training split alone: a word that is seen in another split only has to be unknown.
            least: how often a word has to be there.
            most: how many numbers there may be, 0 to 2 included: the most frequent words are taken.
        """
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(words_of(text))
        known = [word for word, count in counts.items() if count >= least]
        if most is not None and len(known) > most - _RESERVED:
            rank = {word: place for place, (word, _) in enumerate(counts.most_common())}
            known = [word for word in known if rank[word] < most - _RESERVED]
        return cls(known)

    def __len__(self) -> int:
        """How many numbers there are, 0 to 2 included."""
        return len(self.words) + _RESERVED

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self.words == other.words

    def __hash__(self) -> int:
        return hash(self.words)

    def number(self, word: str) -> int:
        """The number of a word; 1 where it is unknown."""
        return self._numbers.get(word, UNKNOWN)

    def encode(self, texts: Sequence[str], length: int) -> np.ndarray[Any, Any]:
        """Texts as whole numbers (N, length), int64, 0 behind the last word.

        A text that is longer is cut; one without a word has one unknown word.
        """
        tokens = np.zeros((len(texts), length), dtype=np.int64)
        for row, text in enumerate(texts):
            numbers = [self.number(word) for word in words_of(text)[:length]] or [UNKNOWN]
            tokens[row, : len(numbers)] = numbers
        return tokens

    def decode(self, tokens: Iterable[int]) -> str:
        """The words of a row of numbers; ``?`` stands for an unknown one."""
        names = {UNKNOWN: "?", _FREE: "?"}
        return " ".join(
            names.get(int(token)) or self.words[int(token) - _RESERVED] for token in tokens if int(token) != PADDING
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the vocabulary as JSON, with a checksum; an existing file is replaced in one step."""
        write_atomically(path, sealed_json({"format": FORMAT, "words": list(self.words)}, indent=None))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Vocabulary:
        """The vocabulary that `save` wrote.

        Raises:
            BmnasError: the file cannot be read, was changed, or is something else.
        """
        try:
            data = unsealed_json(_checked(read_json(path, _LIMIT)))
            return cls(data["words"])
        except BmnasError as error:
            place = os.fspath(path)
            raise BmnasError(str(error) if str(error).startswith(place) else f"{place}: {error}") from None

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {word: number for number, word in enumerate(self.words, _RESERVED)}


def longest(texts: Iterable[str]) -> int:
    """How many words the longest of some texts has."""
    return max((len(words_of(text)) for text in texts), default=0)


def _checked(data: Any) -> Any:
    words = data.get("words") if isinstance(data, dict) else None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise BmnasError(f'is no vocabulary: a vocabulary has "format": "{FORMAT}"')
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise BmnasError('has no list of texts "words"')
    return data
