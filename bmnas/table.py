"""Things that are chosen by name: one kind in one table, where two cannot share a name, and a wrong name is answered.

A kind that other packages may add to has a group of entry points: what an installed package offers there is found by
its name, and loaded only when somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from bmnas.errors import BmnasError, did_you_mean, short

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")


class Table(Mapping[str, T]):
    """Members by name, in their order.

    Args:
        what: a member in a word or two, as sentences call it: ``"strategy"``.
        members: those that come with the package.
        name: the name of a member; its attribute ``name`` if left out.
        group: the group of entry points by which installed packages add members.
        cutoff: how near a name has to be to be offered, as in `did_you_mean`.

    Raises:
        ValueError: two members have one name.

    Example:
        >>> colours = Table("colour", [str.lower, str.upper], name=lambda member: member.__name__)
        >>> list(colours)
        ['lower', 'upper']
        >>> colours.find("uper")
        Traceback (most recent call last):
        bmnas.errors.BmnasError: unknown colour 'uper'; did you mean 'upper'?
    """

    def __init__(
        self,
        what: str,
        members: Iterable[T],
        *,
        name: Callable[[T], str] | None = None,
        group: str | None = None,
        cutoff: float = 0.6,
    ) -> None:
        self.what = what
        self._name_of = name or _own_name
        self._group, self._cutoff = group, cutoff
        self._members: dict[str, T] = {}
        for member in members:
            self.add(member)

    def add(self, member: T) -> T:
        """Make a member known in this process; it is given back, so that this decorates.

        Raises:
            ValueError: another member has its name.
        """
        name = self._name_of(member)
        if name in self._members:
            raise ValueError(f"there already is a {self.what} {name!r}")
        self._members[name] = member
        return member

    def find(self, name: str) -> T:
        """The member of that name.

        Raises:
            BmnasError: there is none; the message has the nearest name. Or an installed package cannot load it.
        """
        if name in self._members:
            return self._members[name]
        for entry in self._offered():
            if entry.name == name:
                return self.add(self._loaded(entry))
        raise BmnasError(f"unknown {self.what} {short(name)}{self.nearest(name)}")

    def nearest(self, name: str) -> str:
        """The end of a sentence that refuses a name, see `did_you_mean`."""
        return did_you_mean(name, self.names(), self._cutoff)

    def names(self) -> list[str]:
        """Those of all members, and of those that installed packages offer; loads none of these."""
        return list(dict.fromkeys([*self._members, *sorted(entry.name for entry in self._offered())]))

    def loadable(self) -> list[str]:
        """The names of all members, those of installed packages loaded now; one that cannot be loaded is left out."""
        return [name for name in self.names() if self._can_load(name)]

    def __getitem__(self, name: str) -> T:
        return self._members[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def _can_load(self, name: str) -> bool:
        with suppress(BmnasError):
            self.find(name)
            return True
        return False

    def _offered(self) -> Iterable[EntryPoint]:
        if self._group is None:
            return ()
        from importlib.metadata import entry_points  # slow to import

        return entry_points(group=self._group)

    def _loaded(self, entry: EntryPoint) -> T:
        where = f"the {self.what} {entry.name!r}, which the entry point {entry.value} offers,"
        try:
            member: T = entry.load()
            named = self._name_of(member)
        except Exception as error:  # the code of others: anything can happen when it is loaded
            raise BmnasError(f"{where} cannot be loaded: {error}") from error
        if named != entry.name:
            raise BmnasError(f"{where} calls itself {named!r}")
        return member


def _own_name(member: object) -> str:
    name: str = member.name  # type: ignore[attr-defined]
    return name
