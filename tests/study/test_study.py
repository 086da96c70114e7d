"""Studies: every row with every seed, the same samples for all; what is done is kept, and what fails says why."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from bmnas.errors import BmnasError
from bmnas.searcher import open_run
from bmnas.study import ablate, compare_systems, training, units
from bmnas.study.ablation import ablation, with_random_inputs
from bmnas.study.units import DELIVERED, Fixed
from tests.study.small import SETTINGS, TRAIN, network, places, task


def ablated(folder, genotype=None, **more):
    given = {"train": TRAIN, "seeds": (0, 1), **places(folder), **more}
    return ablate(genotype or network(), task(), {"select_budget": 2}, **given)


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compared")
    wanted = ("sklearn-logistic", "gmu", "random")
    study = compare_systems(task(), SETTINGS, train=TRAIN, wanted=wanted, seeds=(0, 1), **places(folder))
    return folder, wanted, study


def test_systems_are_rows_with_every_seed(compared):
    folder, _, study = compared
    (table,) = study.tables
    rows = {row.name: row for row in table.rows}
    own = {"A alone", "B alone", "score fusion", "linear, last features", "late fusion", "fully connected"}
    own.add("wide, all features")
    assert set(rows) == own | {DELIVERED, "found network", "scikit-learn, logistic", "gmu", "random"}
    assert table.looked_at == DELIVERED
    assert (study.samples, study.groups, study.metric, study.seeds) == (30, None, "accuracy", (0, 1))
    for row in rows.values():
        assert len(row.scores) == 2
        assert row.source
        assert 0 <= row.mean <= 1
        assert (row.against is None) == (row.name == DELIVERED)
        assert row.seconds["training"] >= 0
        assert row.against is None or row.against.p <= row.against.corrected <= 1
    assert rows["random"].seconds["search"] > 0
    assert rows["random"].genotypes
    for seed, score in zip((0, 1), rows[DELIVERED].scores, strict=True):
        run = open_run(folder / "study" / "work" / "search" / f"seed{seed}")
        outputs, labels = run.outputs(run.delivered(seed))
        assert score == pytest.approx((outputs.argmax(1) == labels).double().mean().item())


def test_what_another_search_finds_has_the_form_that_held_out_samples_like_best(tmp_path, monkeypatch):
    class Liking(training.Trial):
        """Says of wide networks that they are right, of others that they know nothing."""

        def __init__(self, problem, genotype, *rest):
            self._loss = 0.0 if genotype.representation.channels == 256 else 1.0
            super().__init__(problem, genotype, *rest)

        @property
        def held(self):
            return replace(self._held, losses=torch.full_like(self._held.losses, self._loss))

        @held.setter
        def held(self, held):
            self._held = held

    monkeypatch.setattr(training, "Trial", Liking)
    study = compare_systems(task(), SETTINGS, train=TRAIN, wanted=("gmu", "random"), seeds=(0,), **places(tmp_path))
    rows = {row.name: row for row in study.tables[0].rows}
    of = {name: rows[name].genotypes[0]["representation"] for name in ("gmu", "random")}
    assert of["random"] == {"channels": 256, "length": 1}
    assert of["gmu"]["channels"] == 8  # no other form is what it is called


def test_what_is_done_is_not_made_again(compared, monkeypatch):
    folder, wanted, study = compared
    monkeypatch.setattr(units, "search", None)
    monkeypatch.setattr(units, "trained", None)
    again = compare_systems(task(), SETTINGS, train=TRAIN, wanted=wanted, seeds=(0, 1), **places(folder))
    assert again == study


def test_a_folder_of_another_study_is_refused(compared):
    folder, wanted, _ = compared
    with pytest.raises(BmnasError, match="is of a study with other settings; name another folder with --out"):
        compare_systems(task(), SETTINGS, train={"epochs": 4}, wanted=wanted, seeds=(0, 1), **places(folder))


@pytest.mark.parametrize("change", ["damaged", "cut"])
def test_a_damaged_row_is_named(compared, change, tmp_path):
    import shutil

    folder, wanted, _ = compared
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    (file,) = (tmp_path / "study" / "rows").glob("gmu-*.json")
    text = file.read_text()
    file.write_text(text.replace("parameters", "parameter5") if change == "damaged" else text[:-20])
    with pytest.raises(BmnasError, match=f"{file.name}: "):
        compare_systems(task(), SETTINGS, train=TRAIN, wanted=wanted, seeds=(0, 1), **places(tmp_path))


def test_a_system_that_is_unknown_and_seeds_that_are_none(tmp_path):
    with pytest.raises(BmnasError, match="there is no system 'gnu'; there are search, sklearn-logistic"):
        compare_systems(task(), wanted=["gnu"], **places(tmp_path))
    for seeds in ((), (1, 1)):
        with pytest.raises(BmnasError, match="there should be one or more, all different"):
            compare_systems(task(), seeds=seeds, **places(tmp_path))


def test_an_ablation_has_the_two_tables(tmp_path):
    other = network("Mul", "other")
    study = ablated(tmp_path, others={"other": other})
    features, fusion = study.tables
    titles = [[row.name for row in table.rows if row.name != "MFAS"] for table in study.tables]
    assert titles == [
        ["random", "late fusion", "searched"],
        ["sum", "concat-fc", "mha", "aoa", "other", "searched"],
    ]
    for table in study.tables:
        assert table.looked_at == "searched"
        assert all(len(row.scores) == 2 or row.why_not for row in table.rows)
    assert features.rows[-1] == fusion.rows[-1]
    rows = {row.name: row for row in fusion.rows}
    assert [step["op"] for step in rows["concat-fc"].genotypes[0]["cells"][0]["steps"]] == ["ConcatFC"]
    assert rows["concat-fc"].genotypes[0]["output"] == ["A", "B", "Cell_1"]  # it reads what the network reads
    assert rows["concat-fc"].genotypes[0]["join"] == "sum"
    again = ablated(tmp_path, others={"other": other})
    assert again == study
    with pytest.raises(BmnasError, match="is of a study with other settings"):
        ablated(tmp_path, network("ConcatFC"), others={"other": other})


def test_what_has_no_cells_is_not_ablated(tmp_path):
    with pytest.raises(BmnasError, match="mine has no cells, so that there are none to ablate"):
        ablated(tmp_path, network(cells=[], output=["A", "B"]))


def test_random_inputs_keep_the_inner_structure(tmp_path):
    drawn = set()

    class Bench:
        class problem:
            features = (
                network().features[0],
                *(network().features[1].model_copy(update={"name": name}) for name in "BCD"),
            )

    for seed in range(8):
        found = with_random_inputs(network(), Bench, seed)
        assert found == with_random_inputs(network(), Bench, seed)
        assert found.cells[0].steps == network().cells[0].steps
        assert len(set(found.cells[0].inputs)) == 2
        assert {"A", "B"} <= {feature.name for feature in found.features}  # their heads are still added
        drawn.add(found.cells[0].inputs)
    assert len(drawn) > 2


def test_a_row_that_fails_says_why_and_is_tried_again(tmp_path, monkeypatch):
    from bmnas.study import ablation as rows

    def breaks(bench):
        raise BmnasError("it cannot be")

    def of(first):
        units = lambda *given: {"features": [Fixed("odd", "nothing", first)], "fusion": []}  # noqa: E731
        monkeypatch.setattr("bmnas.study.study.ablation", units)
        return ablated(tmp_path).tables[0].rows

    (row,) = of(breaks)
    assert (row.why_not, row.scores, row.mean) == ("it cannot be", (), None)
    (row,) = of(rows._late_fusion)
    assert row.why_not is None
    assert len(row.scores) == 2


@pytest.fixture
def few(monkeypatch):
    """Ablations have the rows of random features, of sums, and of the network alone."""

    def units(*given):
        every = ablation(*given)
        return {"features": [every["features"][0]], "fusion": [every["fusion"][0], every["fusion"][-1]]}

    monkeypatch.setattr("bmnas.study.study.ablation", units)


def test_a_study_that_is_stopped_goes_on_as_if_it_had_not(tmp_path, monkeypatch, few):
    from bmnas.study.said import Kept

    whole = ablated(tmp_path / "whole")
    save, count = Kept.save, 0

    def stopped(self, *given):
        nonlocal count
        count += 1
        if count == 2:
            raise KeyboardInterrupt
        save(self, *given)

    monkeypatch.setattr(Kept, "save", stopped)
    with pytest.raises(KeyboardInterrupt):
        ablated(tmp_path)
    monkeypatch.setattr(Kept, "save", save)
    study = ablated(tmp_path)
    for one, other in zip(whole.tables, study.tables, strict=True):
        for row, again in zip(one.rows, other.rows, strict=True):
            assert (row.name, row.scores, row.loss) == (again.name, again.scores, again.loss)


def test_seeds_at_once_are_the_seeds_one_by_one(tmp_path, few):
    """Without dropout, whose masks are drawn for all seeds together."""
    genotype = network(dropout=0.0)
    both = ablated(tmp_path, genotype)
    alone = ablated(tmp_path / "alone", genotype, seeds=(0,))
    row, single = (study.tables[1].rows[-1] for study in (both, alone))
    assert row.scores[0] == pytest.approx(single.scores[0], abs=0.04)
    kept = json.loads(next((tmp_path / "study" / "rows").glob("searched-*.json")).read_text())
    assert kept["settings"]["seeds"] == [0, 1]
