"""The statistics by which `benchmarks/evidence.py` compares systems, and its report of results that are made up."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from scipy.stats import binomtest

from bmnas.errors import BmnasError
from bmnas.evaluation.holm import holm

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from evidence_report import read, report
from paired import bootstrap, compared, mcnemar, sign_flip, student, sums_of


def _answers(*, better: int, worse: int, same: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Two systems, of which the first alone is right `better` times and the other alone `worse` times."""
    one = np.array([1] * better + [0] * worse + [1] * same)
    return one, np.array([0] * better + [1] * worse + [1] * same)


def test_mcnemar_is_the_binomial_test():
    assert mcnemar(*_answers(better=15, worse=5)) == pytest.approx(0.04138947)  # 2 P(B(20, 1/2) >= 15)
    assert mcnemar(*_answers(better=0, worse=0)) == 1


@pytest.mark.parametrize(("better", "worse"), [(0, 1), (3, 9), (40, 22), (7, 7), (0, 30)])
def test_of_one_seed_sign_flips_are_mcnemars_test(better: int, worse: int):
    one, other = _answers(better=better, worse=worse)
    below, above = sign_flip(one - other)
    assert above == pytest.approx(binomtest(better, better + worse, alternative="greater").pvalue)
    assert below == pytest.approx(binomtest(better, better + worse, alternative="less").pvalue)


def test_sign_flips_are_all_there_are():
    sums = np.array([5, -2, 4, 0, 1, -6, 2])
    flips = np.array(np.meshgrid(*[[-1, 1]] * len(sums))).reshape(len(sums), -1)
    totals = np.abs(sums) @ flips
    assert sign_flip(sums) == pytest.approx(((totals <= sums.sum()).mean(), (totals >= sums.sum()).mean()))
    assert sign_flip(3 * sums) == pytest.approx(sign_flip(sums))
    assert sign_flip(np.zeros(4, dtype=np.int64)) == (1, 1)


def test_sign_flips_of_many_samples_have_small_p_values():
    below, above = sign_flip(np.array([3] * 400 + [-2] * 100))
    assert 0 < above < 1e-30
    assert below == pytest.approx(1)


def test_sign_flips_have_their_level():
    """Systems that are equally good, whose answers depend on the sample, which all seeds of both share."""
    random, found = np.random.default_rng(0), []
    for _ in range(1000):
        difficulty = random.beta(2, 1, size=150)
        one, other = (random.random((3, 150)) < difficulty for _ in range(2))
        found.append(sign_flip((one.astype(int) - other).sum(0)))
    rates = (np.array(found) <= 0.05).mean(0)
    assert np.all((rates > 0.03) & (rates < 0.065)), rates


def test_groups_keep_their_level_where_samples_do_not():
    """Of people whose samples are alike, each sample by itself looks like more evidence than it is."""
    random, by_sample, by_group = np.random.default_rng(0), [], []
    groups = np.repeat(np.arange(12), 30)
    for _ in range(300):
        for_one = random.normal(size=12)[groups] > 0
        one = np.where(for_one, random.random(360) < 0.9, random.random(360) < 0.7).astype(int)
        other = np.where(for_one, random.random(360) < 0.7, random.random(360) < 0.9).astype(int)
        by_sample.append(sign_flip(one - other)[1])
        by_group.append(sign_flip(sums_of(one - other, groups))[1])
    assert np.mean(np.array(by_sample) <= 0.05) > 0.15
    assert np.mean(np.array(by_group) <= 0.05) < 0.08


def test_holm():
    p = {"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005}  # × 3, × 1, × 2, × 4; none below a smaller one's
    assert holm(p) == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02})
    assert list(holm(p)) == list(p)
    assert holm({"a": 0.7, "b": 0.8}) == {"a": 1, "b": 1}
    assert holm({}) == {}


def test_intervals_hold_the_mean():
    values = np.random.default_rng(0).normal(0.3, 1, size=400)
    for interval in (student(values, np.arange(400)), bootstrap(values, np.arange(400))):
        assert interval.mean == pytest.approx(values.mean())
        assert interval.high - interval.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)


def test_intervals_are_wider_where_groups_are_alike():
    values = np.repeat(np.random.default_rng(0).normal(size=20), 10)
    groups = np.repeat(np.arange(20), 10)
    for interval in (student, bootstrap):
        alone, together = interval(values, np.arange(200)), interval(values, groups)
        assert together.high - together.low > 2 * (alone.high - alone.low)


def test_a_comparison_is_of_all_seeds():
    one, other = _answers(better=30, worse=6, same=164)
    correct = np.stack([one, one, other]), np.stack([other, other, other])
    likelihoods = tuple(np.log(np.where(each, 0.9, 0.1)) for each in correct)
    found = compared(correct, (likelihoods[0], likelihoods[1]))
    assert found.accuracy.mean == pytest.approx(2 / 3 * 24 / 200)
    assert found.above < 1e-3 < 0.9 < found.below
    assert found.likelihood.low > 0
    assert (found.samples, found.groups, found.seeds) == (200, None, 3)
    assert found.shown is not None
    assert found.shown == pytest.approx(0.083, abs=0.003)  # of 18 % discordant answers


def test_few_groups_say_how_little_they_can_show():
    one, other = _answers(better=30, worse=0, same=30)
    ones = np.log(np.full((1, 60), 0.5))
    found = compared((one[None], other[None]), (ones, ones), np.arange(60) % 4)
    assert found.above < 1e-6
    assert found.above_by_groups == found.least == 1 / 16
    assert (found.hardest_above, found.hardest_below) == (1 / 16, 1)
    alone = compared((one[None], other[None]), (ones, ones), np.zeros(60))
    assert alone.groups is None


