"""What ``bmnas search`` prints at the end: the comparison, and what was found; of several seeds, mean and deviation."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table

from bmnas.cli.options import score
from bmnas.cli.shown import show_table, tell

# Findings about what a network computes and reads; the others are about what is only there.
_WORTH_SAYING = (
    *("one-modality", "unread-input"),
    *("same-step", "same-attention", "same-concat", "idle-step", "idle-cell", "zero-step"),
)

if TYPE_CHECKING:
    from bmnas.genotype import Genotype
    from bmnas.joint.rows import JointRow
    from bmnas.searcher import SearchConfig, SearchResult
    from bmnas.searcher.strategies import Strategy
    from bmnas.tasks import Task


def show(result: SearchResult, task: Task, config: SearchConfig) -> None:
    """Print the result of a search."""
    official = strategy_class(config).best_on_test
    metric = task.metric.name
    if result.rows:
        show_table(_comparison(result, task.name, metric, official))
        tell("Parameters of the fusion network, without the backbones; seconds of its training.")
        if official:
            tell("Strategy released: the best epoch on the test split, as the released code reports it.")
    if len(result.seeds) > 1:
        show_table(_genotypes(result, metric))
        show_table(_choices(result))
    if result.begin:
        tell(f"{result.begin[0].upper()}{result.begin[1:]}.")
    tell(_search_in_words(result, metric, config))
    for line in _choices_in_words(result):
        tell(line)
    place = result.folder if len(result.seeds) == 1 else result.folder / "seed*"
    for line in _what_was_found(result):
        tell(line)
    tell(f"Genotype: {place / 'genotype.json'}   Drawing: {place / 'genotype.svg'}")
    tell(f"To look at all of it: bmnas report {shlex.quote(str(result.folder))}")


def show_joint(rows: Mapping[int, Sequence[JointRow]], result: SearchResult, metric: str) -> None:
    """Print what networks score that were trained together with their backbones, beside those that were not.

    Args:
        rows: by seed.
        result: of the search.
        metric: of the task.
    """
    from bmnas.searcher.run.summary import Spread

    several = len(rows) > 1
    table = Table("network", box=box.SIMPLE_HEAD, title="Trained together with their backbones, from raw samples")
    for heading in (f"test {metric}", "before", "parameters", "seconds"):
        table.add_column(heading, justify="right")
    names = dict.fromkeys(row.name for own in rows.values() for row in own)
    for name in names:
        own = [row for each in rows.values() for row in each if row.name == name]
        spread = Spread.of([row.test for row in own])
        test = score(spread.mean, metric) + (f" ± {score(spread.std, metric)}" if several else "")
        known = result.summary.rows.get(name)
        before = score(known.test.mean, metric) if known else ""
        seconds = sum(row.seconds for row in own) / len(own)
        table.add_row(name, test, before, f"{own[0].parameters:,}", f"{seconds:.1f}")
    show_table(table)
    place = result.folder if len(result.seeds) == 1 else result.folder / "seed*"
    tell(f"Of the same size as what was found. What was delivered: {place / 'joint' / 'genotype.json'}")


def _comparison(result: SearchResult, task: str, metric: str, official: bool) -> Table:
    seeds = len(result.seeds)
    title = f"{task}: same training budget for every row" + (f", {seeds} seeds" if seeds > 1 else "")
    table = Table("network", box=box.SIMPLE_HEAD, title=title)
    for heading in (f"best test {metric}" if official else f"test {metric}", "parameters", "seconds"):
        table.add_column(heading, justify="right")
    for name, row in result.summary.rows.items():
        test = score(row.test.mean, metric) + (f" ± {score(row.test.std, metric)}" if seeds > 1 else "")
        table.add_row(name, test, f"{row.parameters:,.0f}", f"{row.seconds:.1f}")
    return table


def _genotypes(result: SearchResult, metric: str) -> Table:
    table = Table("seed", f"validation {metric}", "genotype", box=box.SIMPLE_HEAD)
    for found in result.seeds:
        table.add_row(str(found.seed), score(found.score, metric), in_short(found.genotype))
    return table


def _choices(result: SearchResult) -> Table:
    table = Table("chosen", "of", "times", box=box.SIMPLE_HEAD, title=f"How often, in {len(result.seeds)} genotypes")
    for kind, counts in (("feature", result.summary.features), ("operation", result.summary.operations)):
        for name, count in counts.items():
            table.add_row(name, kind, str(count))
    return table


def in_short(genotype: Genotype) -> str:
    """Cells and steps of a genotype in a line."""
    found = []
    for cell in genotype.cells:
        steps = (f"{step.op}({', '.join(step.inputs)})" for step in cell.steps)
        found.append(f"[{', '.join(cell.inputs)}] {' '.join(steps)}")
    return "; ".join(found)


def _search_in_words(result: SearchResult, metric: str, config: SearchConfig) -> str:
    from bmnas.searcher.run.summary import seconds_of

    history = result.history
    rounds = [entry for entry in history if entry["event"] in ("EpochDone", "CandidateDone")]
    candidates = rounds[0]["event"] == "CandidateDone"
    number = len({(entry["seed"], entry["round"]) if candidates else entry["round"] for entry in rounds})
    of = f" of {config.epochs}" if not candidates and number < config.epochs else ""
    what = f"{number}{of} {'candidate' if candidates else 'epoch'}{'s' if of or number > 1 else ''}"
    if candidates and len(result.seeds) > 1:
        what += f" of {len(result.seeds)} seeds"
    selected = [entry for entry in history if entry["event"] == "SelectionDone"]
    words = f"Search: {what} in {seconds_of(rounds):.1f} s"
    if len(result.seeds) == 1:
        best = [entry for entry in rounds if entry["best"]][-1]
        where = "of candidate" if candidates else f"of the {_scored(config)} after epoch"
        mode = " (in train mode, as the released code has it)" if strategy_class(config).best_on_test else ""
        words += f"; best validation {metric} {score(best['score'], metric)} {where} {best['round']}{mode}"
    if selected:
        words += (
            f".\nSelection: {_looks(rounds, selected)} looks in {seconds_of(selected):.1f} s"
            f"; validation {metric} {_mean(selected, metric)} with inherited weights"
        )
    return f"{words}."


def _choices_in_words(result: SearchResult) -> Iterator[str]:
    """What the final choice of each seed says."""
    from bmnas.searcher.events import ChoiceDone

    for found in result.seeds:
        made = [entry for entry in result.history if entry["event"] == "ChoiceDone" and entry["seed"] == found.seed]
        for entry in made[-1:]:
            told = ChoiceDone.model_construct(**entry).sentence()
            who = f"Seed {found.seed}: " if len(result.seeds) > 1 else ""
            yield f"{who}{told}"


def _what_was_found(result: SearchResult) -> Iterator[str]:
    """The genotype in words, of one seed; and what is odd about it."""
    from bmnas.genotype.lint import lint
    from bmnas.genotype.telling import in_words

    if len(result.seeds) == 1:
        yield in_words(result.genotype)
    for found in result.seeds:
        who = f"Seed {found.seed}: note" if len(result.seeds) > 1 else "Note"
        for finding in lint(found.genotype):
            if finding.code in _WORTH_SAYING:
                yield f"{who}: {finding}."


def _looks(rounds: list[dict[str, Any]], selected: list[dict[str, Any]]) -> int:
    """How many genotypes the selections scored, those of all seeds together; not those that rounds had scored."""
    before = {entry["seed"]: entry["candidates"] for entry in rounds}
    return sum(entry["candidates"] - before[entry["seed"]] for entry in selected)


def _scored(config: SearchConfig) -> str:
    """What the score of an epoch is of: strategies that never train a mixture score the epoch's genotype."""
    return "genotype" if getattr(strategy_class(config), "scores_genotypes", False) else "hypernet"


def strategy_class(config: SearchConfig) -> type[Strategy]:
    """The strategy of a search."""
    from bmnas.searcher.strategies import STRATEGIES

    return STRATEGIES.find(config.strategy.kind)


def _mean(entries: list[dict[str, float]], metric: str) -> str:
    from bmnas.searcher.run.summary import Spread

    spread = Spread.of([entry["score"] for entry in entries])
    return score(spread.mean, metric) + (f" ± {score(spread.std, metric)}" if len(entries) > 1 else "")
