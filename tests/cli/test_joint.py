"""``--joint``: options that go with it, and what it leaves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.calling import bmnas


def test_digits_are_trained_jointly_and_predicted(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    bmnas("new", "concat-fc", "--task", "digits", "--channels", "8", "--length", "4", "-o", "mine.json")
    where = ("--cache", str(cache))
    quick = ("--epochs", "1", "--joint", "--joint-epochs", "1", "--joint-freeze", "Top.low")
    out, err = bmnas("train", "mine.json", "--task", "digits", *quick, "--out", "out", *where)
    assert "weights of the network in out/mine.safetensors, of the backbones beside it" in out + err
    scores = json.loads(Path("out/mine.scores.json").read_text())
    assert "--joint --joint-epochs 1 --joint-freeze Top.low" in scores["trained_by"]
    assert sorted(path.name for path in Path("out").iterdir()) == [
        *("backbones", "mine.json", "mine.model.json", "mine.safetensors", "mine.scores.json")
    ]
    out, err = bmnas("predict", "out/mine.json", "--task", "digits", "--split", "test")
    assert "359" in out + err
    refused = bmnas("evaluate", "out/mine.json", "--task", "digits", *where, code=2)[1]
    assert "was trained together with its backbones" in refused


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--joint-epochs", "2"), "--joint-epochs is of a joint training; give --joint, too"),
        (("--init", "runs/x"), "--init is of a joint training; give --joint, too"),
        (("--joint", "--joint-epochs", "0"), "--joint-epochs is 0: it should be greater than or equal to 1"),
        (("--joint", "--joint-warmup", "30"), "--joint-warmup (30.0) is greater than epochs (20)"),
        (
            ("--joint", "--joint-freeze", "Top.lower"),
            "--joint-freeze names 'Top.lower': the backbone has no",
        ),
        (("--joint", "--joint-freeze", "Tip"), "--joint-freeze names 'Tip', which is no modality of task digits"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(
    arguments: tuple[str, ...], sentence: str, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bmnas("new", "concat-fc", "--task", "digits", "--channels", "8", "--length", "4", "-o", "mine.json")
    given = ("train", "mine.json", "--task", "digits", "--epochs", "1", "--cache", str(cache), *arguments)
    assert sentence in bmnas(*given, code=2)[1]


def test_a_search_whose_result_is_not_tested_has_no_joint_rows() -> None:
    sentence = bmnas("search", "--task", "digits", "--joint", "--no-evaluate", code=2)[1]
    assert "--joint trains what the comparison delivers; leave --no-evaluate out" in sentence
