"""What `bmnas.diagnose` says of data of which the answers are known."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from scipy.stats import ttest_1samp
from torch import Tensor

import bmnas
from bmnas import Diagnosis, MultiLabel, Regression, SingleLabel
from bmnas.evaluation import paired
from bmnas.evaluation.sample_losses import losses
from bmnas.searcher.diagnosis import fits
from bmnas.tasks.arrays import ArrayTask
from tests.tasks.small_task import SmallTask


def task_of(features: Mapping[str, Tensor], labels: Tensor, **given: Any) -> ArrayTask:
    """Half of the samples are of the training split, a quarter of the validation split."""
    n = len(labels)
    splits = ["train"] * (n // 2) + ["validation"] * (n // 4) + ["test"] * (n - n // 2 - n // 4)
    return ArrayTask(features, labels, given.pop("splits", splits), name=given.pop("name", "made"), **given)


def diagnosed(features: Mapping[str, Tensor], labels: Tensor, **given: Any) -> Diagnosis:
    return bmnas.diagnose(task_of(features, labels, **given), cache=Path(tempfile.mkdtemp()), device="cpu")


def two(n: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Two modalities of five numbers, and noise."""
    generator = torch.Generator().manual_seed(seed)
    a, b = torch.randn(2, n, 5, generator=generator)
    return a, b, torch.randn(n, generator=generator)


LABELS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "A alone": lambda a, b, noise: (3 * a[:, 0] + noise > 0).long(),
    "both, added": lambda a, b, noise: (2 * a[:, 0] + 2 * b[:, 0] + noise > 0).long(),
    "both, multiplied": lambda a, b, noise: (a[:, 0] * b[:, 0] > 0).long(),
    "A alone, not linear": lambda a, b, noise: (a[:, 0].abs() > 0.7).long(),
}


@functools.cache
def of(kind: str, n: int = 600) -> Diagnosis:
    a, b, noise = two(n)
    return diagnosed({"A": a, "B": b}, LABELS[kind](a, b, noise))


def answers(diagnosis: Diagnosis) -> dict[str, str]:
    return {verdict.question: verdict.answer for verdict in diagnosis.verdicts}


def system(diagnosis: Diagnosis, name: str) -> Any:
    (found,) = [each for each in (*diagnosis.heads, *diagnosis.fusions, *diagnosis.learners) if each.name == name]
    return found


def against(diagnosis: Diagnosis, name: str) -> list[Any]:
    """The comparisons of a system."""
    return [each for each in diagnosis.comparisons if each.system == name]


def test_one_modality_decides():
    found = of("A alone")
    assert answers(found) == {"fusion": "not shown", "intermediate layers": "does not apply", "samples": "no"}
    a, b = (system(found, name) for name in "AB")
    # Of the noise, a share of arctan(1/3) / π is on the wrong side.
    assert a.held_out.score == pytest.approx(1 - 0.1024, abs=0.03)
    assert b.held_out.score == pytest.approx(0.5, abs=0.08)
    assert b.held_out.loss > 0.68
    assert "Room for fusion of last features over A: not shown" in found.in_brief()[0]


def test_both_are_needed_and_add_up():
    found = of("both, added")
    assert answers(found)["fusion"] == "yes"
    assert answers(found)["samples"] == "yes"
    together = system(found, "last features together")
    # Angles between the label's direction and what is read: arctan(1 / √8) / π, and arctan(√5 / 2) / π of one alone.
    assert together.held_out.score == pytest.approx(1 - 0.1082, abs=0.03)
    assert system(found, "A").held_out.score == pytest.approx(1 - 0.2677, abs=0.05)
    (interaction,) = [each for each in against(found, "nonlinear, together") if each.baseline not in ("A", "B")]
    assert interaction.p > 0.05
    assert "nothing beyond a sum is shown" in found.in_brief()[0]


def test_a_product_is_no_sum():
    found = of("both, multiplied")
    for name in ("A", "B", "last features together", "last features, score fusion", "nonlinear, one by one"):
        assert system(found, name).held_out.score < 0.6
    assert system(found, "nonlinear, together").held_out.score > 0.8
    assert answers(found)["fusion"] == "yes"
    assert "what modalities say together, beyond a sum, adds" in found.in_brief()[0]


def test_what_one_modality_says_in_another_way_is_no_room_for_fusion():
    found = of("A alone, not linear")
    assert system(found, "A").held_out.loss > 0.67
    assert system(found, "nonlinear, A").held_out.score > 0.9
    assert answers(found)["fusion"] == "not shown"


