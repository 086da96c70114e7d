"""``bmnas evaluate``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bmnas.cli.help import OUTPUT
from bmnas.cli.meter import Meter
from bmnas.cli.options import (
    Backbones,
    Cache,
    DataFolder,
    Device,
    FeatureFolder,
    Force,
    Json,
    Modalities,
    Number,
    Precision,
    SkipBad,
    TaskName,
    Workers,
    chosen_task,
    extraction_of,
)
from bmnas.cli.recorded import Named, Recorded
from bmnas.cli.train import task_for

if TYPE_CHECKING:
    from bmnas.evaluation import Comparison
    from bmnas.genotype import Genotype
    from bmnas.searcher import Run
    from bmnas.searcher.answering import Answered, Subject
    from bmnas.searcher.meter import Meter as Shown
    from bmnas.tasks import Extraction, SplitName, Task

    Pair = tuple[Answered, Answered | None]


class SplitChoice(StrEnum):
    """What is evaluated on."""

    TEST = "test"
    VALIDATION = "validation"
    TRAIN = "train"


def evaluate(
    what: Annotated[
        str,
        typer.Argument(
            metavar="RUN|GENOTYPE", help="A run folder, or a genotype with its weights beside it.", show_default=False
        ),
    ],
    task: TaskName = None,
    data: DataFolder = None,
    features: FeatureFolder = None,
    modalities: Modalities = None,
    backbone: Backbones = None,
    row: Annotated[
        str | None,
        typer.Option(metavar="ROW", help="Of a run: the row of its comparison.", show_default="what it delivered"),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, metavar="SEED", help="Of a run of several seeds: which.", show_default="the first"),
    ] = None,
    split: Annotated[SplitChoice, typer.Option(help="The split whose samples are answered.")] = SplitChoice.TEST,
    compare: Annotated[
        str | None,
        typer.Option(
            metavar="RUN|GENOTYPE|ROW",
            help="Another run or genotype, or another row of this run, on the same samples.",
            show_default="none",
        ),
    ] = None,
    compare_row: Annotated[
        str | None,
        typer.Option(
            "--compare-row", metavar="ROW", help="The row of the other run.", show_default="what it delivered"
        ),
    ] = None,
    drop: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODALITY",
            help="Evaluate without it: its average over the training split in every sample; may be repeated.",
            show_default="none",
        ),
    ] = None,
    noise: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODALITY=SIGMA",
            help="Evaluate with Gaussian noise of so many standard deviations of each channel; may be repeated.",
            show_default="none",
        ),
    ] = None,
    noise_seed: Annotated[int, typer.Option(min=0, metavar="SEED", help="Seed of the noise.")] = 0,
    threshold: Annotated[
        str | None,
        typer.Option(
            metavar="PROBABILITY|validation",
            help="Of several classes at once: from which probability on a class is an answer; with 'validation' that "
            "with the greatest weighted F1 on the validation split.",
            show_default="the task's",
        ),
    ] = None,
    resamples: Annotated[
        int, typer.Option(min=100, max=100_000, metavar="RESAMPLES", help="Resamples that intervals come from.")
    ] = 1000,
    csv: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder for measures, classes and confusion matrix as CSV files.",
            show_default="none",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    as_json: Json = False,
    precision: Precision = Number.FLOAT32,
    workers: Workers = None,
    skip_bad: SkipBad = False,
    device: Device = None,
    cache: Cache = None,
    force: Force = False,
) -> None:
    """Tell how good a network is, by every measure that fits, with intervals.

    Of a run it reads what the search kept of the test split, and needs no data. With --drop, --noise, another split or
    --threshold validation, and of a genotype, the network is run on the features of its task: that of the run or
    genotype, or the one that is named. With --drop or --noise it is compared with itself on whole samples, unless
    --compare names another.

    Example: bmnas evaluate runs/digits-seed0 --compare "late fusion"

    Or: bmnas evaluate runs/digits-seed0 --drop Top
    """
    from bmnas.cli.evaluated import refuse_existing_csv, show, to_json, write_csv
    from bmnas.errors import BmnasError
    from bmnas.evaluation import evaluate as measure

    if compare_row is not None and compare is None:
        raise BmnasError("--compare-row is the row of another run, which --compare names")
    if csv is not None:
        refuse_existing_csv(csv, force)
    named: Named = (task, data, features, modalities, backbone)
    changed = _Changes(tuple(drop or ()), _noise(noise or []), noise_seed)
    with Meter() as meter:
        how = _How(named, split, changed, extraction_of(1, precision, workers, skip_bad), device, cache, meter)
        own = _source(what, row, seed)
        found, whole = own.answered(how, also_whole=bool(changed) and compare is None)
        other = whole if compare is None else _other(own, compare, compare_row, seed, how)
        if threshold is not None:
            found = _with_threshold(found, threshold, own, how)
    evaluation = measure(
        found.outputs,
        found.labels,
        class_names=found.class_names,
        trained_on=found.trained_on,
        resamples=resamples,
        **found.about,
    )
    compared = _compared(found, other, resamples) if other else None
    if csv is not None:
        write_csv(csv, evaluation)
    if as_json:
        typer.echo(to_json(found, split.value, evaluation, compared))
    else:
        show(found, split.value, evaluation, compared)


def _with_threshold(found: Answered, given: str, own: _OfRun | _OfGenotype, how: _How) -> Answered:
    """The same outputs, of which other classes are answers."""
    from bmnas.errors import BmnasError
    from bmnas.evaluation import best_threshold
    from bmnas.tasks import MultiLabel

    if not isinstance(found.objective, MultiLabel):
        raise BmnasError("--threshold is for samples that may have several classes; these have one, or numbers")
    if given != "validation":
        return replace(found, objective=replace(found.objective, threshold=_probability(given)))
    if how.split == SplitChoice.VALIDATION:
        raise BmnasError("--threshold validation is chosen on the validation split, so evaluate another split")
    held_out = own.answered(replace(how, split=SplitChoice.VALIDATION, changes=_Changes()))[0]
    chosen = best_threshold(held_out.outputs, held_out.labels)
    remark = f"the threshold {chosen:g} is that with the greatest weighted F1 on the validation split"
    return replace(found, objective=replace(found.objective, threshold=chosen), remarks=(*found.remarks, remark))


def _probability(given: str) -> float:
    from bmnas.errors import BmnasError, short

    try:
        value = float(given)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise BmnasError(f"--threshold is {short(given)}; it is a probability between 0 and 1, or validation")
    return value


@dataclass(frozen=True)
class _Changes:
    """``--drop`` and ``--noise``."""

    drop: tuple[str, ...] = ()
    noise: tuple[tuple[str, float], ...] = ()
    seed: int = 0

    def __bool__(self) -> bool:
        return bool(self.drop or self.noise)


@dataclass(frozen=True)
class _How:
    """What all sources of outputs need to know."""

    named: Named
    split: SplitChoice
    changes: _Changes
    extraction: Extraction
    device: str | None
    cache: Path | None
    meter: Shown

    @property
    def names_a_task(self) -> bool:
        return self.named[0] is not None or self.named[2] is not None


@dataclass(frozen=True)
class _OfRun:
    """A row of a run folder."""

    run: Run
    row: str | None
    seed: int | None

    def answered(self, how: _How, *, also_whole: bool = False) -> Pair:
        """Its outputs, and where they are asked for, those on samples that nothing is done to."""
        from bmnas.searcher.answering import kept

        if how.changes or how.split != SplitChoice.TEST:
            return _answers(self._subject(how), how, also_whole)
        return kept(self.run, self.row, self.seed, self._task_if_known(how)), None

    def _subject(self, how: _How) -> Subject:
        """The network that the run has weights of."""
        from bmnas.errors import BmnasError
        from bmnas.searcher.answering import row_of, weights_of

        genotype, weights = weights_of(self.run, self.row, self.seed)
        named = self._recorded.task_with(how.named)
        if not how.names_a_task and _runs_code(named[0]):
            raise BmnasError(
                f"{self.run.path}: was searched on the task {named[0]}, which is Python code; name it with --task, if "
                "that file may be run"
            )
        chosen = task_for(genotype, *named)
        title = f"{self.run.path}, {row_of(self.run, self.row, self.seed)}"
        return _subject(title, genotype, weights, chosen, self._recorded.extraction(how.extraction), how)

    def _task_if_known(self, how: _How) -> Task | None:
        """The task that is named, or that the run names and that can be had without running code and without fail."""
        from bmnas.errors import BmnasError

        named = self._recorded.task_with(how.named)
        if how.names_a_task:
            return chosen_task(*named)
        if (named[0] is None and named[2] is None) or _runs_code(named[0]):
            return None
        try:
            return chosen_task(*named)
        except BmnasError:
            return None

    @property
    def _recorded(self) -> Recorded:
        return Recorded(self.run.path / "config.json", dict(self.run.record))


@dataclass(frozen=True)
class _OfGenotype:
    """A genotype with its weights beside it."""

    path: Path

    def answered(self, how: _How, *, also_whole: bool = False) -> Pair:
        """See `_OfRun.answered`."""
        return _answers(self._subject(how), how, also_whole)

    def _subject(self, how: _How) -> Subject:
        """The network."""
        from bmnas.errors import BmnasError
        from bmnas.genotype import load

        genotype, weights = load(self.path), self.path.with_suffix(".safetensors")
        if not weights.exists():
            raise BmnasError(f"{self.path}: has no weights beside it, {weights.name}; bmnas train makes them")
        chosen = task_for(genotype, *how.named)
        return _subject(str(self.path), genotype, weights, chosen, how.extraction, how)


def _source(what: str, row: str | None, seed: int | None) -> _OfRun | _OfGenotype:
    """What a path stands for."""
    from bmnas.errors import BmnasError
    from bmnas.searcher import open_run

    path = Path(what)
    if path.is_dir():
        return _OfRun(open_run(path), row, seed)
    if row is not None or seed is not None:
        raise BmnasError(f"{what}: is no run folder, so it has no rows and seeds; leave --row and --seed out")
    return _OfGenotype(path)


def _other(own: _OfRun | _OfGenotype, compare: str, row: str | None, seed: int | None, how: _How) -> Answered:
    """What it is compared with: another run or genotype, or another row of the same run."""
    from bmnas.errors import BmnasError

    if isinstance(own, _OfRun) and not Path(compare).exists() and not compare.endswith(".json"):
        if row is not None:
            raise BmnasError(f"{compare}: there is no such run folder, so --compare-row names no row of it")
        return _OfRun(own.run, compare, own.seed).answered(how)[0]
    source = _source(compare, row, None)
    if isinstance(source, _OfRun) and seed in source.run.seeds:
        source = _OfRun(source.run, row, seed)
    return source.answered(how)[0]


def _compared(found: Answered, other: Answered, resamples: int) -> Comparison:
    from bmnas.evaluation import compare
    from bmnas.searcher.answering import refuse_other_samples

    refuse_other_samples(found, other)
    about = found.about
    if about["groups"] is None:
        about["groups"] = other.groups
    return compare(
        found.outputs, other.outputs, found.labels, names=(found.name, other.name), resamples=resamples, **about
    )


def _subject(title: str, genotype: Genotype, weights: Path, task: Task, extraction: Extraction, how: _How) -> Subject:
    from bmnas.searcher.answering import Subject

    return Subject(
        title,
        genotype,
        weights,
        task,
        extraction=extraction,
        device=how.device,
        cache=how.cache,
        report=how.meter,
    )


def _answers(subject: Subject, how: _How, also_whole: bool) -> Pair:
    changes = how.changes
    split: SplitName = how.split.value
    corruption = subject.corruption(changes.drop, dict(changes.noise), changes.seed) if changes else None
    return subject.answer(split, corruption), subject.answer(split) if also_whole else None


def _noise(given: list[str]) -> tuple[tuple[str, float], ...]:
    from bmnas.errors import BmnasError

    found = []
    for each in given:
        modality, _, sigma = each.rpartition("=")
        try:
            found.append((modality, float(sigma)))
        except ValueError:
            modality = ""
        if not modality:
            raise BmnasError(f"--noise is {each!r}; it is MODALITY=SIGMA, such as Image=0.5")
    return tuple(found)


def _runs_code(task: str | None) -> bool:
    """Whether opening the task would run a file: what a run folder says is data, and runs nothing."""
    return task is not None and Path(task).suffix.lower() == ".py"
