"""The genotype language: what a fusion network is, as a small file. Nothing here imports torch."""

from bmnas.genotype import notebook as notebook  # tells genotypes how they are drawn
from bmnas.genotype.extension import operation
from bmnas.genotype.genotype import Genotype, from_dict
from bmnas.genotype.opening import load
from bmnas.genotype.operation import Operation, Options
from bmnas.genotype.operations import INPUT_NAMES, OPERATIONS
from bmnas.genotype.parsing import loads
from bmnas.genotype.schema import Cell, Feature, Head, Provenance, Representation, Step
from bmnas.genotype.schema_file import json_schema
from bmnas.genotype.writing import dumps, save

__all__ = [
    "INPUT_NAMES",
    "OPERATIONS",
    "Cell",
    "Feature",
    "Genotype",
    "Head",
    "Operation",
    "Options",
    "Provenance",
    "Representation",
    "Step",
    "dumps",
    "from_dict",
    "json_schema",
    "load",
    "loads",
    "operation",
    "save",
]
