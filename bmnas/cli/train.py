"""``bmnas train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bmnas.cli.meter import Meter
from bmnas.cli.options import Cache, Device, Force, GenotypeFile, refuse_existing, score


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
    lr: Annotated[float | None, typer.Option(help="Step size of the weights.", show_default=False)] = None,
    device: Device = None,
    cache: Cache = None,
    force: Force = False,
) -> None:
    """Train the network of a genotype on training + validation data, and test it once.

    Writes the weights (NAME.safetensors) beside the genotype, and the score into the genotype's provenance.

    Example: bmnas train runs/digits-seed0/genotype.json --out trained
    """
    from bmnas.genotype import load, save

    given = load(genotype)
    folder = out if out is not None else genotype.parent
    weights, written = folder / f"{genotype.stem}.safetensors", folder / f"{genotype.stem}.json"
    refuse_existing(weights, force)
    # In place, the genotype only gains a provenance; elsewhere, a file of that name is another one.
    if written.resolve() != genotype.resolve():
        refuse_existing(written, force)

    from bmnas.searcher import TrainConfig, train as run_training
    from bmnas.searcher.run import with_training
    from bmnas.searcher.weights import save_weights
    from bmnas.tasks import get_task

    chosen = get_task(task or _task_of(given.provenance.data if given.provenance else None))
    config = TrainConfig.for_task(chosen, seed=seed, epochs=epochs, batch_size=batch_size, lr=lr)
    with Meter() as meter:
        trained = run_training(given, chosen, config, device=device, cache=cache, report=meter.update)
    save_weights(trained.network, weights)
    complete = trained.network.genotype
    command = f"bmnas train --task {chosen.name} --seed {seed}"
    save(with_training(complete, trained, task=chosen.name, config=config, command=command), written)
    typer.echo(
        f"{written}: test {chosen.metric.name} {score(trained.test, chosen.metric.name)}, "
        f"{trained.parameters:,} parameters, trained in {trained.seconds:.1f} s; weights in {weights}"
    )


def _task_of(data: str | None) -> str:
    return data.partition("@")[0] if data else "digits"
