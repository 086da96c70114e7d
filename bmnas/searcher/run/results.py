"""What a search found, as values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bmnas.compiler import FusionNetwork, compile_genotype
from bmnas.compiler.export import load_weights
from bmnas.errors import BmnasError
from bmnas.genotype import Genotype
from bmnas.searcher.events import Row
from bmnas.searcher.run.shown import html_of, scores_of
from bmnas.searcher.run.summary import Summary


@dataclass(frozen=True)
class SeedResult:
    """What a search found with one seed.

    Attributes:
        seed: the seed.
        genotype: the best genotype by validation score, with its provenance.
        score: that validation score; what it is of, depends on the selection.
        rows: the comparison at the end; empty where it was not asked for.
        folder: the folder that has the genotype.
    """

    seed: int
    genotype: Genotype
    score: float
    rows: list[Row]
    folder: Path

    @cached_property
    def network(self) -> FusionNetwork:
        """The trained network, on the CPU and in eval mode; with its backbones it is `bmnas.load_model` of the folder.

        Raises:
            BmnasError: it was not trained, because the search had ``evaluate=False``.
        """
        weights = self.folder / "genotype.safetensors"
        if not weights.is_file():
            raise BmnasError(
                f"{weights}: is missing: the network was not trained; search with evaluate=True, or train it"
            )
        network = compile_genotype(self.genotype)
        load_weights(network, weights)
        return network.eval()

    def __repr__(self) -> str:
        return f"<SeedResult of seed {self.seed} in {self.folder}: {scores_of(self.genotype)}>"


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Attributes:
        genotype: the best genotype by validation score, with its provenance; of several seeds, the best of all.
        history: the run's `RoundDone` events as plain data, with ``event``, their kind.
        rows: that genotype's comparison at the end; empty where it was not asked for.
        folder: the run folder.
        seeds: the result of each seed.
        summary: what they have in common.
        begin: where networks began, as a sentence; empty in the paper's space.
    """

    genotype: Genotype
    history: list[dict[str, Any]]
    rows: list[Row]
    folder: Path
    seeds: list[SeedResult]
    summary: Summary
    begin: str = ""

    @property
    def network(self) -> FusionNetwork:
        """The trained network of the genotype, see `SeedResult.network`."""
        return next(each for each in self.seeds if each.genotype == self.genotype).network

    def __repr__(self) -> str:
        return f"<SearchResult in {self.folder}: {self.genotype.name!r}, {scores_of(self.genotype)}>"

    def _repr_html_(self) -> str:
        """For notebooks."""
        return html_of(f"{self.folder}: {scores_of(self.genotype)}", self.genotype, self.rows)
