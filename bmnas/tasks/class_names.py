"""What the outputs of a network are called."""

from __future__ import annotations

from collections.abc import Sequence

from bmnas.errors import BmnasError, short


def checked_names(names: Sequence[str], outputs: int) -> tuple[str, ...]:
    """The names as given.

    Args:
        names: one for each output; none where the outputs have no names but their numbers.
        outputs: how many there are.

    Raises:
        BmnasError: there are not as many names as outputs, two are equal, or one is no printable text.
    """
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise BmnasError(f"class_names is {short(names)}, but should be a list of texts")
    if names and len(names) != outputs:
        raise BmnasError(f"class_names has {len(names)} names, but there are {outputs} outputs")
    seen = set[str]()
    for name in names:
        if not name.strip() or not name.isprintable():
            raise BmnasError(f"class_names has {short(name)}, which is no printable text")
        if name in seen:
            raise BmnasError(f"class_names has {short(name)} twice")
        seen.add(name)
    return tuple(names)
