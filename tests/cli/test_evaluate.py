"""``bmnas evaluate`` on a run, on a genotype, and against others."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from bmnas.genotype import load
from bmnas.searcher import open_run
from tests.cli.calling import bmnas

SMALL = ["--epochs", "1", "--train-epochs", "3", "--select-budget", "2", "--runners-up", "0", "--select", "alpha"]
SMALL += ["--cells", "1", "--channels", "8", "--no-outlook", "--device", "cpu"]


def features(folder: Path, *, seed: int = 0, groups: bool = True) -> Path:
    """Two modalities that say the same of three classes; the sixth sample of a group of six is another's."""
    random = np.random.default_rng(seed)
    labels = np.arange(360) % 3
    folder.mkdir()
    for name, size in (("Clear_1", 2.0), ("Faint_1", 1.0)):
        np.save(folder / f"{name}.npy", size * np.eye(3)[labels] + random.normal(size=(360, 3)))
    np.save(folder / "labels.npy", labels)
    if groups:
        np.save(folder / "groups.npy", np.arange(360) // 6)
    splits = {"train": range(180), "validation": range(180, 240), "test": range(240, 360)}
    (folder / "splits.json").write_text(json.dumps({name: list(own) for name, own in splits.items()}))
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with features and a run on them."""
    folder = tmp_path_factory.mktemp("evaluate")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BMNAS_CACHE", str(folder / "cache"))
        features(folder / "clips")
        bmnas("search", "--features", "clips", *SMALL, "--out", "run", cwd=folder, cache=folder / "cache")
    return folder


@pytest.fixture
def evaluate(place):
    def run(*arguments: object, code: int = 0) -> tuple[str, str]:
        return bmnas("evaluate", *arguments, cwd=place, cache=place / "cache", code=code)

    return run


def numbers(printed: str) -> dict:
    return {each["name"]: each["value"] for each in json.loads(printed)["evaluation"]["measures"]}


def test_a_run_is_evaluated_by_what_it_keeps(place, evaluate):
    run = open_run(place / "run")
    (entry,) = [entry for entry in run.history if entry["event"] == "ChoiceDone"]
    said = json.loads(evaluate("run", "--json")[0])
    assert said["what"] == f"run, {entry['chosen']}"
    assert said["evaluation"]["groups"] == 20 and said["notes"] == []
    for row in run.rows():
        found = numbers(evaluate("run", "--row", row.name, "--json")[0])
        assert found["accuracy"] == pytest.approx(row.test, abs=1e-6)


def test_what_is_shown_fits_a_terminal(evaluate):
    out, err = evaluate("run", "--compare", "late fusion")
    assert err == ""
    assert max(map(len, out.splitlines())) <= 80
    words = " ".join(out.split())
    for part in (
        "120 test samples of 20 groups",
        "One sample is worth 0.83 points of accuracy.",
        "Compared with run, late fusion:",
        "sign flips of groups (accuracy)",
        "Samples answered right by this alone:",
        "Samples by label and answer",
    ):
        assert part in words


def test_a_network_that_is_run_again_says_what_it_said(place, evaluate):
    """On the features of the run's own task; and from its genotype, with the task named."""
    kept = numbers(evaluate("run", "--json")[0])
    again = json.loads(evaluate("run", "--noise", "Clear=0", "--json")[0])
    assert numbers(json.dumps(again)) == pytest.approx(kept, abs=1e-5)
    named = evaluate("run/genotype.json", "--features", "clips", "--json")[0]
    assert numbers(named) == pytest.approx(kept, abs=1e-5)


def test_a_missing_and_a_noisy_modality(evaluate):
    for changes in (["--drop", "Clear"], ["--noise", "clear=3"]):
        said = json.loads(evaluate("run", *changes, "--json")[0])
        (accuracy,) = [each for each in said["comparison"]["differences"] if each["name"] == "accuracy"]
        assert accuracy["difference"] < -0.1 and accuracy["p"] < 0.05
        assert accuracy["other"] == pytest.approx(numbers(evaluate("run", "--json")[0])["accuracy"])
    out, _ = evaluate("run", "--drop", "Faint")
    assert "without Faint" in out


def test_another_split(evaluate):
    out, _ = evaluate("run", "--split", "validation")
    assert "60 validation samples of 10 groups" in " ".join(out.split())


def test_csv_has_everything_and_overwrites_nothing(place, evaluate, tmp_path):
    evaluate("run", "--csv", tmp_path)
    rows = {path.name: path.read_text().splitlines() for path in tmp_path.iterdir()}
    assert sorted(rows) == ["classes.csv", "confusion.csv", "measures.csv"]
    assert rows["confusion.csv"][0] == "label \\ answer,0,1,2"
    assert sum(int(cell) for row in rows["confusion.csv"][1:] for cell in row.split(",")[1:]) == 120
    assert "exists; --force overwrites it" in evaluate("run", "--csv", tmp_path, code=2)[1]
    evaluate("run", "--csv", tmp_path, "--force")


def test_other_samples_are_refused(place, evaluate, tmp_path):
    other = features(tmp_path / "others", seed=1)
    labels = np.load(other / "labels.npy")
    np.save(other / "labels.npy", labels[::-1])
    bmnas("train", "run/genotype.json", "--features", other, "--epochs", 1, "--out", tmp_path, "--device", "cpu",
          cwd=place, cache=place / "cache")  # fmt: skip
    _, err = evaluate("run", "--compare", tmp_path / "genotype.json", "--features", other, code=2)
    assert "sample 0 of run" in err and "they are not of the same samples" in err


def test_a_run_whose_features_are_gone_is_evaluated_but_not_changed(place, evaluate, tmp_path):
    shutil.copytree(place / "run", tmp_path / "run")
    out, _ = bmnas("evaluate", "run", cwd=tmp_path, cache=place / "cache")
    assert "intervals take them for independent" in " ".join(out.split())
    _, err = bmnas("evaluate", "run", "--drop", "Clear", cwd=tmp_path, cache=place / "cache", code=2)
    assert "clips" in err and "--features" in err
    said, _ = bmnas("evaluate", "run", "--drop", "Clear", "--features", place / "clips", "--json", cwd=tmp_path,
                    cache=place / "cache")  # fmt: skip
    assert json.loads(said)["comparison"]


def test_what_a_run_says_runs_no_code(place, evaluate, tmp_path):
    """The task of the record is a Python file that is there; nobody has said that it may be run."""
    from bmnas.files import read_json, sealed_json

    shutil.copytree(place / "run", tmp_path / "run")
    (tmp_path / "evil.py").write_text("from pathlib import Path\nPath('ran').touch()\n")
    record = read_json(tmp_path / "run" / "config.json", 2**20)
    (tmp_path / "run" / "config.json").write_text(sealed_json({**record, "invocation": "--task evil.py"}))
    bmnas("evaluate", "run", cwd=tmp_path, cache=place / "cache")
    _, err = bmnas("evaluate", "run", "--drop", "Clear", cwd=tmp_path, cache=place / "cache", code=2)
    assert "evil.py, which is Python code; name it with --task" in err
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere"], "nowhere: cannot be read: no such file"),
        (["clips"], "clips: is not a run folder: it has no config.json"),
        (["mmimdb-1"], "mmimdb-1: has no weights beside it, mmimdb-1.safetensors; bmnas train makes them"),
        (["run", "--row", "late fusio"], "run: has no row 'late fusio'; did you mean 'late fusion'?"),
        (["run", "--compare", "late fusio"], "run: has no row 'late fusio'; did you mean 'late fusion'?"),
        (["run", "--seed", "3"], "run: has no seed 3; its seeds are 0"),
        (["run", "--drop", "Cler"], "the network has no modality 'Cler'; did you mean 'Clear'?"),
        (["run", "--drop", "Clear", "--drop", "Faint"], "nothing is left without Clear, Faint"),
        (["run", "--noise", "Clear"], "--noise is 'Clear'; it is MODALITY=SIGMA, such as Image=0.5"),
        (["run", "--noise", "Clear=much"], "--noise is 'Clear=much'"),
        (["run", "--row", "Clear alone", "--drop", "Clear"], "run: has no weights of 'Clear alone', only of what was"),
        (["run", "--compare-row", "late fusion"], "--compare-row is the row of another run"),
        (["run/genotype.json", "--row", "late fusion"], "is no run folder, so it has no rows and seeds"),
    ],
)
def test_bad_input_is_one_sentence(evaluate, arguments, sentence):
    out, err = evaluate(*arguments, code=2)
    assert sentence in err and out == ""
    assert len(err.strip().splitlines()) == 1


