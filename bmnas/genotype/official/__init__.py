"""Genotypes of the released BM-NAS code, in and out: its text and its pickles, as data that nothing executes.

parsed = official.parse("Genotype(edges=[('skip', 2), ...], steps=[StepGenotype(...)], concat=[8, 9])")
genotype = official.to_genotype(parsed, like=published.load("ntu-1"))
print(official.from_genotype(genotype))
"""

from bmnas.genotype.official.conversion import REPRESENTATION, from_genotype, to_genotype
from bmnas.genotype.official.files import kind_of, load, read
from bmnas.genotype.official.pickled import parse_pickle
from bmnas.genotype.official.text import parse
from bmnas.genotype.official.values import OfficialCell, OfficialGenotype

__all__ = [
    "REPRESENTATION",
    "OfficialCell",
    "OfficialGenotype",
    "from_genotype",
    "kind_of",
    "load",
    "parse",
    "parse_pickle",
    "read",
    "to_genotype",
]
