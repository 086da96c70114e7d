"""`train_pairs`: one encoder-decoder network on a task of texts and images, and what it leaves."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from bmnas.compiler.stacks import StackNetwork
from bmnas.errors import BmnasError
from bmnas.files import write_atomically
from bmnas.fit.ambient import single_precision, undisturbed
from bmnas.fit.checkpoint import Keeper
from bmnas.fit.memory import enough_memory
from bmnas.fit.seeding import seeded, stream
from bmnas.fit.threads import threads_for
from bmnas.genotype import Provenance, dumps, save
from bmnas.genotype.opening import opened_any
from bmnas.genotype.stacks import StackGenotype
from bmnas.genotype.stacks.canonical import canonical_hash
from bmnas.pairs.completing import completed_by, pair_task
from bmnas.pairs.settings import PairTrainConfig
from bmnas.pairs.training import PairTraining
from bmnas.searcher.api import pick_device, task_of
from bmnas.searcher.fit_training import gone_through
from bmnas.searcher.meter import Reporting, reporting
from bmnas.searcher.run.interrupt import stoppable
from bmnas.searcher.run.outcome import versions
from bmnas.tasks import Task
from bmnas.tasks.pair_task import PairTask


@dataclass(frozen=True)
class PairTrained:
    """A network that was trained on the training split.

    Attributes:
        genotype: complete.
        network: in eval mode.
        test: scores on the test split, which was read once, by name; empty where it was not.
        validation: on the validation split.
        main: the name of the score that counts.
        parameters: of the network.
        seconds: wall time of the training.
    """

    genotype: StackGenotype
    network: StackNetwork
    test: Mapping[str, float]
    validation: Mapping[str, float]
    main: str
    parameters: int
    seconds: float


def train_pairs(
    genotype: StackGenotype | str | os.PathLike[str],
    task: Task | str,
    config: PairTrainConfig | Mapping[str, Any] | None = None,
    *,
    device: str | torch.device | None = None,
    checkpoint: Path | None = None,
    evaluate: bool = True,
    title: str | None = None,
    report: Reporting = "auto",
) -> PairTrained:
    """Train an encoder-decoder network on the training split of a task, and score it on validation, and once on test.

    Args:
        genotype: found or hand-written, or its file; the task supplies what it leaves out.
        task: one with texts and images, or its name.
        config: the settings, or those that are others.
        device: the GPU where there is one, if left out.
        checkpoint: a file in which the training is kept while it goes on; the same call goes on from there.
        evaluate: whether the test split is read.
        title: what it is called; the genotype's name if left out.
        report: as for `bmnas.search`.

    Raises:
        BmnasError: genotype, task and settings do not fit each other.
        Interrupted: Ctrl-C or SIGTERM; the same call goes on.
    """
    chosen = pair_task(task_of(task))
    found = opened_any(genotype)
    if not isinstance(found, StackGenotype):
        raise BmnasError(f"{found.name}: is a fusion genotype, and an encoder-decoder one is needed here")
    complete = completed_by(found, chosen)
    settings = config if isinstance(config, PairTrainConfig) else PairTrainConfig.checked(**(config or {}))
    where = pick_device(device)
    name = title or complete.name
    objective, data = chosen.pair_objective, chosen.pairs("train")
    again = "the same command goes on" if checkpoint else "of which nothing is kept"
    with stoppable(f"before the training; {again}") as stop, reporting(report) as told:
        stop.says = f"in the training; {again}"
        keeper = None
        if checkpoint is not None:
            of = [chosen.identity, dict(chosen.options), dumps(complete), settings.model_dump(mode="json")]
            keeper = Keeper(checkpoint, of, stop=stop, again="the same command goes on from there")
        small = threads_for(settings.batch_size * complete.width)
        with enough_memory(where), undisturbed(), single_precision(), small:

            def new() -> PairTraining:
                with seeded(stream(settings.seed, "pairs", "weights"), where):
                    network = StackNetwork(complete).to(where)
                return PairTraining(network, objective, data, settings, "pairs", device=where, title=name)

            training = gone_through(new, keeper, told)
            if keeper:
                keeper.save(training)  # the same call again has nothing left to train
            network = training.finished()
            assert isinstance(network, StackNetwork)
            validation = objective.scores(network, chosen.pairs("validation"))
            test = objective.scores(network, chosen.pairs("test")) if evaluate else {}
    count = sum(parameter.numel() for parameter in network.parameters())
    return PairTrained(complete, network, test, validation, objective.main, count, training.seconds)


def save_pairs(trained: PairTrained, task: PairTask, config: PairTrainConfig, path: Path) -> None:
    """Write ``NAME.safetensors``, ``NAME.words.json``, ``NAME.scores.json`` and, last, the genotype at ``path``.

    Raises:
        BmnasError: a file cannot be written.
    """
    tensors = {name: value.detach().cpu().contiguous() for name, value in trained.network.state_dict().items()}
    write_atomically(path.with_suffix(".safetensors"), safetensors.torch.save(tensors))
    task.words.save(path.with_suffix(".words.json"))
    usual = PairTrainConfig()
    options = "".join(
        f" --{name.replace('_', '-')} {value}"
        for name, value in config.model_dump().items()
        if value != getattr(usual, name)
    )
    provenance = (trained.genotype.provenance or Provenance()).model_copy(
        update={
            "seed": config.seed,
            "data": task.name,
            "scores": {
                **{f"validation, {name}": round(value, 6) for name, value in trained.validation.items()},
                **{f"test, {name}": round(value, 6) for name, value in trained.test.items()},
            },
            "parameters": trained.parameters,
            "seconds": {"training": round(trained.seconds, 3)},
            "versions": versions(),
            "trained_by": f"bmnas train {shlex.quote(path.name)} {task.invocation or f'--task {task.name}'}{options}",
            "canonical_hash": canonical_hash(trained.genotype),
        }
    )
    scores = provenance.model_dump(mode="json", include={"scores", "parameters", "seconds", "trained_by", "versions"})
    write_atomically(path.with_suffix(".scores.json"), json.dumps({"metric": trained.main, **scores}, indent=2) + "\n")
    save(trained.genotype.model_copy(update={"provenance": provenance}), path)