def test_weights_of_another_network_are_refused(place, evaluate, tmp_path):
    genotype = load(place / "run" / "genotype.json")
    shutil.copy(place / "run" / "genotype.safetensors", tmp_path / "other.safetensors")
    content = genotype.model_dump(mode="json")
    content["representation"]["channels"] = 4
    (tmp_path / "other.json").write_text(json.dumps({**content, "members": 2}))
    _, err = evaluate(tmp_path / "other.json", "--features", "clips", code=2)
    assert "other.safetensors" in err


def test_a_threshold_needs_several_classes(evaluate):
    assert (
        "--threshold is for samples that may have several classes" in evaluate("run", "--threshold", "0.3", code=2)[1]
    )


@pytest.mark.slow
def test_a_threshold_is_given_or_chosen_on_validation(place, evaluate):
    random = np.random.default_rng(0)
    folder = features(place / "several", groups=False)
    labels = (random.random((360, 3)) < 0.3).astype(np.int64)
    np.save(folder / "labels.npy", labels)
    np.save(folder / "Clear_1.npy", 2 * labels + random.normal(size=(360, 3)))
    bmnas("search", "--features", "several", *SMALL, "--out", "run-several", cwd=place, cache=place / "cache")

    def names(*options: str, code: int = 0) -> tuple[list[str], list[str]]:
        said = json.loads(evaluate("run-several", "--json", *options, code=code)[0])
        return [each["name"] for each in said["evaluation"]["measures"] if "f1" in each["name"]], said["notes"]

    assert names("--threshold", "0.2")[0][:3] == ["f1-micro@0.2", "f1-macro@0.2", "f1-weighted@0.2"]
    found, notes = names("--threshold", "validation")
    (chosen,) = [note for note in notes if note.startswith("the threshold")]
    assert found[0] == f"f1-micro@{chosen.split()[2]}"
    for wrong in ("0", "1.5", "test"):
        assert "it is a probability between 0 and 1" in evaluate("run-several", "--threshold", wrong, code=2)[1]
    assert (
        "evaluate another split"
        in evaluate("run-several", "--threshold", "validation", "--split", "validation", code=2)[1]
    )