def test_scores_of_choosing_between_modalities():
    found = of("both, added")
    assert found.choosing is not None
    one, other = (system(found, name).held_out.score for name in "AB")
    assert found.choosing.best == pytest.approx(max(one, other))
    assert found.choosing.by_chance == pytest.approx(1 - (1 - one) * (1 - other))
    # Of two classes, where the heads disagree exactly one is right.
    assert found.choosing.oracle == pytest.approx((one + other + found.choosing.disagreement) / 2)


@pytest.mark.parametrize(("decisive", "answer"), [("A_1", "yes"), ("A_2", "not shown")])
def test_room_for_intermediate_layers(decisive, answer):
    a, b, noise = two(600)
    other = two(600, seed=1)[0]
    features = {"A_1": other, "A_2": other, "B_1": b} | {decisive: a}
    found = diagnosed(features, (3 * a[:, 0] + noise > 0).long())
    assert answers(found)["intermediate layers"] == answer
    assert [each.name for each in found.fusions][2:] == ["all features, score fusion", "all features together"]
    assert {each.name for each in found.learners} >= {"nonlinear, A_2", "nonlinear, B_1"}


def test_what_intermediate_layers_say_together_is_no_sum():
    """The label is a product of features neither of which is a last one."""
    a, b, _ = two(800)
    one, other, _ = two(800, seed=1)
    found = diagnosed({"A_1": a, "A_2": one, "B_1": b, "B_2": other}, (a[:, 0] * b[:, 0] > 0).long())
    assert answers(found)["fusion"] == "not shown"
    assert answers(found)["intermediate layers"] == "yes"
    assert system(found, "all features together").held_out.score < 0.6
    assert system(found, "nonlinear, all").held_out.score > 0.75


def test_validation_scores_are_of_heads_of_the_training_split():
    """By scikit-learn, with the penalty that was chosen."""
    from sklearn.linear_model import LogisticRegression

    a, b, noise = two(400)
    labels = LABELS["A alone"](a, b, noise)
    found = system(diagnosed({"A": a, "B": b}, labels), "last features together")
    x = torch.cat([a, b], 1)
    x = (x / x[:300].std(0, correction=0)).double().numpy()
    model = LogisticRegression(C=1 / (200 * found.penalty), max_iter=1000, tol=1e-8)
    # Two outputs with a penalty each are one with half of it.
    model.set_params(C=2 / (200 * found.penalty)).fit(x[:200], labels[:200])
    assert model.score(x[200:300], labels[200:300]) == pytest.approx(found.validation.score, abs=0.011)
    assert model.score(x[:200], labels[:200]) == pytest.approx(found.training.score, abs=0.006)


def test_one_modality_only():
    a, b, noise = two(400)
    found = diagnosed({"A_1": a, "A_2": b}, (3 * a[:, 0] + noise > 0).long())
    assert answers(found)["fusion"] == "does not apply"
    assert answers(found)["intermediate layers"] == "yes"
    assert found.choosing is None
    assert any("there is one modality" in sentence for sentence in found.left_out)
    assert "one modality, A, so there is nothing to fuse" in found.in_brief()[0]


def test_one_feature_only():
    a, b, noise = two(120)
    found = diagnosed({"A": a}, LABELS["A alone"](a, b, noise))
    assert [each.name for each in (*found.heads, *found.fusions, *found.learners)] == ["A", "nonlinear, A"]
    assert set(answers(found).values()) == {"does not apply"}


def test_few_samples():
    a, b, noise = two(30)
    found = diagnosed({"A": a, "B": b}, LABELS["both, added"](a, b, noise))
    assert found.data.samples == {"train": 15, "validation": 7, "test": 8}
    assert found.held_out == 22
    assert answers(found)["samples"] != "yes"


def test_classes_that_are_rare_or_missing():
    a, b, _ = two(80)
    labels = torch.arange(80) % 2
    labels[:3] = 2  # three training samples
    labels[70] = 3  # of a class of the test split alone
    found = diagnosed({"A": a, "B": b}, labels)
    assert found.data.outputs == 4
    assert found.data.few == (2,)
    assert found.data.missing == {"train": (3,), "validation": (2, 3), "test": (2,)}
    said = " / ".join(found.warnings)
    assert "no sample of the validation split is of classes 2, 3" in said
    assert "the test split has samples of class 3, of which the training split has none" in said
    assert "fewer than 5 training samples are of class 2" in said


