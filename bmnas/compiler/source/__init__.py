"""Genotype -> one Python file that depends on torch alone: `to_source`.

The file is written from the same plan that a `FusionNetwork` executes, block by block, so it has the same submodules:
a state dict of the one loads into the other. Nodes are (B, C, L), as in the paper and in torch's own layers.
"""

from bmnas.compiler.source.module import to_source

__all__ = ["to_source"]
