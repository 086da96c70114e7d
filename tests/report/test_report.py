"""What a report says of runs: whole ones, and what is unfinished, moved, damaged, foreign, or has odd names."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import bmnas
from bmnas.errors import BmnasError
from bmnas.evaluation import compare, evaluate
from bmnas.report.writing import report_html
from tests.report.made import Made, make_run
from tests.report.pages import check, section

SMALL = Made(seeds=2, epochs=3, samples=60)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A run of two seeds."""
    return make_run(tmp_path_factory.mktemp("made") / "run", SMALL)


@pytest.fixture
def run(whole, tmp_path) -> Path:
    """The same, to be changed."""
    return shutil.copytree(whole, tmp_path / "run")


def test_a_report_of_a_real_run(digits_run, tmp_path):
    out = bmnas.write_report(digits_run, tmp_path / "report.html")
    page = check(out.read_text(encoding="utf-8"))
    titles = [heading.text for heading in page.all("h3")]
    assert titles == [
        "Summary",
        "The genotype",
        "The comparison",
        "What the result answers",
        "The search",
        "What it took",
        "How it was made",
    ]
    summary = section(page, "Summary").text
    assert "The run is done." in summary
    assert "What this report lacks" not in summary
    run = bmnas.open_run(digits_run)
    rows = section(page, "The comparison").text
    for row in run.rows():
        assert row.name in rows and f"{100 * row.test:.2f} %" in rows
    making = section(page, "How it was made").text
    assert "bmnas search" in making and f"bmnas report {digits_run}" in making


def test_nothing_of_a_whole_run_is_missing(whole):
    page = check(report_html([whole]))
    assert "What this report lacks" not in page.text
    captions = [caption.text for caption in page.all("figcaption")]
    assert sum(caption.startswith(("alpha:", "beta:", "gamma:")) for caption in captions) == 2 * 2 * (2 + 2 * 3)
    assert sum(caption.startswith("Loss of the trainings at the end") for caption in captions) == 2
    assert "Spearman's rank correlation of the 8 pairs" in page.text
    assert sum("How the genotype changed" in caption.text for caption in page.all("caption")) == 2


def test_it_is_the_same_each_time(whole):
    assert report_html([whole]) == report_html([whole])


def test_the_numbers_are_those_of_an_evaluation(tmp_path):
    folder = make_run(tmp_path / "run", Made(seeds=1, epochs=1, samples=200))
    run = bmnas.open_run(folder)
    outputs, labels = run.outputs("found network")
    other, _ = run.outputs("late fusion")
    told = evaluate(outputs, labels, resamples=1000)["accuracy"]
    assert told.low is not None and told.high is not None and told.value is not None
    page = check(report_html([folder]))
    table = next(section(page, "The comparison").all("table"))
    rows = {next(row.all("th")).text: row.text for row in table.all("tr")}
    assert f"{100 * told.value:.2f} %" in rows["found network"]
    assert f"{100 * told.low:.2f} to {100 * told.high:.2f} %" in rows["found network"]
    p = compare(outputs, other, labels)["accuracy"].p
    assert p is not None
    assert (f" {p:.3f} " if p >= 0.001 else "< 0.001") in rows["late fusion"]


def test_intervals_are_of_groups_where_there_are_some(tmp_path):
    folder = make_run(tmp_path / "run", Made(seeds=1, epochs=1, samples=60, groups=12))
    assert "60 test samples of 12 groups" in check(report_html([folder])).text


@pytest.mark.parametrize(
    ("objective", "metric"),
    [
        ("MultiLabel(class_weights=None, threshold=0.5)", "f1-weighted"),
        ("Regression(criterion='mse')", "mse"),
        ("Regression(criterion='mse')", "a metric of one's own"),
    ],
)
def test_other_labels(tmp_path, objective, metric):
    made = Made(seeds=1, epochs=2, samples=50, objective=objective, metric=metric, classes=("a", "b", "c"))
    page = check(report_html([make_run(tmp_path / "run", made)]))
    assert metric in section(page, "The comparison").text
    assert "What this report lacks" not in page.text


def test_names_with_markup_are_text(tmp_path):
    evil = "<img src=x onerror=alert(1)>&\"'{{7*7}}"
    made = Made(task=evil, modalities=(evil[:20], "</title><b>"), classes=(evil, "<script>", "c"), seeds=1, epochs=2)
    page = check(report_html([make_run(tmp_path / "run", made)]))
    assert evil in page.text and "<script>" in page.text
    assert not list(page.all("b")) and not list(page.all("img"))


def test_many_classes_are_told_by_their_mistakes(tmp_path):
    made = Made(seeds=1, epochs=1, samples=300, classes=tuple(f"class {k}" for k in range(60)))
    assert "The most frequent mistakes among 60 classes" in check(report_html([make_run(tmp_path / "run", made)])).text


