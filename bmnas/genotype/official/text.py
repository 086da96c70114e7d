"""Read the text that the released code prints: a few words, brackets, names in quotes and whole numbers.

Python's own parser is not used: it takes more than this language has, and long before the end of a text made to harm
it, memory or the stack can be used up.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from bmnas.errors import GenotypeError
from bmnas.genotype.official import raw
from bmnas.genotype.official.values import LIMIT, TOO_LARGE, OfficialGenotype

_DEPTH = 8  # brackets in brackets; a genotype has six
_DIGITS = 9
_CLOSING = {"(": ")", "[": "]"}
_TOKEN = re.compile(
    r"""(?P<word>[A-Za-z_][A-Za-z_0-9]*) | (?P<number>[0-9]+)
      | (?P<string>'[^'\\\n]*' | "[^"\\\n]*") | (?P<sign>[()\[\],=])""",
    re.VERBOSE,
)
_SPACE = re.compile(r"\s*")
_BEGIN = re.compile(r"(?<![A-Za-z_0-9])Genotype\s*\(")


def parse(text: str, source: str = "genotype") -> OfficialGenotype:
    """Read ``Genotype(edges=[...], steps=[StepGenotype(...), ...], concat=[...])``.

    Values may also be given by position, lists may be tuples, and numbers in a row ``range(8, 10)``. What stands before
    is passed over: the time and the ``genotype = `` of a log or a notebook, and the sign of a comment in every line.

    Args:
        text: as the released code prints it; white space and line breaks do not matter.
        source: what error messages call it.

    Raises:
        GenotypeError: the text is not such a genotype, or has several.
    """
    try:
        if len(text) > LIMIT:
            raise GenotypeError(TOO_LARGE)
        return raw.build(_Reader(_alone(text)).whole())
    except GenotypeError as error:
        raise GenotypeError(f"{source}: {error}") from None


def _alone(text: str) -> str:
    """The text with blanks for all that stands before the genotype, so that places in it stay what they are."""
    begins = [found.start() for found in _BEGIN.finditer(text)]
    if not begins:
        return text
    if len(begins) > 1:
        raise GenotypeError(
            f"has {len(begins)} genotypes, the first {_where(text, begins[0])}, the last {_where(text, begins[-1])}; "
            "leave only the one that is meant"
        )
    before, own = text[: begins[0]], text[begins[0] :]
    if before.rstrip().endswith(("[", "(", ",")):
        return text  # it is a part of something else, which is told as what it is
    if before.rpartition("\n")[2].lstrip().startswith("#"):
        own = re.sub(r"^([ \t]*)#", r"\1 ", own, flags=re.MULTILINE)
    return re.sub(r"\S", " ", before) + own


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


class _Reader:
    """Recursive descent; every method reads from the next token on, and leaves the one after its own as the next."""

    def __init__(self, text: str) -> None:
        self.source = text
        self.tokens = _tokens(text)
        self.position = 0

    def whole(self) -> object:
        value = self.value(0)
        if self.next.kind != "end":
            raise self.unexpected("the end of the text")
        return value

    @property
    def next(self) -> _Token:
        return self.tokens[self.position]

    def take(self) -> _Token:
        token = self.next
        self.position += 1
        return token

    def value(self, depth: int) -> object:
        if depth > _DEPTH:
            raise GenotypeError(f"is nested too deeply {_where(self.source, self.next.at)}")
        kind, text, _ = self.next
        if kind == "number" and len(text) <= _DIGITS:
            return int(self.take().text)
        if kind == "string":
            return self.take().text[1:-1]
        if text in _CLOSING:
            return self.sequence(depth)
        if kind == "word" and (text == "range" or text in raw.FIELDS):
            self.take()
            positional, named, _ = self.items(depth)
            return raw.call(text, positional, named)
        raise self.unexpected("a value or a bracket" if self.position else "Genotype(...)")

    def sequence(self, depth: int) -> object:
        opening = self.next.text
        positional, named, ends_with_comma = self.items(depth)
        if named:
            raise GenotypeError(f"has {named[0][0]}=... in a list, which has no names")
        # In Python (8) is 8, and (8,) a tuple.
        if opening == "(" and len(positional) == 1 and not ends_with_comma:
            return positional[0]
        return positional

    def items(self, depth: int) -> tuple[list[object], list[tuple[str, object]], bool]:
        """What stands between brackets: values, values with names, and whether a comma is last."""
        opening = self.next.text
        if opening not in _CLOSING:
            raise self.unexpected("an opening bracket")
        self.take()
        closing = _CLOSING[opening]
        positional: list[object] = []
        named: list[tuple[str, object]] = []
        comma = True
        while self.next.text != closing or self.next.kind != "sign":
            if not comma:
                raise self.unexpected(f"a comma or {closing!r}")
            name = self.name()
            if name is None and named:
                raise self.unexpected("a name and '='")
            value = self.value(depth + 1)
            if name is None:
                positional.append(value)
            else:
                named.append((name, value))
            comma = self.next.text == ","
            if comma:
                self.take()
        self.take()
        return positional, named, comma and bool(positional or named)

    def name(self) -> str | None:
        """The name before a value, where there is one."""
        if self.next.kind == "word" and self.tokens[self.position + 1].text == "=":
            name = self.take().text
            self.take()
            return name
        return None

    def unexpected(self, expected: str) -> GenotypeError:
        kind, text, at = self.next
        found = "ends" if kind == "end" else f"has {text if len(text) <= 40 else text[:40] + '...'}"
        return GenotypeError(f"{found} {_where(self.source, at)}, where {expected} should be")


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while True:
        space = _SPACE.match(text, at)
        at = space.end() if space else at
        if at == len(text):
            return [*tokens, _Token("end", "", at)]
        found = _TOKEN.match(text, at)
        if not found:
            raise GenotypeError(f"has {text[at]!r} {_where(text, at)}, which is not part of the text of a genotype")
        tokens.append(_Token(str(found.lastgroup), found.group(), at))
        at = found.end()


def _where(text: str, at: int) -> str:
    return f"at line {text.count(chr(10), 0, at) + 1}, column {at - text.rfind(chr(10), 0, at)}"
