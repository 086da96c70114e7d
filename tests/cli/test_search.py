"""``bmnas search`` with its settings: several seeds, presets, strategies, the released code's protocol."""

from __future__ import annotations

import json

from bmnas.genotype import load
from tests.cli.calling import bmnas
from tests.cli.test_commands import SIZES, unwrapped

ANY = [*SIZES, "--epochs", "2", "--lr", "1e-2", "--train-epochs", "1", "--cells", "1", "--device", "cpu"]
# Fitting heads takes half a minute: what is said of them before a search is tested with `bmnas diagnose`.
TINY = [*ANY, "--top-k", "1", "--select-budget", "0", "--no-outlook"]
QUICK = [*ANY, "--anchor", "none", "--strategy", "random", "--no-evaluate"]


def test_several_seeds(cache, tmp_path):
    out, _ = bmnas("search", *TINY, "--seeds", 2, "--out", tmp_path / "run", cache=cache)
    assert "same training budget for every row, 2 seeds" in unwrapped(out)
    assert unwrapped(out).count("±") == 10  # nine rows, and the selection
    assert "How often, in 2 genotypes" in out
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["seeds"] == [0, 1]
    for seed in (0, 1):
        genotype = load(tmp_path / "run" / f"seed{seed}" / "genotype.json")
        assert genotype.provenance.seed == seed
        assert "test" in genotype.provenance.scores


def test_the_released_codes_protocol_labels_its_numbers(cache, tmp_path):
    official = ["--strategy", "released"]
    out, _ = bmnas("search", *ANY, *official, "--out", tmp_path / "run", cache=cache)
    text = unwrapped(out)
    assert "best test accuracy" in text
    assert "Strategy released: the best epoch on the test split" in text
    assert "(in train mode, as the released code has it)" in text
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert {row["protocol"] for row in results["rows"]} == {"official"}
    provenance = load(tmp_path / "run" / "genotype.json").provenance
    assert provenance.scores.keys() == {"validation", "test, best epoch on it"}
    assert provenance.trained_by is None
    again, _ = bmnas("search", *ANY, *official, "--out", tmp_path / "run", cache=cache)
    assert again == out


def test_other_strategies(cache, tmp_path):
    out, _ = bmnas("search", *QUICK, "--budget-trainings", 2, "--out", tmp_path / "run", cache=cache)
    assert "Search: 2 candidates in" in unwrapped(out)
    assert (tmp_path / "run" / "genotypes" / "candidate-002.json").exists()
    _, err = bmnas("search", *ANY, "--anchor", "none", "--out", tmp_path / "run", cache=cache, code=2)
    assert err.count("\n") <= 2
    assert "holds a search with search.strategy.kind 'random', not 'bilevel'" in unwrapped(err)


def test_cells_and_steps_of_three_inputs(cache, tmp_path):
    three = ["--cell-inputs", 3, "--step-inputs", 3, "--operations", "Sum,ConcatFC"]
    bmnas("search", *QUICK, *three, "--budget-trainings", 1, "--out", tmp_path / "run", cache=cache)
    genotype = load(tmp_path / "run" / "genotype.json")
    assert [len(cell.inputs) for cell in genotype.cells] == [3]
    assert {len(step.inputs) for cell in genotype.cells for step in cell.steps} == {3}


def test_the_settings_of_another_search(cache, tmp_path):
    bmnas("search", *QUICK, "--budget-trainings", 1, "--out", tmp_path / "one", cache=cache)
    first = json.loads((tmp_path / "one" / "config.json").read_text())
    again = ["--settings", tmp_path / "one" / "config.json", "--no-evaluate", "--device", "cpu"]
    bmnas("search", *again, "--seed", 3, "--out", tmp_path / "two", cache=cache)
    second = json.loads((tmp_path / "two" / "config.json").read_text())
    assert second["search"] == {**first["search"], "seed": 3}
    _, err = bmnas("search", *again, "--preset", "ntu-1", "--out", tmp_path / "three", cache=cache, code=2)
    assert "--settings and --preset both say what the settings are" in unwrapped(err)


def test_settings_that_make_no_sense_are_one_sentence(tmp_path):
    for options, sentence in (
        (["--preset", "ntu1"], "unknown preset 'ntu1'; did you mean 'ntu-1'?"),
        (
            ["--preset", "ntu-1", "--derive", "official", "--cells", "9"],
            "preset ntu-1 was made for 8 sequence features",
        ),
        (["--epochs", "0"], "--epochs is 0"),
        (["--lr", "nan"], "--lr is nan"),
        (
            ["--strategy", "gdas", "--relaxation", "shared"],
            "--relaxation is of the strategy bilevel; the strategy gdas does not have it",
        ),
        (["--derive", "official", "--cells", "6"], "use fewer cells, or the paper's derivation"),
        (
            ["--derive", "official", "--cells", "5", "--cell-inputs", "3"],
            "6 features are enough for 4 cells, not for 5",
        ),
        (
            ["--step-inputs", "3"],
            "the operation LinearGLU takes two inputs, but the steps of this search have 3; Zero, Sum, Attention",
        ),
        (["--strategy", "evolutoin"], "unknown strategy 'evolutoin'; did you mean 'evolution'"),
        (["--select", "alfa"], "unknown selection 'alfa'; did you mean 'alpha'"),
        (
            ["--population", "3"],
            "--population is of the strategy evolution; the strategy bilevel does not have it",
        ),
        (["--cuda-graphs", "--device", "cpu"], "--cuda-graphs needs a CUDA device, not cpu"),
        (["--operations", "Sum,Attentoin"], "did you mean 'Attention'"),
    ):
        _, err = bmnas("search", *options, "--out", tmp_path / "run", code=2)
        assert sentence in unwrapped(err), (options, err)
        assert "Traceback" not in err
        assert not (tmp_path / "run").exists()
