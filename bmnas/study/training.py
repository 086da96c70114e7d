"""The trainings of a row: when they end is asked of held-out samples; then each seed's network is trained, and tested.

K seeds are one computation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from bmnas.compiler import FusionNetwork
from bmnas.compiler.ensemble import assemble, member_genotype
from bmnas.fit.ambient import single_precision, undisturbed
from bmnas.fit.checkpoint import Keeper, StopRequest
from bmnas.fit.clock import Clock
from bmnas.genotype import Genotype
from bmnas.searcher.beginning import Single
from bmnas.searcher.calibration import temperatures
from bmnas.searcher.network_fit import outputs_on
from bmnas.searcher.network_training import fitted
from bmnas.searcher.run.baselines import Baseline
from bmnas.searcher.run.forms import AS_FOUND, forms_of
from bmnas.searcher.run.held_out import Held, best_stop, together as seen
from bmnas.searcher.run.trial import Trial, end_of, parts_of
from bmnas.searcher.settings import TrainConfig
from bmnas.searcher.stacked_training import StackedTraining, at_once, member_seeds
from bmnas.searcher.training import same_training
from bmnas.study.bench import Bench
from bmnas.study.said import Said

T = TypeVar("T", Trial, StackedTraining)


@dataclass(frozen=True)
class Keeping:
    """Where what is under way is kept, and who may stop it.

    Attributes:
        folder: of checkpoints.
        stop: looked at in every step.
        again: says how the study goes on.
    """

    folder: Path
    stop: StopRequest | None = None
    again: str = "the same command goes on"

    def of(self, name: str, decisive: Any) -> Keeper:
        """A keeper of one training."""
        return Keeper(self.folder / f"{name}.ckpt", decisive, stop=self.stop, again=self.again)

    def under(self, name: str) -> Keeping:
        """The same in a folder below."""
        return Keeping(self.folder / name, self.stop, self.again)


def trained(bench: Bench, title: str, baseline: Baseline, keeping: Keeping, *, forms: bool = False) -> Said:
    """Train a network with each seed of the bench, as one computation, and read the test split.

    Args:
        bench: where.
        title: of the row.
        baseline: the network, and what its training has for itself.
        keeping: where checkpoints are.
        forms: whether it may take the other forms that what our own search finds may take.
    """
    with _quiet():
        clock = Clock()
        clock.start()
        genotype, config = _best(bench, title, baseline, keeping, forms)
        chosen = clock.lap()
        networks = _networks(bench, title, genotype, config, keeping)
        seconds = {"choice": chosen / len(bench.seeds), "training": clock.lap() / len(bench.seeds)}
        outputs = [_tested(bench, network, config.batch_size) for network in networks]
    count = sum(parameter.numel() for parameter in networks[0].parameters())
    facts = {
        "genotypes": [plain(genotype)],
        "ends": {"stop_epoch": config.stop_epoch, "temperature": config.temperature},
    }
    rounded = {part: round(value, 2) for part, value in seconds.items()}
    return Said(torch.stack(outputs), (count,) * len(networks), (rounded,) * len(networks), facts)


def together(said: Sequence[Said]) -> Said:
    """Of several seeds, each made by itself."""
    return Said(
        torch.cat([each.outputs for each in said]),
        tuple(number for each in said for number in each.parameters),
        tuple(seconds for each in said for seconds in each.seconds),
        {
            "genotypes": [genotype for each in said for genotype in each.facts["genotypes"]],
            "ends": [each.facts["ends"] for each in said],
        },
    )


def plain(genotype: Genotype) -> dict[str, Any]:
    """A genotype as JSON values, without where it comes from."""
    return genotype.model_dump(mode="json", exclude={"provenance"}, exclude_none=True)


def _best(bench: Bench, title: str, baseline: Baseline, keeping: Keeping, forms: bool) -> tuple[Genotype, TrainConfig]:
    """The form of the network that says best what held-out samples are, and the settings of its training."""
    found: list[tuple[float, Genotype, TrainConfig]] = []
    for form, own in (forms_of(baseline.genotype) if forms else {AS_FOUND: baseline.genotype}).items():
        genotype, training = fitted(own, bench.task), baseline.training if form == AS_FOUND else {}
        config = bench.train.model_copy(update={**training, "seed": bench.seeds[0]})
        below = keeping if form == AS_FOUND else keeping.under(form)
        held = _held(bench, title, genotype, config, below)
        end = end_of(genotype, best_stop(held, temperatures(bench.task)), config)
        loss = float(held.losses.double().mean(2).min())
        found.append((loss, genotype, config.model_copy(update=end.model_dump())))
    _, genotype, config = min(found, key=lambda each: each[0])
    return genotype, config


def _held(bench: Bench, title: str, genotype: Genotype, config: TrainConfig, keeping: Keeping) -> Held:
    """What trainings without some of the samples say of these."""
    held = []
    for number, cut in enumerate(parts_of(bench.problem, genotype, config.batch_size, bench.folds)):
        make = partial(Trial, bench.problem, genotype, config, cut, f"{title} on held-out samples")
        decisive = [_same(bench, genotype, config), "trial", number, len(cut), len(bench.folds)]
        held.append(_done(make, keeping.of(f"trial-{number}", decisive), bench).held)
    return seen(held)


def _networks(
    bench: Bench, title: str, genotype: Genotype, config: TrainConfig, keeping: Keeping
) -> list[FusionNetwork]:
    """One for each seed; members of all of them are trained as one computation, as far as there is room."""
    member, members = member_genotype(genotype), genotype.members
    seeds = [each for seed in bench.seeds for each in member_seeds(seed, members)]
    size = at_once(member, config.batch_size, bench.device, len(seeds))
    found: list[FusionNetwork] = []
    for start in range(0, len(seeds), size):
        singles = [Single(seed) for seed in seeds[start : start + size]]
        make = partial(
            StackedTraining, member, bench.task, bench.store, config, singles, device=bench.device, title=title
        )
        decisive = [_same(bench, genotype, config), "training", [single.seed for single in singles]]
        found += _done(make, keeping.of(f"training-{start}", decisive), bench).finished()
    if members == 1:
        return found
    groups = [found[at : at + members] for at in range(0, len(found), members)]
    return [assemble(genotype, group).to(bench.device) for group in groups]


def _done(make: Callable[[], T], keeper: Keeper, bench: Bench) -> T:
    """A training that has been gone through, from where the keeper has it."""
    training = keeper.resumed(make)
    for _ in keeper.steps(training):
        bench.report(training.tick)
    keeper.save(training)  # the next part may be stopped, and this one is done
    return training


def _tested(bench: Bench, network: FusionNetwork, batch: int) -> Tensor:
    data = bench.store.data("test", names=network.features, device=bench.device)
    return outputs_on(network, data, batch).cpu()


def _same(bench: Bench, genotype: Genotype, config: TrainConfig) -> Mapping[str, Any]:
    return same_training(genotype, bench.task, bench.store, config)


@contextmanager
def _quiet() -> Iterator[None]:
    with undisturbed(), single_precision():
        yield
