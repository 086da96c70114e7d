"""A run in words: what was searched, what is the result, is there room for fusion, is the difference real."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from bmnas.genotype.telling import in_words
from bmnas.report import numbers
from bmnas.report.compared import Compared
from bmnas.report.paired import Difference
from bmnas.report.parts import Folded, Listing, Note, Paragraph, Part, Section
from bmnas.report.reading import Reading
from bmnas.report.state import state_of
from bmnas.searcher.events import ChoiceDone
from bmnas.searcher.run.layout import FOUND

CHANCE = 0.05


def summary_section(id: str, reading: Reading, compared: Compared) -> Section:
    """The first section of a run."""
    parts: list[Part] = [Paragraph(_what(reading)), Listing(tuple(_sentences(reading, compared)))]
    by_seed = tuple(_by_seed(reading))
    if len(reading.seeds) > 1 and by_seed:
        parts.append(Folded("Seed by seed: the final choice, and the genotype in words", (Listing(by_seed),)))
    if reading.outlook:
        parts += [Note("Before the search, linear heads alone said:"), Listing(tuple(reading.outlook))]
    if reading.missing:
        parts += [Note("What this report lacks:"), Listing(tuple(reading.missing))]
    return Section(f"{id}-summary", "Summary", tuple(parts))


def verdict(found: Difference | None, higher_is_better: bool | None) -> str:
    """``better``, ``worse``, or ``not shown`` where the difference may be chance."""
    p = None if found is None else found.corrected if found.corrected is not None else found.p
    if found is None or p is None or p >= CHANCE or higher_is_better is None:
        return "not shown"
    return "better" if (found.interval.value > 0) == higher_is_better else "worse"


def _what(reading: Reading) -> str:
    state = state_of(reading)
    seeds = numbers.count(len(reading.seeds), "seed")
    rounds = [each for seed in reading.seeds for each in seed.of_kind("EpochDone", "CandidateDone")]
    unit = "candidate" if any(each.kind == "CandidateDone" for each in rounds) else "epoch"
    done = numbers.count(max((each.number for each in rounds), default=0), unit)
    end = f", {state.where}" if state.where else ""
    why = f": {state.why}" if state.why else ""
    searched = f"Task {reading.task}, strategy {reading.strategy}, {seeds}, {done} of search."
    return f"{searched} The run is {state.name}{end}{why}."


def _sentences(reading: Reading, compared: Compared) -> Iterator[str]:
    yield from _result(compared)
    yield from _room(compared)
    yield from _real(compared)
    if len(reading.seeds) == 1:
        yield from _by_seed(reading)
    elif chosen := [seed.delivered for seed in reading.seeds if seed.choice is not None]:
        counts = Counter(chosen).most_common()
        said = ", ".join(f"{name} ({numbers.count(n, 'seed')})" for name, n in counts)
        yield f"The final choice was {said}."


def _by_seed(reading: Reading) -> Iterator[str]:
    """What each final choice says, and each genotype in words."""
    for seed in reading.seeds:
        if seed.choice is not None:
            said = reading.tried(lambda e=seed.choice.entry: ChoiceDone.model_construct(**e).sentence(), "")  # type: ignore[misc]
            if said:
                yield f"{_who(reading, seed.seed)}{said}"
    for seed in reading.seeds:
        if seed.genotype is not None:
            yield f"{_who(reading, seed.seed)}{in_words(seed.genotype)}"


def _who(reading: Reading, seed: int) -> str:
    return f"Seed {seed}: " if len(reading.seeds) > 1 else ""


def _result(compared: Compared) -> Iterator[str]:
    row = compared.rows.get(compared.result)
    if row is None:
        return
    how = f" ± {numbers.value(row.std, compared.is_share)} over {len(row.tests)} seeds" if len(row.tests) > 1 else ""
    interval = ""
    if row.interval is not None and row.interval.low is not None and _is_of_metric(compared):
        interval = f" (95 % interval of new samples {numbers.ends(row.interval, compared.is_share)})"
    best = "best epoch on the test split, no estimate of new data: " if row.is_official else "test "
    score = numbers.value(row.mean, compared.is_share)
    yield f"The result is the row {row.name}: {best}{compared.metric} {score}{how}{interval}."


def _room(compared: Compared) -> Iterator[str]:
    """Is there room for fusion: the best simple fusion against the best modality alone."""
    alone, fused = compared.best(compared.alone), compared.best(compared.simple)
    if alone is None or fused is None:
        return
    found = compared.between(fused, alone)
    if found is None:
        return
    said = verdict(found, compared.higher_is_better)
    answer = {"better": "yes", "worse": "no", "not shown": "not shown"}[said]
    yield f"Room for fusion: {answer}. {_apart(fused, alone, found, compared)}; both are the best of their kind there."


def _real(compared: Compared) -> Iterator[str]:
    """Is the difference real: the found network against its rival."""
    others = compared.alone + compared.simple
    rival = compared.rival if compared.rival in others else compared.best(others)
    row = compared.rows.get(rival or "")
    if row is None or row.to_found is None or FOUND not in compared.rows:
        return
    said = verdict(row.to_found, compared.higher_is_better)
    answer = {
        "better": "yes, the found network is better",
        "worse": "yes, and the found network is worse",
        "not shown": "not shown",
    }[said]
    yield f"A real difference: {answer}. {_apart(FOUND, row.name, row.to_found, compared)}."


def _apart(one: str, other: str, found: Difference, compared: Compared) -> str:
    measure = compared.measure
    assert measure is not None, "there is a difference"
    unit = f"points of {measure.name}" if measure.is_share else measure.name
    p = found.corrected if found.corrected is not None else found.p
    smallest = ""
    if found.smallest is not None:
        smallest = f"; so many samples show {numbers.apart(found.smallest, measure.is_share).lstrip('+')} or more"
    said = numbers.probability(p)
    return (
        f"On the test split, {one} less {other} is {numbers.apart(found.interval.value, measure.is_share)} {unit} "
        f"(95 % interval {numbers.ends(found.interval, measure.is_share, signed=True)}, "
        f"p {said if said.startswith('<') else f'= {said}'}{smallest})"
    )


def _is_of_metric(compared: Compared) -> bool:
    return compared.measure is not None and compared.measure.name == compared.metric.partition("@")[0]
