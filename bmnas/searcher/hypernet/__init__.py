"""The relaxed network of a search: all fusion networks of a space at once, with weights for every choice.

`plan` has it as a plan, `network.Hypernet` executes that, `mixing` turns alpha, beta and gamma into the weights of the
alternatives.
"""

from bmnas.searcher.hypernet.mixing import Mixing, Relaxation
from bmnas.searcher.hypernet.network import Hypernet
from bmnas.searcher.hypernet.seeds import of_seed, stacked
from bmnas.searcher.hypernet.size import HypernetSize

__all__ = ["Hypernet", "HypernetSize", "Mixing", "Relaxation", "of_seed", "stacked"]