def test_samples_that_are_there_more_than_once():
    a, b, noise = two(80)  # 40, 20, 20
    labels = LABELS["A alone"](a, b, noise)
    for copy, original in ((1, 0), (2, 0), (41, 40), (42, 5), (43, 6), (79, 7)):
        a[copy], b[copy], labels[copy] = a[original], b[original], labels[original]
    a[50], b[50], labels[50] = a[10], b[10], 1 - labels[10]
    found = diagnosed({"A": a, "B": b}, labels)
    repeated = found.data.repeated
    assert (repeated.training, repeated.validation, repeated.between) == (2, 1, 2)
    assert repeated.otherwise_labelled == 2
    assert any("2 samples of the validation split are in the training split too" in each for each in found.warnings)


def test_nothing_is_said_of_good_data():
    found = of("both, added")
    assert found.warnings == ()
    assert found.left_out == ()
    assert found.data.repeated.model_dump() == dict.fromkeys(
        ("training", "validation", "between", "otherwise_labelled"), 0
    )


def test_channels_that_are_constant_or_of_another_scale():
    a, b, noise = two(80)
    labels = LABELS["A alone"](a, b, noise)
    a[:, 1], a[:, 2] = 7.0, 1e5 * a[:, 2]
    found = diagnosed({"A": a, "B": b, "C": torch.ones(80, 2)}, labels)
    channels = found.data.channels
    assert {name: each.constant for name, each in channels.items()} == {"A": 1, "B": 0, "C": 2}
    assert channels["A"].largest == pytest.approx(float(a[:60, 2].std(correction=0)), rel=1e-3)
    said = " / ".join(found.warnings)
    assert "the channels of feature A have deviations from" in said
    assert "feature C is constant" in said
    assert "feature A has a deviation of" in said


def test_groups():
    a, b, noise = two(80)
    groups = torch.arange(80) // 4
    groups[42] = 0
    found = diagnosed({"A": a, "B": b}, LABELS["A alone"](a, b, noise), groups=groups)
    assert found.data.groups == {"train": 10, "validation": 6, "test": 5}
    assert found.data.shared_groups == {"train, validation": 1, "train, test": 0, "validation, test": 0}
    assert any("is in both the train and the validation split" in sentence for sentence in found.warnings)


def test_several_labels():
    a, b, noise = two(600)
    labels = torch.stack([a[:, 0] + b[:, 0] + noise / 4 > 0, a[:, 1] > 0, b[:, 1] + noise > 2], 1).float()
    labels[:, 2] *= torch.arange(600) < 300  # none in validation
    found = diagnosed({"A": a, "B": b}, labels, objective=MultiLabel())
    assert found.metric == "f1-weighted"
    assert answers(found)["fusion"] == "yes"
    assert found.choosing is None
    assert any("has no single class" in sentence for sentence in found.left_out)
    assert found.data.missing["validation"] == (2,)
    assert found.power[0].measure == "loss"
    assert all(each.accuracy is None for each in found.comparisons)


@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_regression(scale):
    a, b, noise = two(600)
    found = diagnosed({"A": a, "B": b}, scale * (a[:, 0] * b[:, 0] + noise / 4), objective=Regression())
    assert answers(found)["fusion"] == "yes"
    assert system(found, "last features together").held_out.loss == pytest.approx(scale**2 * 1.1, rel=0.25)
    assert system(found, "nonlinear, together").held_out.loss < scale**2 * 0.6
    assert found.data.missing == {}
    assert found.power[0].observed == pytest.approx(found.comparisons[2].gain)


def test_the_test_split_is_not_read():
    a, b, noise = two(200)
    labels = LABELS["both, added"](a, b, noise)
    before = diagnosed({"A": a, "B": b}, labels)
    a, b = a.clone(), b.clone()
    a[150:], b[150:] = 5.0, 3.0
    order = torch.cat([torch.arange(150), 150 + torch.randperm(50, generator=torch.Generator().manual_seed(0))])
    assert diagnosed({"A": a, "B": b}, labels[order]) == before


def test_it_is_the_same_again_and_leaves_random_numbers_alone():
    a, b, noise = two(200)
    labels = LABELS["both, multiplied"](a, b, noise)
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    first = diagnosed({"A": a, "B": b}, labels)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(4)
    assert diagnosed({"A": a, "B": b}, labels) == first


