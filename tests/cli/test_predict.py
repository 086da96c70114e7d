"""``bmnas predict``: a run, new samples, a split of a task; and a run folder wherever a genotype is taken."""

from __future__ import annotations

import csv
import io
import json
import shutil

import numpy as np
import pytest

import bmnas as library
from bmnas.genotype import dumps
from bmnas.genotype.presets import late_fusion
from bmnas.prediction import of_test_split
from bmnas.tasks.digits import DigitsTask
from tests.cli.calling import bmnas


@pytest.fixture
def cwd(tmp_path):
    return tmp_path


def table(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_the_test_split_needs_no_data(digits_run, cwd):
    out, err = bmnas("predict", digits_run, cwd=cwd)
    assert err == ""
    assert [row["answer"] for row in table(out)] == of_test_split(digits_run).answers
    computed, _ = bmnas("predict", digits_run, "--split", "test", cwd=cwd)
    assert [row["answer"] for row in table(computed)] == of_test_split(digits_run).answers


def test_new_samples_without_labels(arrays_run, cwd):
    (cwd / "new").mkdir()
    random = np.random.default_rng(1)
    np.save(cwd / "new" / "Sound_1.npy", random.normal(size=(4, 5, 7)))
    np.save(cwd / "new" / "Text_1.npy", random.normal(size=(4, 4)))
    np.save(cwd / "new" / "ids.npy", np.array(["a", "-b", "c", "d"]))
    out, _ = bmnas("predict", arrays_run, "new", "-o", "answers.csv", cwd=cwd)
    assert out == "answers.csv: answers for 4 samples\n"
    rows = table((cwd / "answers.csv").read_text())
    assert list(rows[0]) == ["id", "answer", "no", "'=yes", "per haps"]
    assert [row["id"] for row in rows] == ["a", "'-b", "c", "d"]
    for row in rows:
        assert sum(float(row[name]) for name in ("no", "'=yes", "per haps")) == pytest.approx(1, abs=1e-4)
    _, err = bmnas("predict", arrays_run, "new", "-o", "answers.csv", cwd=cwd, code=2)
    assert err == "bmnas: answers.csv: exists; --force overwrites it\n"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["new", "--split", "test"], "a folder of samples is predicted, or a --split of a task; leave one of them out"),
        (["--split", "dev"], "--split is 'dev'; it is train, validation or test"),
        (["--split", "test"], "the samples of the task 'told' are not here; name the task with --task, as in --task "),
        (["-o", "answers.txt"], "answers.txt: answers are written as .csv, .jsonl, .npz"),
        (["--seed", "9"], "has no seed 9; its seeds are 3"),
        (["--task", "digits"], "genotype.json: is a network of the task 'told', not of 'digits'"),
    ],
)
def test_what_cannot_be_predicted(arrays_run, cwd, options, said):
    out, err = bmnas("predict", arrays_run, *options, cwd=cwd, code=2)
    assert out == ""
    assert said in err
    assert err.count("\n") == 1


def test_a_network_of_one_modality_needs_no_other_of_its_task(cwd, cache):
    (last,) = [feature for feature in DigitsTask.features if feature.name == "Top_3"]
    (cwd / "top.json").write_text(dumps(late_fusion([last], channels=8, length=4, outputs=10, dropout=0.1)))
    bmnas("train", "top.json", "--task", "digits", "--epochs", "1", "--out", "out", "--cache", cache, cwd=cwd)
    out, _ = bmnas("predict", "out/top.json", "--task", "digits", "--split", "test", cwd=cwd)
    assert len(table(out)) == 359


def test_beside_a_genotype_no_answers_are_kept(digits_run, cwd):
    _, err = bmnas("predict", digits_run / "genotype.json", cwd=cwd, code=2)
    assert "is a genotype, beside which no answers are kept; name a folder of new samples, or a --split" in err
    out, _ = bmnas("predict", digits_run / "genotype.json", "--split", "test", cwd=cwd)
    assert [row["answer"] for row in table(out)] == of_test_split(digits_run).answers


def test_a_run_folder_is_taken_wherever_a_genotype_is(digits_run, cwd):
    assert library.load(digits_run) == library.load(digits_run / "genotype.json")
    for command in (["validate"], ["info"], ["draw", "-o", "run.svg"], ["compile"], ["diff", digits_run]):
        bmnas(command[0], digits_run, *command[1:], cwd=cwd)
    copy = shutil.copytree(digits_run, cwd / "copy")
    _, err = bmnas("train", copy, "--epochs", 1, cwd=cwd, code=2)
    assert "genotype.safetensors: exists; --force overwrites it" in err


