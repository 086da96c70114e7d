"""How the search went: curves, the weights of alternatives, how the genotype changed, inherited and trained scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bmnas.errors import BmnasError
from bmnas.genotype import Genotype
from bmnas.report import numbers
from bmnas.report.charts.heat import heat_map
from bmnas.report.charts.lines import line_chart, scatter
from bmnas.report.paired import spearman
from bmnas.report.parts import Cell, Figure, Folded, Grid, Note, Paragraph, Part, Section, Table
from bmnas.report.reading import Reading, Round, SeedReading
from bmnas.searcher.events import CellMixing

_CHANGES = 60  # rows of a table of changes
_ALTERNATIVES = 40  # rows of a heat map


def search_section(id: str, reading: Reading) -> Section:
    """The section of a run on its search."""
    parts = [*_curves(id, reading), *_candidates(id, reading)]
    several = len(reading.seeds) > 1
    best = max((seed for seed in reading.seeds if seed.rounds), key=lambda seed: len(seed.rounds), default=None)
    of_seeds: list[Part] = []
    for seed in reading.seeds:
        own = tuple(_of_seed(f"{id}-seed{seed.seed}", reading, seed))
        if own and several:
            of_seeds.append(Folded(f"Seed {seed.seed}: weights of alternatives and changes", own, seed is best))
        else:
            of_seeds += own
    if not parts and not of_seeds:
        parts = [Paragraph("No round of the search is done.")]
    return Section(f"{id}-search", "The search", (*parts, *of_seeds))


def _curves(id: str, reading: Reading) -> Iterator[Part]:
    """Of all seeds in each chart."""
    kind = "CandidateDone" if any(seed.of_kind("CandidateDone") for seed in reading.seeds) else "EpochDone"
    unit = "candidate" if kind == "CandidateDone" else "epoch"
    wanted = {
        "score": (f"validation {reading.metric}", "Score on the validation split, by the task's metric"),
        "loss": ("loss", "Mean loss on the training split"),
        "arch_loss": ("loss", "Mean loss of the architecture steps on the validation split"),
        "parameter_free": ("share", "Share of the derived genotype's steps that have no weights"),
        "sharpness": ("eigenvalue", "Sharpness: greatest eigenvalue of the Hessian in alpha, beta and gamma"),
    }
    found = []
    for name, (y_title, caption) in wanted.items():
        series = {_seed(reading, seed): _values(seed.of_kind(kind), name) for seed in reading.seeds}
        chart = line_chart(f"{id}-{name.replace('_', '-')}", caption, series, unit, y_title)
        if chart is not None:
            found.append(chart)
    if found:
        yield Grid(tuple(found))


def _seed(reading: Reading, seed: SeedReading) -> str:
    return f"seed {seed.seed}" if len(reading.seeds) > 1 else "value"


def _values(rounds: Sequence[Round], name: str) -> dict[int, float]:
    return {each.number: value for each in rounds if (value := each.value(name)) is not None}


def _candidates(id: str, reading: Reading) -> Iterator[Part]:
    """Of genotypes that a selection scored with inherited weights and the final choice trained: both scores."""
    points = [point for seed in reading.seeds for point in _pairs(reading, seed)]
    if not points:
        return
    inherited = f"validation {reading.metric}, inherited weights"
    caption = "Candidates: score with inherited weights against score when trained"
    yield Grid((scatter(f"{id}-candidates", caption, points, inherited, f"held-out {reading.metric}, trained"),))
    found = spearman([one for one, _, _ in points], [other for _, other, _ in points])
    said = (
        f"Spearman's rank correlation of the {len(points)} pairs is {numbers.value(found)}."
        if found is not None
        else f"There {'is' if len(points) == 1 else 'are'} {numbers.count(len(points), 'pair')}, with too few distinct "
        "scores for a rank correlation."
    )
    yield Note(f"{said} The scores of trained networks are of samples that their trainings were not given.")


def _pairs(reading: Reading, seed: SeedReading) -> Iterator[tuple[float, float, str]]:
    inherited = {each.number: each.score for each in seed.of_kind("RunnerUp")}
    for each in seed.of_kind("SelectionDone"):
        inherited[0] = each.score
    tried = seed.choice.entry.get("tried") if seed.choice else None
    best: dict[int, tuple[float, float]] = {}
    for form in tried if isinstance(tried, list) else ():
        number, loss, score = form.get("runner_up"), form.get("loss"), form.get("score")
        if number in inherited and isinstance(loss, float) and isinstance(score, float):
            best[number] = min(best.get(number, (loss, score)), (loss, score))
    for number, (_, score) in sorted(best.items()):
        who = f", seed {seed.seed}" if len(reading.seeds) > 1 else ""
        yield inherited[number], score, f"{'selected' if number == 0 else f'runner-up {number}'}{who}"


def _of_seed(id: str, reading: Reading, seed: SeedReading) -> Iterator[Part]:
    maps = list(_maps(id, seed))
    if maps:
        yield Note(
            "alpha weighs what a cell reads, beta what a step reads, gamma the operations of a step. Stronger is "
            "greater; where all weigh the same, all are of middle strength. The last weight stands at the right."
        )
        yield Grid(tuple(maps))
    elif seed.of_kind("EpochDone"):
        yield Note("The weights of alternatives after each epoch are not kept in this run, or are not learnt by it.")
    yield from _changes(id, reading, seed)


def _maps(id: str, seed: SeedReading) -> Iterator[Figure]:
    epochs = sorted(seed.mixings)
    if not epochs:
        return
    last = seed.mixings[epochs[-1]].cells
    for n, cell in enumerate(last):
        of_cell = [seed.mixings[epoch].cells[n] for epoch in epochs if n < len(seed.mixings[epoch].cells)]
        for name in cell.inputs:
            yield _map(f"{id}-c{n}-alpha-{name}", f"alpha: Cell_{n + 1}, {_input(name)}", _alpha(of_cell, name), epochs)
        for m, step in enumerate(cell.steps):
            where = f"Cell_{n + 1}, Step_{m + 1}"
            for name in step:
                rows = _series([own.steps[m][name] for own in of_cell])
                yield _map(f"{id}-c{n}-s{m}-beta-{name}", f"beta: {where}, {_input(name)}", rows, epochs)
            rows = _series([own.operations[m] for own in of_cell])
            yield _map(f"{id}-c{n}-s{m}-gamma", f"gamma: {where}, operation", rows, epochs)


def _alpha(cells: Sequence[CellMixing], name: str) -> dict[str, list[float]]:
    return _series([cell.inputs[name] for cell in cells])


def _series(maps: Sequence[Mapping[str, float]]) -> dict[str, list[float]]:
    """By alternative, its weight after each epoch; of many alternatives, those that end with the greatest."""
    names = list(maps[-1])
    if len(names) > _ALTERNATIVES:
        greatest = sorted(names, key=lambda name: -maps[-1][name])[:_ALTERNATIVES]
        names = [name for name in names if name in greatest]
    return {name: [own.get(name, 0.0) for own in maps] for name in names}


def _map(id: str, caption: str, rows: dict[str, list[float]], epochs: list[int]) -> Figure:
    return heat_map(id, caption, rows, epochs)


def _input(name: str) -> str:
    return "all inputs" if name == "all" else f"input {name}"


def _changes(id: str, reading: Reading, seed: SeedReading) -> Iterator[Part]:
    """Each genotype with the epochs in which it was derived, and what differs from the one before."""
    from bmnas.genotype.diff import diff

    rounds = seed.of_kind("EpochDone")
    if not rounds:
        return
    runs: list[list[Round]] = []
    for each in rounds:
        if runs and runs[-1][0].sha256 == each.sha256:
            runs[-1].append(each)
        else:
            runs.append([each])
    best, rows = max(rounds, key=lambda each: each.number if each.best else 0), []
    before: Genotype | None = None
    for same in runs[:_CHANGES]:
        first, last = same[0].number, same[-1].number
        try:
            genotype = seed.of_round(same[0])
        except BmnasError as error:
            reading.note(str(error))
            genotype = None
        changed = "" if before is None or genotype is None else "; ".join(map(str, diff(before, genotype)))
        told = in_short(genotype) if genotype is not None else "cannot be read"
        strong = best in same
        rows.append(
            (
                Cell(str(first) if first == last else f"{first} to {last}", strong=strong),
                Cell(told, strong=strong),
                changed or numbers.NONE,
            )
        )
        before = genotype or before
    if len(runs) > _CHANGES:
        rows.append((Cell("later"), Cell(f"{len(runs) - _CHANGES} more"), numbers.NONE))
    caption = f"How the genotype changed, seed {seed.seed}: {numbers.count(len(runs) - 1, 'change')}"
    yield Table.of(f"{id}-changes", caption, ("epochs", "genotype", "what changed"), rows, (1, 2))


def in_short(genotype: Genotype) -> str:
    """Cells and steps of a genotype in a line."""
    found = []
    for cell in genotype.cells:
        steps = (f"{step.op}({', '.join(step.inputs)})" for step in cell.steps)
        found.append(f"[{', '.join(cell.inputs)}] {' '.join(steps)}")
    return "; ".join(found) or "no cells"