def test_its_json_reads_back():
    for kind in ("both, added", "both, multiplied"):
        assert Diagnosis.model_validate_json(of(kind).model_dump_json()) == of(kind)


def test_where_backbones_saw_the_training_split_validation_samples_alone_are_held_out(tmp_path):
    task = SmallTask()
    assert task.backbones_saw_training
    found = bmnas.diagnose(task, 4, cache=tmp_path, device="cpu")
    assert found.backbones_saw_training
    assert found.held_out == len(task.split("validation"))


def test_features_that_are_too_wide_for_the_learner(monkeypatch):
    monkeypatch.setattr(fits, "MOST", 9)
    a, b, noise = two(120)
    found = diagnosed({"A": a, "B_1": a, "B_2": b}, LABELS["both, added"](a, b, noise))
    assert found.learners == ()
    assert any("the last features have more than 9 numbers" in sentence for sentence in found.left_out)
    assert answers(found)["fusion"] == "yes"


def test_a_paired_test():
    d = torch.randn(50, generator=torch.Generator().manual_seed(0)).double() + 0.3
    mean, error, p = paired.paired(d)
    assert mean == pytest.approx(float(d.mean()))
    assert error == pytest.approx(float(d.std()) / 50**0.5)
    assert p == pytest.approx(ttest_1samp(d.numpy(), 0, alternative="greater").pvalue)


def test_samples_of_a_group_count_as_one():
    d = torch.randn(50, generator=torch.Generator().manual_seed(0)).double()
    assert paired.paired(d.repeat(3), torch.arange(50).repeat(3)) == pytest.approx(paired.paired(d))
    assert paired.paired(d, torch.zeros(50).long()) == paired.paired(d)


@pytest.mark.parametrize(
    ("differences", "p"), [([0.0, 0.0], 1.0), ([0.5, 0.5], 0.0), ([-0.5, -0.5], 1.0), ([1.0], 1.0)]
)
def test_differences_without_deviation(differences, p):
    assert paired.paired(torch.tensor(differences))[2] == p


def test_samples_that_mc_nemars_test_needs():
    """Two published examples: 23 pairs for 0.45 against 0.05; 155 for a difference of 0.15, 0.45 being discordant."""
    assert 22 < paired.needed(0.5, 0.4) <= 23
    assert 154 < paired.needed(0.45, 0.15) <= 155
    assert paired.smallest_accuracy(155, 0.45) == pytest.approx(0.15, abs=1e-3)
    assert paired.smallest_accuracy(10**9, 0.45) == pytest.approx(0, abs=1e-4)
    assert paired.smallest_accuracy(5, 0.05) is None
    assert paired.smallest_accuracy(5, 0.0) is None


def test_the_smallest_mean_is_shown_four_times_in_five():
    smallest = paired.smallest_mean(400, 2.0)
    draws = 2 * torch.randn(4000, 400, generator=torch.Generator().manual_seed(0)) + smallest
    shown = (draws.mean(1) / (2 / 400**0.5)).abs() > 1.96
    assert float(shown.float().mean()) == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize(
    "objective",
    [
        SingleLabel(),
        SingleLabel(class_weights=(1.0, 3.0, 0.5), label_smoothing=0.1),
        MultiLabel(class_weights=(1.0, 3.0, 0.5)),
        *(Regression(criterion) for criterion in ("mse", "l1", "huber")),
    ],
)
def test_the_losses_of_samples_have_the_mean_of_the_loss(objective):
    outputs = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(20) % 3
    if not isinstance(objective, SingleLabel):
        labels = torch.nn.functional.one_hot(labels).float()
    task = ArrayTask(
        {"A": outputs}, labels, {"train": range(10), "validation": [10], "test": [11]}, objective=objective
    )
    found = losses(task, outputs, task.objective.cast(labels))
    assert found.shape == (20,)
    assert float(found.mean()) == pytest.approx(float(task.loss(outputs, labels)), rel=1e-6)


def test_balanced_classes():
    a, b, noise = two(400)
    labels = (2 * a[:, 0] + 2 * b[:, 0] + noise > 3).long()
    found = diagnosed({"A": a, "B": b}, labels, objective=SingleLabel(class_weights="balanced"))
    assert answers(found)["fusion"] == "yes"


def test_one_class_is_nothing_to_learn_from():
    a, b, _ = two(40)
    with pytest.raises(bmnas.BmnasError, match="has one class only"):
        diagnosed({"A": a, "B": b}, torch.zeros(40).long())