def test_of_several_seeds_the_best_is_taken_when_it_is_known(digits_run, cwd):
    run = cwd / "run"
    for seed in (3, 4):
        shutil.copytree(digits_run, run / f"seed{seed}")
    shutil.copy(digits_run / "config.json", run)
    _, err = bmnas("validate", run, cwd=cwd, code=2)
    assert "has the genotypes of 2 seeds, and its search is not finished; name one, such as" in err
    (run / "summary.json").write_text(json.dumps({"best": 4}))
    genotype = library.load(run / "seed4")
    library.save(genotype.replace(name="the best"), run / "seed4" / "genotype.json")
    assert library.load(run).name == "the best"


def test_compile_takes_the_weights_that_lie_beside(digits_run, cwd):
    out, _ = bmnas("compile", digits_run, "--to", "pt2", "-o", "trained.pt2", cwd=cwd)
    assert f"weights {digits_run / 'genotype.safetensors'}" in out
    out, _ = bmnas("compile", digits_run, "--to", "pt2", "--fresh", "-o", "fresh.pt2", cwd=cwd)
    assert "fresh weights, seed 0" in out
    import torch

    split = DigitsTask().split("test")
    features = library.load_model(digits_run).features(split.inputs)
    answers = [torch.export.load(cwd / name).module()(features) for name in ("trained.pt2", "fresh.pt2")]
    right = [float((each.argmax(1) == split.labels).double().mean()) for each in answers]
    assert right[0] > 0.8 > right[1]


def test_an_exported_file_takes_features_as_they_are_kept(digits_run, cwd):
    out, _ = bmnas("compile", digits_run, "--to", "pt2", "--json", cwd=cwd)
    record = json.loads((digits_run / "genotype.model.json").read_text())
    for name, shape in json.loads(out)["inputs"].items():
        assert shape == ["batch", *record["shapes"][name]]


def test_the_whole_model_takes_raw_inputs(digits_run, cwd):
    import torch

    out, _ = bmnas("compile", digits_run, "--whole", "--to", "pt2", "-o", "whole.pt2", cwd=cwd)
    assert "from Top ('batch', 1, 4, 8), Bottom ('batch', 1, 4, 8) to 10 outputs" in out
    split = DigitsTask().split("test")
    outputs = torch.export.load(cwd / "whole.pt2").module()(dict(split.inputs))
    torch.testing.assert_close(outputs, of_test_split(digits_run).outputs, atol=1e-4, rtol=1e-4)


def test_what_has_no_backbones_is_no_whole_model(arrays_run, cwd):
    _, err = bmnas("compile", arrays_run, "--whole", "--to", "pt2", cwd=cwd, code=2)
    assert "has no backbone: its features were given; without --whole the network itself is exported" in err
    _, err = bmnas("compile", arrays_run, "--whole", cwd=cwd, code=2)
    assert "--whole exports a trained network with its backbones: it goes with --to" in err


def test_weights_of_another_genotype_beside_it_are_not_taken_silently(digits_run, cwd):
    copy = shutil.copytree(digits_run, cwd / "copy")
    other = library.load("ntu-1")
    library.save(other, copy / "genotype.json")
    _, err = bmnas("compile", copy, "--to", "pt2", cwd=cwd, code=2)
    assert "these may be the weights of another genotype; --fresh compiles with fresh weights" in err


@pytest.mark.slow
def test_a_task_with_options_is_predicted_with_the_same_ones(cwd):
    """What was trained on ``planted:seed=3`` needs no ``--task`` to answer for these very samples."""
    bmnas("new", "concat", "--task", "planted:seed=3", "-o", "g.json", cwd=cwd)
    bmnas("train", "g.json", "--task", "planted:seed=3", "--epochs", 1, "-o", "out", cwd=cwd, cache=cwd / "cache")
    record = json.loads((cwd / "out/g.model.json").read_text())
    assert (record["invocation"], record["options"]["seed"]) == ("--task planted:seed=3", 3)
    answers, _ = bmnas("predict", "out/g.json", "--split", "test", cwd=cwd)
    same, _ = bmnas("predict", "out/g.json", "--split", "test", "--task", "planted:seed=3", cwd=cwd)
    other, _ = bmnas("predict", "out/g.json", "--split", "test", "--task", "planted", cwd=cwd)
    assert answers == same
    assert answers != other