class _Folder:
    """Results of a task as if they had been measured: 200 samples of 4 classes in each fold."""

    def __init__(self, path: Path) -> None:
        self.path, self._random = path, np.random.default_rng(0)
        self._labels = {fold: self._random.integers(4, size=200) for fold in range(3)}
        self.groups = False

    def add(self, fold: int, unit: str, seed: int | None, accuracies: dict[str, float], **facts: Any) -> None:
        labels = self._labels[fold]
        content = {"labels": labels}
        for name, accuracy in accuracies.items():
            said = np.where(self._random.random(200) < accuracy, labels, (labels + 1) % 4)
            probabilities = np.full((200, 4 + fold), 0.05)  # folds may have other classes
            probabilities[np.arange(200), said] = 0.85 - 0.05 * fold
            content[f"outputs/{name}"] = np.log(probabilities).astype(np.float32)
        if self.groups:
            content["groups"] = np.arange(200) % 5
        file = self.path / f"fold{fold}" / (unit if seed is None else f"{unit}-seed{seed}")
        file.parent.mkdir(parents=True, exist_ok=True)
        safetensors.numpy.save_file(content, file.with_suffix(".safetensors"))
        made = {"system": unit, "seed": seed, "facts": facts, "versions": {"bmnas": "1.0"}}
        file.with_suffix(".json").write_text(json.dumps(made))

    def add_search(self, fold: int, seed: int) -> None:
        rows = {"late fusion": 0.8, "score fusion": 0.7, "found network": 0.9, "delivered": 0.9}
        losses = {"late fusion": 0.5, "score fusion": 0.4, "found network": 0.3}
        seconds = {"search": 10.0, "choice": 5.0, "training": 5.0}
        self.add(
            fold, "search", seed, rows, chosen="found network", rival="score fusion", losses=losses, seconds=seconds
        )


def _measured(path: Path, *, groups: bool = False) -> _Folder:
    folder = _Folder(path)
    folder.groups = groups
    for fold in range(2):
        for seed in range(2):
            folder.add_search(fold, seed)
            folder.add(fold, "mlp", seed, {"scikit-learn, mlp": 0.99}, held_out_loss=0.2)
            folder.add(fold, "gmu", seed, {"gmu": 0.6}, held_out_loss=0.7)
        folder.add(fold, "logistic", None, {"scikit-learn, logistic": 0.5}, held_out_loss=0.3)
        folder.add(fold, "summed", None, {"scikit-learn, summed": 0.5}, held_out_loss=0.4)
    return folder


def test_the_best_is_chosen_by_held_out_loss(tmp_path: Path):
    _measured(tmp_path / "some")
    results = read(tmp_path / "some")
    assert results is not None
    seeds = results.seeds("best baseline", "best of scikit-learn")
    assert seeds == (0, 1)
    for best, own in [("best baseline", "score fusion"), ("best of scikit-learn", "scikit-learn, mlp")]:
        assert np.array_equal(results.correct(best, seeds), results.correct(own, seeds))


def test_folds_count_together_and_one_result_counts_for_every_seed(tmp_path: Path):
    _measured(tmp_path / "some")
    results = read(tmp_path / "some")
    assert results is not None
    found = results.compared("delivered", "scikit-learn, logistic")
    assert found is not None
    assert (found.samples, found.seeds) == (400, 2)
    one = results.correct("delivered", (0, 1)).mean()
    assert found.accuracy.mean == pytest.approx(one - results.correct("scikit-learn, logistic", (None,)).mean())


def test_the_report_says_what_holds(tmp_path: Path):
    _measured(tmp_path / "some")
    said = report(tmp_path)
    assert "400 test samples of 2 folds, seeds 0, 1" in said
    assert "with Holm's below in 1 (some against scikit-learn, mlp)" in said
    assert "| some | delivered | **+3" in said  # points above gmu
    assert "found network 4" in said
    assert "bmnas 1.0" in said


def test_few_groups_are_said_to_show_nothing(tmp_path: Path):
    folder = _measured(tmp_path / "some", groups=True)
    assert "They are of 5 groups" in report(tmp_path)
    results = read(folder.path)
    assert results is not None
    found = results.compared("delivered", "gmu")
    assert found is not None
    assert (found.groups, found.least) == (5, 1 / 32)


def test_what_is_not_finished_is_said(tmp_path: Path):
    folder = _measured(tmp_path / "some")
    folder.add(0, "aoa", 0, {"aoa": 0.6})  # the other fold lacks
    folder.add_search(2, 0)
    (folder.path / "fold0" / "mha.json").write_text(json.dumps({"system": "mha", "left_out": "it cannot be"}))
    said = report(tmp_path)
    assert "With fewer seeds than delivered, or not at all in some fold: aoa." in said
    assert "Folds that have fewer searches than the others are not counted yet: 2." in said
    assert "mha is left out: it cannot be." in said
    assert "400 test samples" in said


def test_a_search_alone_has_a_report(tmp_path: Path):
    _Folder(tmp_path / "some").add_search(0, 3)
    assert "200 test samples of 1 fold, seed 3." in report(tmp_path)


def test_results_of_other_samples_are_refused(tmp_path: Path):
    _measured(tmp_path / "some")
    other = _Folder(tmp_path / "some")
    other._labels[0] = 3 - other._labels[0]
    other.add(0, "gmu", 0, {"gmu": 0.6})
    with pytest.raises(BmnasError, match="not those of the other results"):
        report(tmp_path)


def test_a_folder_without_results_is_refused(tmp_path: Path):
    with pytest.raises(BmnasError, match="no result of a search"):
        report(tmp_path)
