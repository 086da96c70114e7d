"""Read the pickles that the released code writes, without unpickling: a machine that can build this one kind of data.

`pickletools` cuts the bytes into instructions; the ones below are all that a pickled genotype needs, in protocols 0 to
5. No module is imported, no function called, and what is built is never larger than the bytes that were read.
"""

from __future__ import annotations

import pickletools
from collections.abc import Mapping
from dataclasses import dataclass

from bmnas.errors import GenotypeError, short
from bmnas.genotype.official import raw
from bmnas.genotype.official.values import LIMIT, TOO_LARGE, OfficialGenotype

# Where the released code defines its two classes: its module, and the notebook that draws genotypes.
MODULES = ("models.search.darts.genotypes", "__main__")


@dataclass(frozen=True)
class _Word:
    """Something that a pickle names. Only its name is ever used."""

    name: str


_TUPLE, _RECONSTRUCT = _Word("tuple"), _Word("_reconstructor")

_WORDS: Mapping[tuple[str, str], _Word] = {
    **{(module, name): _Word(name) for module in MODULES for name in raw.FIELDS},
    ("builtins", "range"): _Word("range"),
    ("__builtin__", "xrange"): _Word("range"),
    # How protocols 0 and 1 make a named tuple: _reconstructor(Genotype, tuple, (edges, steps, concat)).
    ("copyreg", "_reconstructor"): _RECONSTRUCT,
    ("copy_reg", "_reconstructor"): _RECONSTRUCT,
    ("builtins", "tuple"): _TUPLE,
    ("__builtin__", "tuple"): _TUPLE,
}

_ATOMS = frozenset(
    {"INT", "LONG", "LONG1", "BININT", "BININT1", "BININT2"} | {"UNICODE", "BINUNICODE", "SHORT_BINUNICODE"}
)
_FIXED_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_GET = frozenset({"GET", "BINGET", "LONG_BINGET"})
_PUT = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})


def parse_pickle(data: bytes, source: str = "genotype") -> OfficialGenotype:
    """Read a genotype that the released code pickled, such as its ``best_genotype.pkl``.

    Args:
        data: the whole file.
        source: what error messages call it.

    Raises:
        GenotypeError: the data are not such a pickle.
    """
    try:
        if len(data) > LIMIT:
            raise GenotypeError(TOO_LARGE)
        return raw.build(_run(data))
    except GenotypeError as error:
        raise GenotypeError(f"{source}: {error}") from None


def _run(data: bytes) -> object:
    machine = _Machine()
    try:
        for opcode, argument, at in pickletools.genops(data):
            if opcode.name == "STOP":
                if at is not None and at + 1 != len(data):
                    raise GenotypeError(f"goes on after the end of the pickle, at byte {at + 1}")
                return machine.pop()
            machine.do(opcode.name, argument)
    except (ValueError, IndexError, KeyError, TypeError) as error:
        # What pickletools raises for bytes that are no instruction, or end too early, and the machine for an
        # instruction that finds nothing to work on.
        if isinstance(error, GenotypeError):
            raise
    raise GenotypeError("is a damaged pickle, or a file of another kind")


class _Machine:
    """The stack and the memory of a pickle."""

    def __init__(self) -> None:
        self.stack: list[object] = []
        self.below: list[list[object]] = []  # the stacks under the marks
        self.memo: dict[int, object] = {}

    def pop(self) -> object:
        return self.stack.pop()

    def do(self, name: str, argument: object) -> None:
        """One instruction.

        Raises:
            GenotypeError: no genotype needs it.
            IndexError, KeyError, TypeError: there is nothing on the stack, or in the memory, that it could work on.
        """
        if name in _ATOMS:
            self.stack.append(argument)
        elif name in _FIXED_TUPLES:
            self._tuple(_FIXED_TUPLES[name])
        elif name in _GET:
            self.stack.append(self.memo[_index(argument)])
        elif name in _PUT:
            self.memo[_index(argument)] = self.stack[-1]
        else:
            self._other(name, argument)

    def _other(self, name: str, argument: object) -> None:
        match name:
            case "PROTO" | "FRAME":
                pass
            case "MEMOIZE":
                self.memo[len(self.memo)] = self.stack[-1]
            case "MARK":
                self.below.append(self.stack)
                self.stack = []
            case "TUPLE":
                self._replace_marked(tuple(self.stack))
            case "LIST":
                self._replace_marked(list(self.stack))
            case "EMPTY_LIST":
                self.stack.append([])
            case "APPEND":
                item = self.pop()
                _as_list(self.stack[-1]).append(item)
            case "APPENDS":
                items, self.stack = self.stack, self.below.pop()
                _as_list(self.stack[-1]).extend(items)
            case "GLOBAL":
                module, _, word = str(argument).partition(" ")
                self.stack.append(_word(module, word))
            case "STACK_GLOBAL":
                second, first = self.pop(), self.pop()
                self.stack.append(_word(first, second))
            case "NEWOBJ" | "REDUCE":
                values, function = self.pop(), self.pop()
                self.stack.append(_called(function, values))
            case _:
                raise GenotypeError(f"is a pickle with the instruction {name}, which no pickled genotype has")

    def _tuple(self, size: int) -> None:
        if len(self.stack) < size:
            raise IndexError
        first = len(self.stack) - size
        self.stack[first:] = [tuple(self.stack[first:])]

    def _replace_marked(self, value: object) -> None:
        self.stack = self.below.pop()
        self.stack.append(value)


def _word(module: object, name: object) -> _Word:
    if not isinstance(module, str) or not isinstance(name, str):
        raise TypeError
    found = _WORDS.get((module, name))
    if found is None:
        raise GenotypeError(
            f"is a pickle that asks for {short(f'{module}.{name}')}, but a pickled genotype needs only "
            f"{MODULES[0]}.Genotype and .StepGenotype; nothing of it was run"
        )
    return found


def _called(word: object, values: object) -> object:
    if not isinstance(word, _Word) or not isinstance(values, tuple):
        raise TypeError
    if word == _RECONSTRUCT:
        word, base, values = values  # a ValueError unless there are three
        if base != _TUPLE or not isinstance(word, _Word) or not isinstance(values, tuple):
            raise TypeError
    if word.name != "range" and word.name not in raw.FIELDS:
        raise TypeError
    return raw.call(word.name, values)


def _as_list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _index(argument: object) -> int:
    if not isinstance(argument, int):
        raise TypeError
    return argument
