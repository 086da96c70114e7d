"""The forms of what was found that a final choice tries: the same cells, in networks of other outputs and sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from bmnas.genotype import Genotype, Representation
from bmnas.genotype.presets import last_features

Form = Literal["as found", "concatenated", "wide"]

AS_FOUND: Form = "as found"

WIDE = Representation(channels=256, length=1)
"""Wider than the networks of a search, pooled to one position. Twice as wide was no better, at four times the cost."""


def forms_of(found: Genotype) -> dict[Form, Genotype]:
    """All forms of a genotype, itself among them; of one without heads of features and cells there are no others."""
    if found.join != "sum" or not found.cells:
        return {AS_FOUND: found}
    return {form: make(found) for form, make in _FORMS.items() if form != "wide" or can_be(found, WIDE)}


def in_form(found: Genotype, form: Form) -> Genotype:
    """A genotype in one of its forms; as it is, where it has no others."""
    return forms_of(found).get(form, found)


def form_told(entry: Mapping[str, Any]) -> Form:
    """The form that a final choice has taken, of its entry in a history; earlier ones have told of the join alone."""
    join: Form = "concatenated" if entry.get("join") == "concat" else AS_FOUND
    form: Form = entry.get("form", join)
    return form


def concatenated(found: Genotype) -> Genotype:
    """An anchored network with late fusion in place of heads: one head reads the last features and the cells together.

    Heads are solved, and cells can do little but correct what they say wrong; late fusion learns together with the
    cells. Which is better depends on the data, and the same cells serve for both.
    """
    cells = [cell.name for cell in found.cells]
    nodes = [feature.name for feature in last_features([f for f in found.features if f.name in found.output])]
    return found.replace(join="concat", output=(*nodes, *[name for name in found.output if name in cells]))


def wide(found: Genotype) -> Genotype:
    """The same `concatenated`, of the size `WIDE`: a search takes place in small networks, which need not be best."""
    return concatenated(found).replace(representation=WIDE)


def can_be(genotype: Genotype, size: Representation) -> bool:
    """Whether a size is another one than a genotype has, wider or shorter, and all features are reshaped to it."""
    own = genotype.representation
    is_smaller = own.channels < size.channels or own.length > size.length
    return is_smaller and all(feature.reshape != "none" for feature in genotype.features)


_FORMS: Mapping[Form, Callable[[Genotype], Genotype]] = {
    AS_FOUND: lambda found: found,
    "concatenated": concatenated,
    "wide": wide,
}
