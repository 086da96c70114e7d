"""How the training of a network begins: on which samples, with which weights, scales and heads, and for how long."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bmnas.compiler import FusionNetwork, compile_genotype
from bmnas.fit.heads import HeadsFit
from bmnas.fit.seeding import seeded, stream
from bmnas.genotype import Genotype
from bmnas.genotype.graph import used_cells, used_features
from bmnas.searcher.anchor import begin_as, begun, groups_of
from bmnas.searcher.settings import TrainConfig
from bmnas.tasks import Data, FeatureStore, SplitName, Task
from bmnas.tasks.store import Chosen

_BOTH: tuple[SplitName, SplitName] = ("train", "validation")


@dataclass(frozen=True, eq=False)
class Single:
    """One of the trainings.

    Attributes:
        seed: of everything random in it.
        samples: ascending, where not all of training + validation are trained on.
    """

    seed: int
    samples: Tensor | None = None


class Beginning:
    """What trainings of a genotype begin with.

    Args:
        genotype: of one network, with the task's channels.
        task: gives the loss.
        store: has the features.
        config: the settings; its seed is not read.
        device: where they are done.

    Attributes:
        names: the features that are read.
        whole: training + validation.
        heads: how the heads of features were fitted for the first network, and so for all; ``None`` where there are
            none.
    """

    def __init__(
        self, genotype: Genotype, task: Task, store: FeatureStore, config: TrainConfig, device: torch.device
    ) -> None:
        self.names = used_features(genotype)
        self.whole = store.data(*_BOTH, names=self.names, device=device)
        self.heads: HeadsFit | None = None
        self._genotype, self._task, self._config, self._device = genotype, task, config, device
        self._groups, self._validation = groups_of(task, store, *_BOTH), store.size("validation")
        self._begun: list[tuple[Tensor | None, FusionNetwork]] = []

    def data(self, single: Single) -> Data:
        """What it is trained on."""
        return self.whole if single.samples is None else Chosen(self.whole, single.samples)

    def network(self, single: Single) -> FusionNetwork:
        """With fresh weights, and scales and heads as the samples say."""
        with seeded(stream(single.seed, "train"), self._device):
            network = compile_genotype(self._genotype).to(self._device)
        same = next((other for samples, other in self._begun if samples is single.samples), None)
        if same is not None:
            begin_as(network, same)
            return network
        data, groups, last = self.data(single), self._groups, self._validation
        if single.samples is not None:
            last = int((single.samples >= len(self.whole) - last).sum())
            groups = None if groups is None else groups[single.samples]
        heads = begun(network, self._task.fitted(data.labels), data, self._config, last, groups)
        if self.heads is None and heads is not None:
            self.heads = heads
            how = {"heads": "apart" if heads.apart else "joint", "head_l2": heads.l2}
            self._config = self._config.model_copy(update=how)
        self._begun.append((single.samples, network))
        return network

    def epochs(self, loses: bool) -> int:
        """Of a training, when a network was made.

        Heads alone are fitted: there is nothing left to train, unless they have to do without each other at times.

        Args:
            loses: whether samples lose modalities.
        """
        is_done = self.heads is not None and not used_cells(self._genotype) and (not loses or self.heads.apart)
        return 0 if is_done else self._config.epochs
