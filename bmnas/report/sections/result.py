"""What was found: its drawing, the comparison with intervals and tests, classes, confusion, calibration, trainings."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

import numpy as np
from markupsafe import Markup

from bmnas.errors import BmnasError
from bmnas.evaluation.weighted import BINS
from bmnas.genotype import Genotype
from bmnas.genotype.drawing import ThemeName, to_svg
from bmnas.genotype.telling import in_words
from bmnas.report import numbers
from bmnas.report.charts.intervals import interval_chart, reliability_chart
from bmnas.report.charts.lines import line_chart
from bmnas.report.compared import ALONE, Compared
from bmnas.report.kept import Answers, Array, class_names, measures_of
from bmnas.report.paired import Interval, measured
from bmnas.report.parts import Cell, Code, Folded, Grid, Note, Paragraph, Part, Picture, Section, Table
from bmnas.report.reading import Reading, SeedReading
from bmnas.searcher.run.layout import FOUND

_CLASSES = 40  # of a confusion matrix; of more, the most frequent mistakes are listed
_MISTAKES = 20


def genotype_section(id: str, reading: Reading) -> Section:
    """The section of a run with the drawings of what it found."""
    several = len(reading.seeds) > 1
    parts: list[Part] = []
    there = [seed for seed in reading.seeds if seed.genotype is not None]
    for number, seed in enumerate(there):
        assert seed.genotype is not None
        drawn = [_drawn(seed.genotype, f"The result: {seed.delivered}"), *_found(reading, seed)]
        parts += [Folded(f"Seed {seed.seed}", tuple(drawn), number == 0)] if several else drawn
    return Section(f"{id}-genotype", "The genotype", tuple(parts) or (Paragraph("There is no genotype yet."),))


def comparison_section(id: str, reading: Reading, compared: Compared) -> Section:
    """The section of a run with the comparison at its end."""
    if not compared.rows:
        return Section(f"{id}-comparison", "The comparison", (Paragraph("No row of the comparison is done yet."),))
    parts: list[Part] = [_table(id, reading, compared)]
    intervals = {name: row.interval for name, row in compared.rows.items() if row.interval is not None}
    if intervals and compared.measure is not None:
        scale, unit = (100, " in percent") if compared.measure.is_share else (1, "")
        caption = f"Test {compared.measure.name} with 95 % intervals"
        title = f"{compared.measure.name}{unit}"
        parts.append(Grid((interval_chart(f"{id}-rows", caption, intervals, title, compared.result, scale),)))
        parts.append(Note(_how(compared)))
    parts += [*_measures(id, reading, compared), *_trainings(id, reading)]
    return Section(f"{id}-comparison", "The comparison", tuple(parts))


def classes_section(id: str, reading: Reading, compared: Compared) -> Section:
    """The section of a run on what its result answers: classes, confusion, calibration, missing modalities."""
    parts: list[Part] = []
    answers = compared.answers.get(compared.result)
    if answers is None:
        parts.append(Paragraph("The outputs of the result are not kept, so nothing can be said of single classes."))
    elif answers[0].objective != "regression":
        names = class_names(reading.seeds[0].model, answers[0].kept.outputs.shape[1])
        parts += [_classes(id, names, answers), *_confusion(id, names, answers), _calibration(id, answers)]
    parts += _without(id, reading, compared)
    return Section(f"{id}-answers", "What the result answers", tuple(parts))


def picture_of(genotype: Genotype, theme: ThemeName) -> Markup:
    """The drawing of a genotype as a part of a page; graphviz has escaped every name in it.

    Raises:
        BmnasError: it cannot be drawn.
    """
    svg = to_svg(genotype, theme=theme, heading="title")
    svg = svg[svg.find("<svg") :]
    # Ids are not used in it, and would be there twice on a page; namespaces are known in HTML.
    svg = re.sub(r'\s(?:id|xmlns(?::xlink)?)="[^"]*"', "", svg)
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)
    return Markup(svg)


def _found(reading: Reading, seed: SeedReading) -> Iterator[Part]:
    """What the search found, where something simpler was delivered."""
    if seed.delivered == FOUND or seed.found is None:
        return
    try:
        genotype = seed.of_round(seed.found)
    except BmnasError as error:
        reading.note(str(error))
        return
    yield _drawn(genotype, "What the search found; the simpler network above was chosen")


def _drawn(genotype: Genotype, caption: str) -> Part:
    try:
        return Picture(picture_of(genotype, "light"), picture_of(genotype, "dark"), in_words(genotype), caption)
    except BmnasError as error:
        return Paragraph(f"{in_words(genotype)} It is not drawn: {str(error).removeprefix('the picture.svg: ')}.")


def _table(id: str, reading: Reading, compared: Compared) -> Table:
    share, several = compared.is_share, any(len(row.tests) > 1 for row in compared.rows.values())
    headings = ["network", f"test {compared.metric}"]
    headings += ["std"] if several else []
    tested = any(row.interval for row in compared.rows.values())
    headings += ["95 % interval", "found less this", "95 % interval", "p", "p (Holm)"] if tested else []
    rows = []
    for name, row in compared.rows.items():
        strong = name == compared.result
        cells = [Cell(name, strong=strong), Cell(numbers.value(row.mean, share), strong=strong)]
        cells += [Cell(numbers.value(row.std, share))] if several else []
        if tested:
            measure = compared.measure
            points = measure is not None and measure.is_share
            found = row.to_found
            cells += [
                Cell(numbers.ends(row.interval, points)),
                Cell(numbers.NONE if found is None else numbers.apart(found.interval.value, points)),
                Cell(numbers.NONE if found is None else numbers.ends(found.interval, points, signed=True)),
                Cell(numbers.probability(None if found is None else found.p)),
                Cell(numbers.probability(None if found is None else found.corrected)),
            ]
        cells += [Cell(numbers.whole(row.parameters)), Cell(numbers.seconds(row.seconds))]
        rows.append(cells)
    best = ", best epoch on the test split" if any(row.is_official for row in compared.rows.values()) else ""
    caption = f"Networks trained with the same budget, {numbers.count(len(reading.seeds), 'seed')}{best}"
    return Table.of(f"{id}-rows-table", caption, [*headings, "parameters", "seconds"], rows)


def _how(compared: Compared) -> str:
    answers = next(iter(compared.answers.values()))
    assert compared.drawing is not None and compared.measure is not None
    drawing = compared.drawing.resampling
    samples = numbers.count(len(answers[0].kept), "test sample")
    units = f"{samples} of {numbers.count(drawing.count, 'group')}" if drawing.is_by_groups else samples
    test = (
        "exact sign flips of samples (of one seed McNemar's test)"
        if compared.measure.name == "accuracy" and answers[0].objective == "single-label"
        else "the paired bootstrap"
    )
    if drawing.is_by_groups:
        test = test.replace("samples", "groups")
    unit = ", in points" if compared.measure.is_share else ""
    return (
        f"Intervals{unit} are of {compared.measure.name}, from {drawing.resamples:,} resamples of {units}; the marked "
        f"row is the result. p is by {test}: how likely so great a difference is if there is none; p (Holm) is "
        f"corrected for the number of rows. Intervals are of other test samples, std is of seeds."
    )


def _measures(id: str, reading: Reading, compared: Compared) -> Iterator[Part]:
    """All measures of all rows."""
    if not compared.answers or compared.drawing is None:
        return
    first = next(iter(compared.answers.values()))[0]
    measures = measures_of(first.objective, compared.metric)
    rows = []
    for name, answers in compared.answers.items():
        found = [measured(measure, answers, compared.drawing) for measure in measures]
        rows.append([name, *(_with_ends(own, m.is_share) for own, m in zip(found, measures, strict=True))])
    caption = "All measures on the test split, with 95 % intervals"
    headings = ["network", *(f"{m.name}{'' if m.higher_is_better else ' (less is better)'}" for m in measures)]
    yield Folded("All measures", (Table.of(f"{id}-measures", caption, headings, rows),))


def _with_ends(found: Interval | None, is_share: bool) -> str:
    if found is None:
        return numbers.NONE
    ends = "" if found.low is None else f" ({numbers.ends(found, is_share)})"
    return f"{numbers.value(found.value, is_share)}{ends}"


def _trainings(id: str, reading: Reading) -> Iterator[Part]:
    """Loss curves of the trainings of the rows."""
    names = list(dict.fromkeys(name for seed in reading.seeds for name in seed.curves))
    charts = []
    for seed in reading.seeds:
        who = f", seed {seed.seed}" if len(reading.seeds) > 1 else ""
        series = {name: seed.curves.get(name, {}) for name in names}
        caption = f"Loss of the trainings at the end{who}"
        chart = line_chart(f"{id}-trainings{seed.seed}", caption, series, "epoch", "loss on training + validation")
        if chart is not None:
            charts.append(chart)
    if charts:
        yield Grid(tuple(charts))
        yield Note("Heads alone are solved, not trained by steps, and have no curve.")


def _classes(id: str, names: Sequence[str], answers: Sequence[Answers]) -> Table:
    truth = sum((own.truth for own in answers), start=np.zeros_like(answers[0].truth))
    answered = sum((own.answered for own in answers), start=np.zeros_like(truth))
    hits = sum((own.truth * own.answered for own in answers), start=np.zeros_like(truth)).sum(0)
    support, given = truth.sum(0), answered.sum(0)
    rows = []
    for k, name in enumerate(names):
        shares = (_ratio(hits[k], given[k]), _ratio(hits[k], support[k]))
        f1 = _ratio(2 * hits[k], support[k] + given[k])
        rows.append(
            [
                name,
                numbers.whole(support[k] / len(answers)),
                f"{given[k] / len(answers):,.1f}".removesuffix(".0"),
                *(numbers.value(share, True) for share in shares),
                numbers.value(f1),
            ]
        )
    caption = "Classes of the test split" + (f", mean of {len(answers)} seeds" if len(answers) > 1 else "")
    return Table.of(f"{id}-classes", caption, ("class", "samples", "answers", "precision", "recall", "F1"), rows)


def _ratio(one: float, other: float) -> float | None:
    return float(one / other) if other else None


def _of_seeds(answers: Sequence[Answers]) -> str:
    return "one seed" if len(answers) == 1 else f"{len(answers)} seeds together"


def _confusion(id: str, names: Sequence[str], answers: Sequence[Answers]) -> Iterator[Part]:
    if answers[0].objective != "single-label":
        return
    counts: Array = sum((own.truth.T @ own.answered for own in answers), start=np.zeros((len(names),) * 2))
    if len(names) > _CLASSES:
        yield _mistakes(id, names, counts)
        return
    totals = np.maximum(counts.sum(1, keepdims=True), 1)
    rows = [
        [
            Cell(names[k]),
            *(Cell(f"{int(n)}" if n else "·", strength=float(n / totals[k, 0]) if n else None) for n in counts[k]),
        ]
        for k in range(len(names))
    ]
    caption = f"Confusion: test samples by label (row) and answer (column), {_of_seeds(answers)}"
    yield Table.of(f"{id}-confusion", caption, ["label", *names], rows)


def _mistakes(id: str, names: Sequence[str], counts: Array) -> Table:
    wrong = counts - np.diag(np.diag(counts))
    order = np.argsort(-wrong, axis=None, kind="stable")[:_MISTAKES]
    pairs = [divmod(int(place), len(names)) for place in order]
    rows = [[names[i], names[j], f"{int(wrong[i, j])}"] for i, j in pairs if wrong[i, j]]
    caption = f"The most frequent mistakes among {len(names)} classes"
    return Table.of(f"{id}-confusion", caption, ("label", "answer", "samples"), rows, (1,))


def _calibration(id: str, answers: Sequence[Answers]) -> Grid:
    confidence = np.concatenate([own.confidence.ravel() for own in answers])
    right = np.concatenate([own.hits.ravel() for own in answers])
    number = np.clip((confidence * BINS).astype(int), 0, BINS - 1)
    bins = [
        (float(confidence[own].mean()), float(right[own].mean()), int(own.sum()))
        for own in (number == k for k in range(BINS))
        if own.any()
    ]
    caption = f"Calibration in {BINS} bins, {_of_seeds(answers)}: larger dots have more answers"
    return Grid((reliability_chart(f"{id}-calibration", caption, bins),))


def _without(id: str, reading: Reading, compared: Compared) -> Iterator[Part]:
    """What a modality is worth: alone, by the rows; missing, by a command, which needs the features."""
    modalities = [str(each) for each in reading.record.get("modalities") or ()]
    if not modalities:
        return
    names = [f"{modality}{ALONE}" for modality in modalities]
    rows = [
        [modality, numbers.value(compared.rows[name].mean, compared.is_share)]
        for modality, name in zip(modalities, names, strict=True)
        if name in compared.rows
    ]
    if rows:
        caption = "What each modality is worth by itself"
        yield Table.of(f"{id}-alone", caption, ("modality", f"test {compared.metric} alone"), rows)
    if FOUND in compared.rows:
        yield Paragraph("What the result is worth when a modality is missing needs the features, and is said by:")
        for modality in modalities:
            command = f"bmnas evaluate {shlex.quote(reading.name)} --drop {shlex.quote(modality)}"
            yield Code(command, f"Command that evaluates without {modality}")
