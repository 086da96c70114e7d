"""JSON text as a genotype. Reading never executes anything."""

from __future__ import annotations

from bmnas.errors import BmnasError, GenotypeError
from bmnas.files import parse_json
from bmnas.genotype.genotype import Genotype, from_dict


def loads(text: str, source: str = "genotype") -> Genotype:
    """Read a genotype from JSON text; ``source`` is what error messages call it.

    Raises:
        GenotypeError: the text is not JSON or not a genotype.
    """
    try:
        data = parse_json(text)
    except BmnasError as error:
        hint = "; bmnas convert reads the genotypes of the released code" if "Genotype(" in text else ""
        raise GenotypeError(f"{source}: {error}{hint}") from None
    if isinstance(data, dict) and isinstance(data.get("$schema"), str):
        del data["$schema"]  # a note for editors
    return from_dict(data, source)
