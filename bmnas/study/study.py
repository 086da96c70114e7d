"""`ablate` and `compare`: the tables of the paper for anyone's task, made row by row; what is done is kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from bmnas.errors import BmnasError
from bmnas.fit.memory import enough_memory
from bmnas.fit.threads import threads_for
from bmnas.genotype import Genotype
from bmnas.genotype.opening import opened
from bmnas.genotype.presets import last_features
from bmnas.joint import JointConfig
from bmnas.joint.train import refuse_unusable
from bmnas.searcher import SearchConfig, TrainConfig, extract
from bmnas.searcher.api import extraction_of, pick_device, task_of
from bmnas.searcher.config import refuse_unknown_suggestions
from bmnas.searcher.meter import Reporting, reporting
from bmnas.searcher.run.interrupt import Stop, stoppable
from bmnas.searcher.run.layout import file_name
from bmnas.searcher.run.outcome import versions
from bmnas.study.ablation import FEATURES, FUSION, SEARCHED, ablation
from bmnas.study.bench import FOLDS, Bench
from bmnas.study.jointly import JOINTLY, joint_units
from bmnas.study.said import Kept, Said
from bmnas.study.systems import FUSIONS, SYSTEMS, source_of, systems
from bmnas.study.table import Named, Study, table_of
from bmnas.study.training import Keeping
from bmnas.study.units import DELIVERED, Ours, Unit
from bmnas.tasks import Extraction, Remark, Task

_EARLY = "while the features were prepared; what is finished is kept, and the same command goes on"
_TITLES = {
    FEATURES: "Which features are read (Table 6 of BM-NAS)",
    FUSION: "How they are fused (Table 7 of BM-NAS)",
    SYSTEMS: "Systems on the same features (Tables 1 to 4 of BM-NAS)",
}


def ablate(
    genotype: Genotype | str | os.PathLike[str],
    task: Task | str = "digits",
    config: SearchConfig | Mapping[str, Any] | None = None,
    *,
    train: TrainConfig | Mapping[str, Any] | None = None,
    others: Mapping[str, Genotype | str | os.PathLike[str]] | None = None,
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    folder: Path | str | None = None,
    extraction: Extraction | Mapping[str, Any] | None = None,
    device: str | torch.device | None = None,
    cache: Path | None = None,
    command: str = "",
    report: Reporting = "auto",
) -> Study:
    """Ablate a network: the paper's tables 6 and 7, for any genotype on any task.

    Table 6 has the inner structure of the network's cells on random features (other ones with each seed), on those that
    late fusion takes, on those that MFAS finds, and the network itself. Table 7 has other fusions of the features that
    the network reads: sum, a fully connected layer, multi-head attention, attention on attention; and ``others``. All
    rows have the same settings, seeds and test samples, and an end of their training that the same held-out samples
    choose. Every difference to the network is tested, sample by sample, and corrected for how many there are.

    Args:
        genotype: what is ablated; or its file, or a run folder.
        task: a task or its name.
        config: settings of a search, as for `bmnas.search`, which say where anchored networks begin and what MFAS may
            do; sizes are those of the genotype.
        train: settings of the trainings, likewise.
        others: further networks by title.
        seeds: each row is made with each of them.
        folder: of the study; ``studies/ablate-NAME`` where it is left out. What it has of the same study is not made
            again.
        extraction: as for `bmnas.search`.
        device: as for `bmnas.search`.
        cache: as for `bmnas.search`.
        command: what starts the study, for the record.
        report: as for `bmnas.search`.

    Raises:
        BmnasError: the genotype has no cells, or does not fit the task; or the folder has another study.
        Interrupted: as for `bmnas.search`; the same call goes on.
    """
    found = opened(genotype)
    further = {title: opened(other) for title, other in (others or {}).items()}
    named = {f"genotype {title}": each for title, each in {"": found, **further}.items()}
    sizes = {"channels": found.representation.channels, "length": found.representation.length}
    units = ablation(found, further)
    return _study(
        task,
        config,
        train,
        {**sizes, "dropout": found.dropout, "ensemble": found.members},
        units,
        {FEATURES: SEARCHED, FUSION: SEARCHED},
        seeds=seeds,
        folder=Path(folder) if folder is not None else Path("studies") / f"ablate-{found.name}",
        decisive={name: each.model_dump(mode="json", exclude={"provenance"}) for name, each in named.items()},
        extraction=extraction,
        device=device,
        cache=cache,
        command=command,
        report=report,
    )


def compare_systems(
    task: Task | str = "digits",
    config: SearchConfig | Mapping[str, Any] | None = None,
    *,
    train: TrainConfig | Mapping[str, Any] | None = None,
    wanted: Sequence[str] = (),
    joint: JointConfig | Mapping[str, Any] | None = None,
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    folder: Path | str | None = None,
    extraction: Extraction | Mapping[str, Any] | None = None,
    device: str | torch.device | None = None,
    cache: Path | None = None,
    command: str = "",
    report: Reporting = "auto",
) -> Study:
    """Compare systems on the same features: each modality alone, sums, late fusion, fusions and searches, and our own.

    Searches that try candidates have as many seconds as our own search with the same seed took.

    Args:
        task: a task or its name.
        config: settings of our search, as for `bmnas.search`; the others have its sizes and its optimiser.
        train: settings of the trainings, likewise.
        wanted: names of systems, see `bmnas.study.systems.systems`; all of them if left out. Our own is always there.
        joint: settings of joint trainings; where there are some, there are rows beside the others whose networks are
            trained together with their backbones: each modality alone, late fusion, the fusions among ``wanted``, and
            what our search delivers, to which all rows are compared then.
        seeds: as for `ablate`.
        folder: ``studies/compare-TASK`` where it is left out; see `ablate`.
        extraction: as for `bmnas.search`.
        device: as for `bmnas.search`.
        cache: as for `bmnas.search`.
        command: as for `ablate`.
        report: as for `bmnas.search`.

    Raises:
        BmnasError: a system is not known, or the task cannot be searched; or the folder has another study.
        Interrupted: as for `bmnas.search`; the same call goes on.
    """
    every = systems()
    for name in wanted:
        if name not in every:
            raise BmnasError(f"there is no system {name!r}; there are {', '.join(every)}")
    chosen = [unit for name, unit in every.items() if not wanted or name in wanted or isinstance(unit, Ours)]
    task, decisive, looked_at = task_of(task), {}, DELIVERED
    if joint is not None:
        own = JointConfig.of(joint, task)
        refuse_unusable(task, config=own)
        modalities = [feature.modality for feature in last_features(task.features)]
        chosen += joint_units(own, modalities, [name for name in FUSIONS if not wanted or name in wanted])
        decisive, looked_at = {"joint": own.decisive}, JOINTLY
    return _study(
        task,
        config,
        train,
        {},
        {SYSTEMS: chosen},
        {SYSTEMS: looked_at},
        seeds=seeds,
        folder=Path(folder) if folder is not None else Path("studies") / f"compare-{task.name}",
        decisive=decisive,
        extraction=extraction,
        device=device,
        cache=cache,
        command=command,
        report=report,
    )


def _study(
    task: Task | str,
    config: SearchConfig | Mapping[str, Any] | None,
    train: TrainConfig | Mapping[str, Any] | None,
    sizes: Mapping[str, Any],
    units: Mapping[str, Sequence[Unit]],
    looked_at: Mapping[str, str],
    *,
    seeds: Sequence[int],
    folder: Path,
    decisive: Mapping[str, Any],
    extraction: Extraction | Mapping[str, Any] | None,
    device: str | torch.device | None,
    cache: Path | None,
    command: str,
    report: Reporting,
) -> Study:
    task = task_of(task)
    refuse_unknown_suggestions(task)
    if not seeds or len(set(seeds)) != len(seeds):
        raise BmnasError(
            f"seeds are {', '.join(map(str, seeds)) or 'none'}; there should be one or more, all different"
        )
    own = config if isinstance(config, SearchConfig) else SearchConfig.for_task(task, **{**(config or {}), **sizes})
    own = own.changed(**sizes, seed=seeds[0], seeds=1)
    if not isinstance(train, TrainConfig):
        train = TrainConfig.ending(task, own, **{"seed": seeds[0], **(train or {})})
    where, extraction = pick_device(device), extraction_of(extraction)
    small = threads_for(own.batch_size * own.channels * own.length)
    with (
        stoppable(_EARLY) as stop,
        reporting(report) as told,
        small,
        enough_memory(where),
    ):
        store = extract(task, own.length, extraction=extraction, device=where, cache=cache, report=told)
        bench = Bench.of(
            task, store, own, train, seeds, device=where, folder=folder, extraction=extraction, cache=cache, report=told
        )
        kept = Kept(folder, {**bench.settings, **decisive})
        rows = {name: _rows(bench, list(own_units), kept, stop, told) for name, own_units in units.items()}
    groups = bench.groups
    tables = [
        table_of(name, _TITLES[name], looked_at[name], made, task, bench.labels.cpu(), groups)
        for name, made in rows.items()
    ]
    return Study(
        task=task.name,
        metric=task.metric.name,
        is_share=task.metric.name == "accuracy",  # as commands show it
        samples=len(bench.labels),
        groups=None if groups is None else len(groups.unique()),
        seeds=tuple(seeds),
        budget=_budget(train, own),
        tables=tuple(tables),
        command=command,
        environment={**versions(), "device": str(where), "cores": os.cpu_count()},
    )


def _rows(bench: Bench, units: Iterable[Unit], kept: Kept, stop: Stop, told: Callable[[Any], None]) -> dict[str, Named]:
    """What the units say, by row: as it is kept, or else they are made; one that fails is a row with its reason."""
    found: dict[str, Named] = {}
    for unit in units:
        said = kept.read(unit.name)
        if said is None:
            said, why_not = _made(bench, unit, stop)
            if said is None:
                found[unit.name] = Named(unit.source, why_not=why_not)
                told(Remark(f"{unit.name}: left out, because {why_not}"))
                continue
            kept.save(unit.name, said, bench.labels.cpu())
            said = kept.read(unit.name) or said  # in the precision in which it is read from now on
        scores = {
            row: [bench.task.metric.score(each, bench.labels.cpu()) for each in own.outputs]
            for row, own in said.items()
        }
        told(Remark("; ".join(f"{row}: {sum(each) / len(each):.4f}" for row, each in scores.items())))
        for row, own in said.items():
            found[row] = Named(unit.source if row == unit.name else source_of(row), own)
    return found


def _made(bench: Bench, unit: Unit, stop: Stop) -> tuple[dict[str, Said] | None, str | None]:
    reason = unit.why_not(bench)
    if reason is not None:
        return None, reason
    stop.says = f"in the row {unit.name}; the rows that are done are kept, and the same command goes on with it"
    keeping = Keeping(bench.folder / "work" / file_name(unit.name), stop)
    try:
        said = unit.said(bench, keeping)
    except BmnasError as error:
        return None, str(error)
    for row, own in said.items():
        if own.outputs.shape[1] != len(bench.labels):
            return None, f"its test samples are not those of the task: {row} has {own.outputs.shape[1]}"
    for checkpoint in keeping.folder.rglob("*.ckpt"):
        checkpoint.unlink()
    return said, None


def _budget(train: TrainConfig, config: SearchConfig) -> str:
    members = f", each row the mean of {config.ensemble} trainings" if config.ensemble > 1 else ""
    return (
        f"at most {train.epochs} epochs of Adam in batches of {train.batch_size}{members}; when a training ends, and "
        f"how sure its network is, is chosen by the loss of held-out samples in {FOLDS} folds or fewer"
    )
