"""The compiler: any valid genotype -> a plain torch network."""

from bmnas.compiler.network import FeatureError, FusionNetwork, compile_genotype
from bmnas.compiler.pooling import pool
from bmnas.compiler.summary import Summary, summarise

__all__ = ["FeatureError", "FusionNetwork", "Summary", "compile_genotype", "pool", "summarise"]
