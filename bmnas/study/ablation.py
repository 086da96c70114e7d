"""The rows of an ablation: which features are read (Table 6 of BM-NAS), and how they are fused (Table 7).

Both begin at one network, such as a search has found. Rows of the first table have its cells' inner structure and read
something else; rows of the second read what it reads, and have another inner structure.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from random import Random

from bmnas.errors import BmnasError
from bmnas.fit.seeding import stream
from bmnas.genotype import Cell, Genotype
from bmnas.genotype.presets import like
from bmnas.searcher.run.baselines import Baseline, rows_of
from bmnas.searcher.strategies import STRATEGIES
from bmnas.study.bench import Bench
from bmnas.study.units import Drawn, Fixed, Searched, Unit

FEATURES, FUSION = "features", "fusion"
SEARCHED = "searched"
"""The title of the network that is ablated."""

_FUSIONS = {
    "sum": "the inputs of a cell added up, as DARTS combines nodes (Liu, Simonyan and Yang, ICLR 2019)",
    "concat-fc": "one fully connected layer in each cell, as in MFAS (Pérez-Rúa et al., CVPR 2019)",
    "mha": "multi-head attention, as in the Transformer (Vaswani et al., NIPS 2017)",
    "aoa": "attention on attention, as in AoANet (Huang et al., ICCV 2019)",
}


def ablation(genotype: Genotype, others: Mapping[str, Genotype] | None = None) -> dict[str, list[Unit]]:
    """The units of an ablation, by table.

    Args:
        genotype: what is ablated.
        others: further networks by title, rows of the second table.

    Raises:
        BmnasError: the genotype has no cells, so there is nothing to ablate.
    """
    if not genotype.cells:
        raise BmnasError(f"{genotype.name} has no cells, so that there are none to ablate")
    searched = Fixed(SEARCHED, "the network as it is", partial(_trained, genotype))
    features: list[Unit] = [
        Drawn(
            "random",
            "random features and connections between cells, another choice with each seed; the inner structure of "
            "the cells is that of the network",
            lambda bench, seed: _trained(with_random_inputs(genotype, bench, seed), bench),
        ),
        Fixed("late fusion", "the last features of all modalities, concatenated", _late_fusion),
    ]
    if "mfas" in STRATEGIES:
        features.append(Searched("MFAS", "what MFAS finds (Pérez-Rúa et al., CVPR 2019)", {"strategy": "mfas"}))
    fusion: list[Unit] = [
        Fixed(name, source, partial(_trained, like(genotype, name))) for name, source in _FUSIONS.items()
    ]
    fusion += [Fixed(title, "given", partial(_trained, other)) for title, other in (others or {}).items()]
    return {FEATURES: [*features, searched], FUSION: [*fusion, searched]}


def with_random_inputs(genotype: Genotype, bench: Bench, seed: int) -> Genotype:
    """The genotype with cells that read features of the task and earlier cells at random, none of them one twice."""
    random = Random(stream(seed, "random inputs"))
    nodes = [feature.name for feature in bench.problem.features]
    cells: list[Cell] = []
    for cell in genotype.cells:
        count = len(cell.inputs)
        drawn = random.sample(nodes, count) if count <= len(nodes) else random.choices(nodes, k=count)
        cells.append(cell.model_copy(update={"inputs": tuple(drawn)}))
        nodes.append(cell.name)
    read = {name for cell in cells for name in cell.inputs} | set(genotype.output)
    features = tuple(feature for feature in bench.problem.features if feature.name in read)
    return genotype.replace(name="random-inputs", features=features, cells=tuple(cells), provenance=None)


def _trained(genotype: Genotype, bench: Bench) -> Baseline:
    """With heads that are fitted as a search fits them, where it has any."""
    anchor = bench.problem.anchor if genotype.join == "sum" else None
    return Baseline(genotype, anchor.training if anchor else {})


def _late_fusion(bench: Bench) -> Baseline:
    return rows_of(bench.problem)["late fusion"]
