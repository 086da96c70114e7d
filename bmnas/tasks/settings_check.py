"""The settings that a task may suggest: a mapping. What the names mean, the searcher knows, which looks at them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bmnas.errors import BmnasError


def refuse_no_mapping(settings: Any) -> None:
    """Refuse what gives no values by name.

    Raises:
        BmnasError: it is no mapping.
    """
    if not isinstance(settings, Mapping):
        raise BmnasError(f"settings is a {type(settings).__name__}, but should give values by the names of settings")
