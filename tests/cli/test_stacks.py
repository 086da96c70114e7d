"""Commands on encoder-decoder genotypes."""

from __future__ import annotations

import json

import pytest

from tests.cli.calling import call
from tests.cli.test_commands import unwrapped


def bmnas(*words, code=0):
    done = call(*map(str, words))
    assert done.returncode == code, (words, done.stdout, done.stderr)
    return done.stdout, done.stderr


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_from_a_preset_to_a_trained_network(place):
    task = ["--task", "scenes-answer:scenes=40"]
    bmnas("new", "mcan-rsa", *task, "--width", 16, "--layers", 1, "-o", "n.json")
    assert "2 inputs, 2 stacks, 5 blocks" in bmnas("validate", "n.json", *task)[0]
    assert "16" in bmnas("info", "n.json", *task)[0]
    out, _ = bmnas("train", "n.json", *task, "--epochs", 1, "--out", "trained")
    assert "trained/n.json: test accuracy" in unwrapped(out)
    told = json.loads((place / "trained" / "n.scores.json").read_text())
    assert told["metric"] == "accuracy"
    assert "test, accuracy, shape" in told["scores"]
    assert "exists" in bmnas("train", "n.json", *task, "--out", "trained", code=2)[1]
    bmnas("diff", "n.json", "trained/n.json")
    bmnas("draw", "trained/n.json", "-o", "n.svg", "--orientation", "portrait")
    assert "RelationAttention" in (place / "n.svg").read_text()


def test_a_search_prints_its_comparison(place):
    stack = [word for pair in ("width=16", "head-width=8", "train_epochs=1") for word in ("--stack", pair)]
    words = ["search", "--task", "scenes-answer:scenes=40", "--kind", "encoder-decoder", "--epochs", 1, *stack]
    out, _ = bmnas(*words)
    for row in ("transformer", "mcan", "mcan-rsa", "found network"):
        assert row in out
    assert "Found: Encoder reads Question:" in unwrapped(out)
    assert (place / "runs" / "scenes-answer-stacks-seed0" / "genotype.safetensors").exists()
    out, _ = bmnas("runs")
    assert "scenes-answer-stacks" in out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("search --task digits --kind encoder-decoder", "task digits has no pairs of texts and images"),
        ("search --kind encoder-decoder", "name the task with --task, such as scenes-answer"),
        ("search --task scenes-answer --kind encoder-decoder --cells 3", "--cells is for fusion networks"),
        ("search --task scenes-answer --kind encoder-decoder --stack wdth=3", "did you mean 'width'"),
        ("search --task scenes-answer --kind encoder-decoder --preset ntu-1", "are for searches of fusion networks"),
        ("search --stack width=3", "--stack is of searches with --kind encoder-decoder"),
        ("train mcan --task digits", "task digits has no pairs of texts and images"),
        ("train mcan --task scenes-answer --joint", "are for fusion networks"),
        ("compile mcan --to onnx", "inputs[0].vocabulary is missing"),
        ("compile mcan --explain", "are for fusion networks; this is an encoder-decoder genotype"),
        ("new mcan --features A:3", "is a preset of encoder-decoder networks, which takes"),
        ("new sum --width 3", "--width and --layers are options of encoder-decoder presets, not of sum"),
        ("convert mcan --to official", "is an encoder-decoder genotype: --to mmnas or --to openvqa"),
        ("convert ntu-1 --epoch 3", "are for encoder-decoder networks, which this is not"),
        ("ablate mcan --task digits", "is an encoder-decoder genotype, and a fusion network is needed here"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(place, words, sentence):
    out, err = bmnas(*words.split(), code=2)
    assert out == ""
    assert sentence in err
    assert err.startswith("bmnas: ")
    assert err.count("\n") == 1


def test_architectures_go_out_and_in(place):
    bmnas("convert", "mmnas-vqa", "-o", "a.json")
    bmnas("convert", "a.json", "--like", "mmnas-vqa", "-o", "b.json")
    assert "compute the same function" in bmnas("diff", "b.json", "mmnas-vqa")[0]
    data = json.loads((place / "a.json").read_text())
    (place / "a.json").write_text(json.dumps({**data, "epoch7": data["epoch0"]}))
    assert "say which: --epoch 7" in bmnas("convert", "a.json", code=2)[1]
    bmnas("convert", "a.json", "--epoch", 7, "--to", "openvqa", "-o", "c.yml")
    bmnas("convert", "c.yml", "-o", "d.json")
    assert "compute the same function" in bmnas("diff", "d.json", "mmnas-vqa")[0]
