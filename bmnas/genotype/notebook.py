"""Genotypes in notebooks: a genotype at the end of a cell is shown as its picture."""

from __future__ import annotations

from bmnas.errors import BmnasError
from bmnas.genotype.genotype import Genotype
from bmnas.genotype.parsing import AnyGenotype
from bmnas.genotype.stacks import StackGenotype


def picture(genotype: AnyGenotype) -> str | None:
    """The drawing as SVG; ``None`` where there is too much to draw, or no Graphviz."""
    from bmnas.genotype.drawing import to_svg

    try:
        return to_svg(genotype)
    except BmnasError:
        return None


Genotype._picture = picture
StackGenotype._picture = picture
