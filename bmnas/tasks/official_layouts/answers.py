"""The answers of VQA: how the official evaluation writes them, and how right each is when ten people answered.

The official accuracy of an answer is the mean, over the ten ways to leave one person out, of min(1, people who gave it
/ 3); that is 0, 0.3, 0.6, 0.9 or 1 for 0, 1, 2, 3, or more of the ten.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

# By how many of the ten people gave it.
_SCORES = (0.0, 0.3, 0.6, 0.9, 1.0)

_ARTICLES = ("a", "an", "the")
_NUMBERS = {
    word: str(number)
    for number, word in enumerate(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    )
} | {"none": "0"}
_PUNCTUATION = ';/[]"{}()=+\\_-><@`,?!'
_POINT = re.compile(r"\.(?!\d)")
_COMMA_IN_NUMBER = re.compile(r"\d,\d")
# Written without an apostrophe they are no other words.
_WITH_APOSTROPHE = (
    "ain't aren't can't could've couldn't didn't doesn't don't hadn't hasn't haven't isn't mightn't might've mustn't "
    "must've needn't shan't shouldn't should've that's there's they'd they'll they're they've wasn't weren't what'll "
    "what's where's who's won't would've wouldn't y'all you'd you'll you're you've he'd he's how'd how's it'd it'll "
    "let's ma'am o'clock somebody's someone's we've"
)
_CONTRACTIONS = {word.replace("'", ""): word for word in _WITH_APOSTROPHE.split()}


def normalised(answer: str) -> str:
    """An answer as the official evaluation compares it.

    Lower case; punctuation goes, between letters for a blank; numbers to ten are digits; articles go; contractions have
    their apostrophe.

    Example:
        >>> normalised("A dog."), normalised("two"), normalised("on/off"), normalised("1,000")
        ('dog', '2', 'on off', '1000')
    """
    text = answer.replace("\n", " ").replace("\t", " ").strip().lower()
    in_number = _COMMA_IN_NUMBER.search(text) is not None
    found = text
    for mark in _PUNCTUATION:
        if mark in text:
            beside_blank = f"{mark} " in text or f" {mark}" in text
            found = found.replace(mark, "" if beside_blank or in_number else " ")
    words = (_NUMBERS.get(word, word) for word in _POINT.sub("", found).split())
    return " ".join(_CONTRACTIONS.get(word, word) for word in words if word not in _ARTICLES)


def score_of(people: int) -> float:
    """How right an answer is that so many of ten people gave.

    Example:
        >>> [score_of(people) for people in range(6)]
        [0.0, 0.3, 0.6, 0.9, 1.0, 1.0]
    """
    return _SCORES[min(people, len(_SCORES) - 1)]


def frequent(answers: Iterable[str], more_than: int = 8) -> tuple[str, ...]:
    """The answers, already `normalised`, that are there more often than so many times, the most frequent first."""
    counts = Counter(answers)
    return tuple(answer for answer, count in counts.most_common() if count > more_than)


def soft_scores(answers: Sequence[str], known: Mapping[str, int]) -> dict[int, float]:
    """How right the known answers to one question are, by their number.

    Args:
        answers: of the people, as they gave them.
        known: numbers by answer, already `normalised`.
    """
    counts = Counter(map(normalised, answers))
    return {known[answer]: score_of(count) for answer, count in counts.items() if answer in known}
