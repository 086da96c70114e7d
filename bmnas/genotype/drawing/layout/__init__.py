"""Where things stand that are read from left to right: layers of boxes, and wires that meet no box but their own.

Layers and lanes after Sugiyama, Tagawa and Toda (1981), channels and tracks as in the routing of circuits. Knows
nothing of genotypes, colours or Graphviz. Lengths are in points, along the flow of the data and across it.
"""
