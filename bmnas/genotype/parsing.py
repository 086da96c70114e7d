"""JSON text as a genotype. Reading never executes anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from bmnas.errors import BmnasError, GenotypeError, did_you_mean, short
from bmnas.files import parse_json
from bmnas.genotype.genotype import Genotype, from_dict
from bmnas.genotype.stacks import KIND, StackGenotype, from_dict as stacks_from_dict

AnyGenotype: TypeAlias = Genotype | StackGenotype

FUSION = "fusion"
KINDS = (FUSION, KIND)
"""What ``kind`` may be in a file; the first one where it is left out."""


def loads(text: str, source: str = "genotype") -> Genotype:
    """Read the genotype of a fusion network from JSON text; ``source`` is what error messages call it.

    Raises:
        GenotypeError: the text is not JSON, not a genotype, or one of another kind.
    """
    return of_fusion(loads_any(text, source), source)


def loads_any(text: str, source: str = "genotype") -> Any:
    """Read a genotype of any kind from JSON text; arguments and errors are those of `loads`."""
    try:
        data = parse_json(text)
    except BmnasError as error:
        hint = "; bmnas convert reads the genotypes of the released code" if "Genotype(" in text else ""
        raise GenotypeError(f"{source}: {error}{hint}") from None
    if isinstance(data, dict) and isinstance(data.get("$schema"), str):
        del data["$schema"]  # a note for editors
    return from_dict_any(data, source)


def from_dict_any(data: Any, source: str = "genotype") -> Any:
    """A genotype of any kind from plain Python data, as JSON gives it: of the ``kind`` that it says, or of fusion.

    Raises:
        GenotypeError: the data are not a genotype.
    """
    if not isinstance(data, Mapping) or "kind" not in data:
        return from_dict(data, source)
    kind = data["kind"]
    if kind == KIND:
        return stacks_from_dict(data, source)
    if kind == FUSION:
        return from_dict({key: value for key, value in data.items() if key != "kind"}, source)
    near = did_you_mean(kind, KINDS) if isinstance(kind, str) else f"; it is one of {', '.join(KINDS)}"
    raise GenotypeError(f"{source}: kind is {short(kind)}, which is no kind of genotype{near}")


def of_fusion(genotype: AnyGenotype, source: str) -> Genotype:
    """A genotype that has to be that of a fusion network.

    Raises:
        GenotypeError: it is of another kind.
    """
    if isinstance(genotype, Genotype):
        return genotype
    raise GenotypeError(f"{source}: is an encoder-decoder genotype, and a fusion network is needed here")
