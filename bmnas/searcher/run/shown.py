"""What a search found, in a line and as HTML for notebooks."""

from __future__ import annotations

from collections.abc import Sequence

from bmnas.genotype import Genotype
from bmnas.genotype.telling import in_words
from bmnas.searcher.events import Row
from bmnas.searcher.markup import paragraphs, picture, table


def scores_of(genotype: Genotype) -> str:
    """``validation 0.9889, test 0.9777``: what its provenance knows of."""
    scores = genotype.provenance.scores if genotype.provenance is not None else {}
    return ", ".join(f"{name} {score:.4f}" for name, score in scores.items())


def html_of(title: str, genotype: Genotype, rows: Sequence[Row]) -> str:
    """The comparison, the genotype in words, and its picture."""
    entries = [(row.name, f"{row.test:.4f}", f"{row.parameters:,}", f"{row.seconds:.1f}") for row in rows]
    compared = table(("network", "test", "parameters", "seconds"), entries) if rows else ""
    return paragraphs([title]) + compared + paragraphs([in_words(genotype)]) + picture(genotype)
