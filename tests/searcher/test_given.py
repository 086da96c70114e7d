"""What people give to the functions of `bmnas`: paths and dictionaries work; what cannot be used is one sentence."""

from __future__ import annotations

import html
from pathlib import Path

import pytest
import torch

import bmnas
from bmnas.errors import BmnasError
from bmnas.genotype.published import load
from bmnas.searcher.run.results import SearchResult, SeedResult
from bmnas.searcher.run.summary import summary_of
from tests.genotype.test_schema import SHORT
from tests.searcher.small import CONFIG, TRAIN

SENTENCES = [
    (lambda: bmnas.search("digits", {"epoch": 1}), "there is no setting 'epoch'; did you mean 'epochs'?"),
    (lambda: bmnas.search("digits", {"epochs": 0}), "setting epochs is 0: it should be greater than or equal to 1"),
    (lambda: bmnas.search("digits", train={"epochs": 0}), "setting epochs is 0: it should be greater"),
    (lambda: bmnas.search("digits", extraction={"view": 2}), "Extraction: there is no view; did you mean 'views'?"),
    (lambda: bmnas.search("digits", 5), "the settings are 5: they are a SearchConfig or a dictionary"),
    (lambda: bmnas.search(5), "5 is no task, nor the name, the file or the folder of one"),
    (lambda: bmnas.extract(None), "null is no task"),
    (lambda: bmnas.diagnose(5), "5 is no task"),
    (lambda: bmnas.train("nowhere.json"), "nowhere.json: cannot be read: no such file or directory"),
    (lambda: bmnas.train(SHORT), "an object of|is no genotype, nor the path of one; bmnas.from_dict makes one"),
    (lambda: bmnas.train("ntu-1"), r"features\[0\].name is 'Video_1', which task digits does not have"),
    (lambda: bmnas.draw("nowhere.json", "g.svg"), "nowhere.json: cannot be read"),
    (lambda: bmnas.draw(5, "g.svg"), "5 is no genotype, nor the path of one"),
    (lambda: bmnas.lint([]), "is no genotype"),
    (lambda: bmnas.compile("nowhere.json"), "nowhere.json: cannot be read"),
    (lambda: bmnas.compile(SHORT), "is no genotype, nor the path of one; bmnas.from_dict makes one"),
    (lambda: bmnas.dumps(5), "5 is no genotype, nor the path of one"),
    (lambda: bmnas.canonical_hash(None), "null is no genotype, nor the path of one"),
    (lambda: bmnas.SearchConfig(epochs=0), "setting epochs is 0"),
    (lambda: bmnas.SearchConfig(strategy="evolution", population=0), "setting population is 0"),
    (lambda: bmnas.TrainConfig(lr="fast"), "setting lr is 'fast': it should be a valid number"),
    (lambda: bmnas.Extraction(views=0), "Extraction: views is 0: it should be greater than or equal to 1"),
    (lambda: bmnas.Feature(name="A", modalty="B"), "Feature: there is no modalty; did you mean 'modality'?"),
    (lambda: bmnas.Representation(channels=0, length=1), "Representation: channels is 0"),
    (lambda: bmnas.Step(op="Summ", inputs=["x"]), "Step: op is 'Summ', which is not an operation; did you mean 'Sum'?"),
    (
        lambda: bmnas.Cell(inputs=["A", "B"], steps=[{"op": "Sum", "inputs": ["x", "q"]}]),
        r"Cell: steps\[0\].inputs\[1\] reads 'q', which is not an input of the cell",
    ),
    (lambda: bmnas.Genotype(name="mine", features=[]), "mine: .* more problems"),
    (lambda: bmnas.Genotype(**{**SHORT, "dropout": 2}), "genotype: dropout is 2: it should be less than 1"),
]


@pytest.mark.parametrize("number", range(len(SENTENCES)))
def test_what_cannot_be_used_is_one_sentence(number):
    call, sentence = SENTENCES[number]
    with pytest.raises(BmnasError, match=sentence) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_path_is_not_saved(tmp_path):
    """Two paths in the wrong order would replace a genotype by another one."""
    with pytest.raises(TypeError, match=r"a Genotype is saved, not a str; bmnas.load reads one from a file"):
        bmnas.save("ntu-1", tmp_path / "x.json")
    assert not list(tmp_path.iterdir())


