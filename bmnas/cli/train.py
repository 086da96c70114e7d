"""``bmnas train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bmnas.cli.meter import Meter
from bmnas.cli.options import Cache, Device, Force, GenotypeFile, about, refuse_existing, score


def train(
    genotype: GenotypeFile,
    task: Annotated[
        str | None, typer.Option("--task", help="Name of the task; the genotype's own, or digits.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder for the results; the genotype's own if left out.", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of weights and batches.")] = 0,
    epochs: Annotated[int | None, typer.Option(help="Epochs of the training.", show_default=False)] = None,
    batch_size: Annotated[int | None, typer.Option(help="Samples in a batch.", show_default=False)] = None,
    lr: Annotated[float | None, typer.Option(help="Step size of the weights at the start.", show_default=False)] = None,
    min_lr: Annotated[
        float | None, typer.Option(help="Step size of the weights at the end.", show_default=False)
    ] = None,
    weight_decay: Annotated[float | None, typer.Option(help="L2 term of the weights.", show_default=False)] = None,
    device: Device = None,
    cache: Cache = None,
    force: Force = False,
) -> None:
    """Train a genotype's network and test it once.

    The training uses the training and the validation split. Writes weights (NAME.safetensors) and scores
    (NAME.scores.json) beside the genotype, and the scores into its provenance, which completes the file.

    Example: bmnas train runs/digits-seed0/genotype.json --out trained
    """
    from bmnas.genotype import load

    given = load(genotype)
    written = (out if out is not None else genotype.parent) / f"{genotype.stem}.json"
    weights = written.with_suffix(".safetensors")
    refuse_existing(weights, force, genotype)
    # In place, the genotype only gains a provenance; elsewhere, a file of that name is another one.
    if out is not None and written.resolve() != genotype.resolve():
        refuse_existing(written, force, genotype)

    from bmnas.searcher import TrainConfig, train as run_training
    from bmnas.searcher.outcome import save_outcome
    from bmnas.searcher.training import fitted
    from bmnas.tasks import get_task

    chosen = get_task(task or _task_of(given.provenance.data if given.provenance else None))
    config = TrainConfig.for_task(
        chosen, seed=seed, epochs=epochs, batch_size=batch_size, lr=lr, min_lr=min_lr, weight_decay=weight_decay
    )
    with about(genotype):
        complete = fitted(given, chosen)
    with Meter() as meter:
        trained = run_training(complete, chosen, config, device=device, cache=cache, report=meter.update)
    save_outcome(complete, trained, chosen, config, written)
    typer.echo(
        f"{written}: test {chosen.metric.name} {score(trained.test, chosen.metric.name)}, "
        f"{trained.parameters:,} parameters, trained in {trained.seconds:.1f} s; weights in {weights}"
    )


def _task_of(data: str | None) -> str:
    return (data or "").partition("@")[0] or "digits"
