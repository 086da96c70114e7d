"""Rows whose networks are trained together with their backbones, all with the same settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch

from bmnas.genotype import Genotype
from bmnas.genotype.presets import PRESETS, heads, last_features
from bmnas.joint import JointConfig, train_joint
from bmnas.joint.rows import joint_networks
from bmnas.searcher import open_run
from bmnas.searcher.answering import found_network
from bmnas.searcher.run.layout import FOUND
from bmnas.study.bench import Bench
from bmnas.study.said import Said
from bmnas.study.training import Keeping, plain, together
from bmnas.study.units import DELIVERED, Unit, folder_of_ours

JOINTLY = f"{DELIVERED}, jointly"
"""The title of what a search delivers, trained together with its backbones."""

MMTM = "MMTM, jointly"
_MMTM = "transfer modules between the backbones, heads of the last features added (Joze et al., CVPR 2020)"


@dataclass(frozen=True)
class Jointly(Unit):
    """A network, trained together with its backbones.

    Attributes:
        of: gives the network of a seed.
        config: settings of the joint training.
        transfer: whether there are transfer modules between the backbones.
    """

    of: Callable[[Bench, int], Genotype]
    config: JointConfig
    transfer: bool = False

    def said(self, bench: Bench, keeping: Keeping) -> dict[str, Said]:
        """Train it with each seed, first alone, then with the backbones."""
        return {self.name: together([self._trained(bench, seed, keeping) for seed in bench.seeds])}

    def _trained(self, bench: Bench, seed: int, keeping: Keeping) -> Said:
        genotype = self.of(bench, seed)
        keeping.folder.mkdir(parents=True, exist_ok=True)
        trained = train_joint(
            genotype,
            bench.task,
            self.config,
            train=bench.train.model_copy(update={"seed": seed, "modality_dropout": 0.0}),
            transfer=self.transfer,
            extraction=bench.extraction,
            device=bench.device,
            cache=bench.cache,
            checkpoint=keeping.folder / f"seed{seed}",
            report=bench.report,
        )
        assert trained.outputs is not None
        facts = {
            "genotypes": [plain(genotype)],
            "ends": {"epochs": trained.chosen.epochs if trained.chosen else self.config.epochs},
        }
        seconds = {"training": round(trained.seconds, 2)}
        return Said(torch.as_tensor(trained.outputs)[None], (trained.parameters,), (seconds,), facts)


def joint_units(config: JointConfig, modalities: Sequence[str], fusions: Sequence[str]) -> list[Unit]:
    """Each modality alone, late fusion, fusions from the literature, what our search has found, and what it delivers.

    Args:
        config: settings of the joint trainings.
        modalities: of the task.
        fusions: names of presets.
    """
    simple = [*(f"{modality} alone" for modality in modalities), *(["late fusion"] if len(modalities) > 1 else [])]
    own = "trained together with the backbones, from raw samples"
    return [
        *(Jointly(f"{name}, jointly", own, partial(_simple, name), config) for name in simple),
        *(Jointly(f"{name}, jointly", own, partial(_fusion, name), config) for name in fusions),
        *([Jointly(MMTM, f"{_MMTM}, {own}", _score_fusion, config, transfer=True)] if len(modalities) > 1 else []),
        Jointly(f"{FOUND}, jointly", f"what our search has found, {own}", _found, config),
        Jointly(JOINTLY, f"what bmnas search delivers, {own}", _delivered, config),
    ]


def _simple(name: str, bench: Bench, seed: int) -> Genotype:
    return joint_networks(bench.task, _delivered(bench, seed), "what is delivered")[name]


def _score_fusion(bench: Bench, _seed: int) -> Genotype:
    config, last = bench.config, last_features(bench.problem.features)
    frame = {"channels": config.channels, "length": config.length, "dropout": config.dropout}
    found: Genotype = heads(last, outputs=bench.task.outputs, **frame)
    return found.replace(name="mmtm")


def _fusion(name: str, bench: Bench, _seed: int) -> Genotype:
    config = bench.config
    frame = {"channels": config.channels, "length": config.length, "dropout": config.dropout}
    found: Genotype = PRESETS[name](last_features(bench.problem.features), outputs=bench.task.outputs, **frame)
    return found


def _found(bench: Bench, seed: int) -> Genotype:
    run = open_run(folder_of_ours(bench, seed))
    return found_network(run, run.folder_of(seed)).replace(members=1)


def _delivered(bench: Bench, seed: int) -> Genotype:
    return open_run(folder_of_ours(bench, seed)).genotype(seed).replace(members=1)
