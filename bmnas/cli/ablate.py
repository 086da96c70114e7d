"""``bmnas ablate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bmnas.cli.meter import Meter
from bmnas.cli.options import (
    Backbones,
    Cache,
    DataFolder,
    Device,
    FeatureFolder,
    GenotypeFile,
    Json,
    Modalities,
    Number,
    Precision,
    SkipBad,
    TaskName,
    Views,
    Workers,
    extraction_of,
    refuse_unknown,
)
from bmnas.cli.recorded import Recorded
from bmnas.cli.shown import tell
from bmnas.cli.studied import SEEDS, StudyFolder, TrainEpochs, finish, typed
from bmnas.cli.train import task_for

if TYPE_CHECKING:
    from bmnas.genotype import Genotype


def ablate(
    genotype: GenotypeFile,
    task: TaskName = None,
    data: DataFolder = None,
    features: FeatureFolder = None,
    modalities: Modalities = None,
    backbone: Backbones = None,
    other: Annotated[
        list[Path] | None,
        typer.Option(
            "--with",
            metavar="GENOTYPE",
            help="A further network, as a row of the second table; may be repeated.",
            show_default="none",
            rich_help_panel="Rows",
        ),
    ] = None,
    seeds: Annotated[
        int, typer.Option(min=1, max=1024, metavar="SEEDS", help="Seeds of each row.", rich_help_panel="Rows")
    ] = SEEDS,
    seed: Annotated[int, typer.Option(min=0, metavar="NUMBER", help="The first seed.", rich_help_panel="Rows")] = 0,
    train_epochs: TrainEpochs = None,
    out: StudyFolder = None,
    views: Views = 1,
    precision: Precision = Number.FLOAT32,
    workers: Workers = None,
    skip_bad: SkipBad = False,
    device: Device = None,
    cache: Cache = None,
    as_json: Json = False,
) -> None:
    """Ablate a network: which features it reads, and how it fuses them.

    The paper's Tables 6 and 7 for any genotype or run folder; of a run, what its search has found, even where its
    result is a baseline. The first table has the cells of the network on random
    features, late fusion, and what MFAS finds; the second has sums, fully connected layers, multi-head attention and
    attention on attention in the place of its cells. All rows have the same settings, seeds and test samples. The
    folder gets the tables as Markdown, LaTeX and JSON, and plots. A study that was stopped goes on when the same
    command is given again.

    Example: bmnas ablate runs/digits-seed0

    Example: bmnas ablate mine.json --task my_task.py --with other.json --seeds 3
    """
    from bmnas.genotype import load

    given, recorded, remark = _opened(genotype)
    further = {path.stem if path.suffix == ".json" else path.name: load(path) for path in other or ()}
    named = (task, data, features, modalities, backbone)
    if recorded is not None:
        named = recorded.task_with(named)
    refuse_unknown(*named)

    from bmnas.study import ablate as run_ablation

    chosen = task_for(given, *named)
    if remark:
        tell(remark, err=True)
    config = recorded.config(chosen, {}) if recorded is not None and named == recorded.task else None
    folder = out if out is not None else Path("studies") / f"ablate-{given.name}"
    with Meter() as meter:
        study = run_ablation(
            given,
            chosen,
            config,
            train={} if train_epochs is None else {"epochs": train_epochs},
            others=further,
            seeds=range(seed, seed + seeds),
            folder=folder,
            extraction=extraction_of(views, precision, workers, skip_bad),
            device=device,
            cache=cache,
            command=typed(),
            report=meter,
        )
    finish(study, folder, as_json)


def _opened(genotype: Path) -> tuple[Genotype, Recorded | None, str]:
    """The network; the settings of the search that has found it, where it lies in a run folder; and what to say."""
    from bmnas.genotype import load
    from bmnas.genotype.opening import genotype_file

    file = genotype_file(genotype)
    run = next((folder for folder in (file.parent, file.parent.parent) if (folder / "config.json").exists()), None)
    if run is None:
        return load(genotype), None, ""
    recorded, given = Recorded.read(run / "config.json"), load(genotype)
    if given.cells or not genotype.is_dir():
        return given, recorded, ""

    from bmnas.searcher import open_run
    from bmnas.searcher.answering import found_network

    remark = f"{genotype}: its result is a baseline without cells; what its search has found is ablated"
    return found_network(open_run(run), file.parent), recorded, remark
