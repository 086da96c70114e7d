"""What an operation computes, in the words of the genotype language."""

from __future__ import annotations

from bmnas.genotype.lookup import find


def in_words(op: str, dialect: str) -> str:
    """The equation of an operation in a dialect."""
    operation = find(op)
    if dialect == "paper" or not operation.official:
        return f"{operation.equation}."
    if operation.official.startswith("instead: "):
        return f"{operation.official.removeprefix('instead: ')}."
    return f"{operation.equation}; {operation.official}."
