"""Any operation by its name: of the package's table, registered, or offered by an installed package."""

from __future__ import annotations

from bmnas.genotype import extension
from bmnas.genotype.operation import Operation
from bmnas.genotype.operations import OPERATIONS


def find(name: str) -> Operation:
    """The operation of that name: of the table, registered, or offered by an installed package.

    Raises:
        KeyError: there is none.
        BmnasError: an installed package offers it, but cannot be loaded.
    """
    if name in OPERATIONS:
        return OPERATIONS[name]
    return extension.find(name)


def known() -> list[str]:
    """The names of all operations: those of the table first, then those from outside the package."""
    return [*OPERATIONS, *extension.names()]