def test_a_path_is_as_good_as_a_genotype(tmp_path):
    bmnas.save(load("ntu-1"), tmp_path / "mine.json")
    bmnas.draw([str(tmp_path / "mine.json"), tmp_path / "mine.json", "ntu-2", load("ntu-3")], tmp_path / "all.dot")
    assert (tmp_path / "all.dot").read_text().count("Skeleton_4") >= 4
    for of in (bmnas.lint, bmnas.dumps, bmnas.canonical_hash):
        assert of(tmp_path / "mine.json") == of(str(tmp_path / "mine.json")) == of(load("ntu-1"))
    assert bmnas.compile(tmp_path / "mine.json").genotype == bmnas.compile("ntu-1").genotype == load("ntu-1")


def test_a_run_folder_is_as_good_as_its_genotype(result):
    assert bmnas.compile(result.folder).genotype == result.genotype
    assert bmnas.dumps(str(result.folder)) == bmnas.dumps(result.genotype)
    assert bmnas.canonical_hash(result.folder) == bmnas.canonical_hash(result.genotype)


@pytest.fixture(scope="module")
def result(cache, tmp_path_factory):
    """A search with settings in dictionaries."""
    given = {name: value for name, value in CONFIG.flat().items() if name != "epochs"} | {"epochs": 1}
    folder = tmp_path_factory.mktemp("runs") / "one"
    return bmnas.search("digits", given, train={"epochs": 1}, folder=folder, device="cpu", cache=cache)


def test_dictionaries_are_settings(result, cache):
    run = bmnas.open_run(result.folder)
    assert run.config == CONFIG.model_copy(update={"epochs": 1})
    path = result.folder / "genotype.json"
    again = bmnas.train(path, "digits", {**dict(TRAIN), "epochs": 1, "lr": CONFIG.lr}, device="cpu", cache=cache)
    assert again.test == result.rows[-1].test
    assert repr(again).startswith(f"<Trained 'digits-seed5': test {again.test:.4f} on digits, ")
    assert again._repr_html_().count("<svg") == 1


def test_results_are_a_line_and_a_page(result):
    run, scores = bmnas.open_run(result.folder), result.genotype.provenance.scores
    told = f"validation {scores['validation']:.4f}, test {scores['test']:.4f}"
    assert repr(result) == f"<SearchResult in {result.folder}: 'digits-seed5', {told}>"
    assert repr(run) == f"<Run of digits in {result.folder}: 1 epoch, {told}>"
    for page in (result._repr_html_(), run._repr_html_()):
        assert all(f">{row.name}</td>" in page for row in result.rows)
        assert page.count("<svg") == 1


def test_a_run_without_a_result_is_a_line(result, tmp_path):
    (tmp_path / "config.json").write_bytes((result.folder / "config.json").read_bytes())
    run = bmnas.open_run(tmp_path)
    assert repr(run) == f"<Run of digits in {tmp_path}: no round is done yet>"
    assert run._repr_html_() is None
    (tmp_path / "events.jsonl").write_text("{}\n")
    assert "checksum" in repr(run)


def test_names_are_no_markup_in_a_page(monkeypatch):
    name = "<img src=x onerror=alert(1)>"
    genotype = load("ntu-1").replace(name=name)
    row = bmnas.searcher.Row(name=name, test=0.5, parameters=1, seconds=1)
    seed = SeedResult(0, genotype, 0.5, [row], Path(name))
    page = SearchResult(
        genotype, [], [row], Path(name), [seed], summary_of([0], [genotype], [0.5], [[row]])
    )._repr_html_()
    assert "<img" not in page
    assert html.escape(name) in page
    # Without Graphviz there is no picture, and all else.
    monkeypatch.setattr(bmnas.Genotype, "_picture", lambda genotype: None)
    page = SearchResult(
        genotype, [], [row], Path(name), [seed], summary_of([0], [genotype], [0.5], [[row]])
    )._repr_html_()
    assert "<svg" not in page
    assert "Cell_1 fuses Video_3" in page


def test_a_diagnosis_is_a_line_and_a_page():
    torch.manual_seed(0)
    labels = torch.arange(120) % 2
    features = {name: torch.randn(120, 3) + labels[:, None] for name in ("<b>A</b>", "B")}
    task = bmnas.ArrayTask(features, labels, ["train"] * 60 + ["validation"] * 30 + ["test"] * 30, name="two")
    found = bmnas.diagnose(task)
    assert (
        repr(found)
        == str(found)
        == (f"<Diagnosis of two: {', '.join(f'{each.question}: {each.answer}' for each in found.verdicts)}>")
    )
    page = found._repr_html_()
    assert "<b>" not in page
    assert all(html.escape(sentence) in page for sentence in found.in_brief())