def test_runs_side_by_side(run, tmp_path):
    other = make_run(tmp_path / "other", Made(**{**vars(SMALL), "lr": 0.5}))
    third = make_run(tmp_path / "third", Made(task="another", classes=("a", "b"), seeds=1, epochs=2))
    page = check(report_html([run, other, third]))
    beside = section(page, "Runs side by side").text
    assert "lr 0.5" in beside and "another" in beside
    assert "Results compared on the same test samples" in beside
    for folder in (run, other, third):
        assert [each for each in page.all("h2") if each.text == str(folder)]


def test_a_run_that_was_named_twice_is_there_once(run):
    assert [each.text for each in check(report_html([run, run])).all("h2")] == [str(run)]


LACKS = {
    "events.jsonl": "what happened in the search cannot be shown",
    "seed1/results.json": "no network of seed 1 has been trained and tested",
    "seed0/outputs": "these rows have no intervals and no tests",
    "seed0/genotype.json": "no round of seed 0 is done",
    "seed0/curves": "has no curve of a training",
    "seed0/genotypes": "cannot be read: no such file",
}


@pytest.mark.parametrize("name", LACKS)
def test_what_is_gone_is_named(run, name):
    path = run / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    page = check(report_html([run]))
    lacks = section(page, "Summary").text.partition("What this report lacks:")[2]
    assert LACKS[name] in lacks


DAMAGED = [
    *("events.jsonl", "outlook.json", ".status", "seed0/results.json", "seed0/genotype.json"),
    *("seed0/genotype.model.json", "seed0/mixing/epoch-001.json"),
]


@pytest.mark.parametrize("name", DAMAGED)
@pytest.mark.parametrize("content", ["", "{", "[]", '{"checksum": 0}', "\x00\x01", "{}"])
def test_what_is_damaged_is_named(run, name, content):
    (run / name).write_text(content)
    page = check(report_html([run]))
    assert str(run / name) in section(page, "Summary").text


def test_damaged_outputs_are_named(run):
    path = next((run / "seed0" / "outputs").iterdir())
    path.write_bytes(path.read_bytes()[:-40])
    assert f"{path}: does not hold the outputs of a network" in section(check(report_html([run])), "Summary").text


def test_a_search_that_has_just_begun(run):
    for path in run.iterdir():
        if path.name != "config.json":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    page = check(report_html([run]))
    assert "interrupted, before the first round was done" in section(page, "Summary").text
    assert "No round of the search is done." in section(page, "The search").text


def test_a_run_of_an_earlier_version_still_has_a_report(run):
    """What is kept only now is named, where it lacks."""
    for path in [run / ".status", run / "outlook.json", *run.glob("seed*/mixing"), *run.glob("seed*/curves")]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    page = check(report_html([run]))
    assert "The run is done." in page.text
    assert "are not kept in this run" in section(page, "The search").text
    assert "peak memory not kept" in section(page, "What it took").text


def test_a_run_that_was_moved_is_called_by_its_new_name(run, tmp_path):
    moved = run.rename(tmp_path / "elsewhere")
    assert f"bmnas report {moved}" in check(report_html([moved])).text


def test_what_can_be_shown_is_shown_and_the_rest_named(run, tmp_path):
    (tmp_path / "stranger").mkdir()
    page = check(report_html([tmp_path / "stranger", run]))
    assert "is not a run folder" in section(page, "What cannot be shown").text
    assert section(page, "Summary").text


def test_nothing_to_show_is_an_error(tmp_path):
    with pytest.raises(BmnasError, match="is not a run folder"):
        report_html([tmp_path])
    with pytest.raises(BmnasError, match="there is no run folder"):
        report_html([])
    (tmp_path / "config.json").write_text(json.dumps({"format": "other"}))
    with pytest.raises(BmnasError, match="is not the configuration of a search"):
        report_html([tmp_path])


def test_a_report_of_a_search_with_candidates(run):
    """Their scores are a curve; there is nothing that is inherited."""
    from bmnas.files import sealed_json, unsealed_json

    kept = [unsealed_json(json.loads(line)) for line in (run / "events.jsonl").read_text().splitlines()]
    candidates = [{**line, "event": "CandidateDone"} for line in kept if line["event"] == "EpochDone"]
    (run / "events.jsonl").write_text("".join(sealed_json(line, indent=None) for line in candidates))
    assert "3 candidates of search" in check(report_html([run])).text


def test_numbers_that_are_none_leave_a_gap(tmp_path):
    from bmnas.report.charts.lines import line_chart

    assert line_chart("a", "b", {"c": {1: np.nan}}, "epoch", "loss") is None
    chart = line_chart("a", "b", {"c": {1: 1.0, 2: np.inf, 3: 1.0}}, "epoch", "loss")
    assert chart is not None and "nan" not in chart.drawing and "inf" not in chart.drawing
