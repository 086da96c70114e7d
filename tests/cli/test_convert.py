"""``bmnas convert``, as a user gives it."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bmnas.cli.app import app
from bmnas.errors import BmnasError
from bmnas.genotype import dumps, from_dict, load, loads, official, published
from tests.cli.calling import bmnas
from tests.genotype.test_official import TEXT, released, released_module
from tests.genotype.test_schema import SHORT

__all__ = ["released_module"]  # a fixture: what pickling looks the released code's classes up in

NTU_1 = str(official.from_genotype(published.load("ntu-1")))


def convert(*arguments: object) -> str:
    """What the command prints, without a process of its own."""
    result = CliRunner().invoke(app, ["convert", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "found.txt"
    path.write_text(NTU_1)
    return path


def test_a_published_genotype_as_official_text(tmp_path):
    out, err = bmnas("convert", "ntu-1", cwd=tmp_path)
    assert (out, err) == (f"{NTU_1}\n", "")


def test_a_bad_file_is_one_sentence(tmp_path):
    path = tmp_path / "g.pkl"
    path.write_bytes(b"\x80\x02cos\nsystem\n(U\x04echott.")
    out, err = bmnas("convert", path, code=2)
    assert out == ""
    assert err.startswith(f"bmnas: {path}: is a pickle that asks for 'os.system', but")
    assert err.count("\n") == 1


def test_text_and_pickle_become_json(tmp_path, text):
    pickled = tmp_path / "found.pkl"
    pickled.write_bytes(pickle.dumps(released(official.parse(NTU_1))))
    expected = published.load("ntu-1").model_copy(update={"name": "found"})
    for path in (text, pickled):
        assert convert(path, "--like", "ntu-1") == dumps(expected)


def test_to_the_form_that_it_has(tmp_path, text):
    text.write_text(NTU_1.replace("LinearGLU", "cat_conv_glu").replace(", ", ",\n"))
    assert convert(text, "--to", "official") == f"{NTU_1}\n"
    path = tmp_path / "short.json"
    path.write_text(dumps(from_dict(SHORT)))
    assert convert(path, "--to", "json") == dumps(from_dict(SHORT))


def test_every_option(tmp_path):
    path = tmp_path / "one.txt"
    path.write_text(TEXT)
    features = ",".join(f"Video_{i}:{i}:grid" for i in range(1, 9))
    sizes = ["--channels", 6, "--length", 4, "--outputs", 3, "--node-multiplier", 2, "--dropout", 0.5]
    genotype = loads(convert(path, "--features", features, *sizes))
    assert genotype.features[7].model_dump() == {
        "name": "Video_8",
        "modality": "Video",
        "channels": 8,
        "reshape": "grid",
        "scale": "none",
    }
    assert (genotype.representation.channels, genotype.representation.length) == (6, 4)
    assert (genotype.name, genotype.head.outputs, genotype.dropout) == ("one", 3, 0.5)
    assert genotype.cells[0].output == ("y", "Step_1")
    partly = loads(convert(path, "--like", "ntu-2", "--length", 9))
    assert (partly.representation.channels, partly.representation.length) == (256, 9)


def test_a_file_is_written_and_not_overwritten(tmp_path, text):
    out = tmp_path / "new.json"
    assert convert(text, "--like", "ntu-1", "-o", out) == f"{out}\n"
    assert load(out).cells == published.load("ntu-1").cells
    with pytest.raises(BmnasError, match=r"new\.json: exists; --force overwrites it"):
        convert(text, "--like", "ntu-2", "-o", out)
    assert load(out).representation == published.load("ntu-1").representation
    convert(text, "--like", "ntu-2", "-o", out, "--force")
    assert load(out).representation == published.load("ntu-2").representation
    with pytest.raises(BmnasError, match="is the genotype itself"):
        convert(text, "-o", text, "--force")
    assert text.read_text() == NTU_1


def test_what_is_missing_or_does_not_fit(tmp_path, text):
    out = tmp_path / "new.json"
    wrong = {
        f"{text}: the channels of Feature_1 are not known; give those of all 8 features as --features": [],
        f"{text}: the channels of c are not known;": ["--features", "a:1,b:1,c,d,e,f,g,h"],
        f"{text}: concat ends with 9, so the genotype with its 2 cells was made for 8 features, but 2 are": [
            "--features",
            "a:1,b:2",
        ],
        f"{text}: the node multiplier is 5, but a cell here has 4 nodes": [
            "--like",
            "ntu-1",
            "--node-multiplier",
            5,
        ],
        "feature 1 ('a') has 'x' channels": ["--features", "a:x"],
        "ntu-9: cannot be read: no such file or directory; nor is it a published": ["--like", "ntu-9"],
        "--like to --dropout say what an official genotype lacks": ["--to", "official", "--dropout", 0.1],
    }
    for sentence, options in wrong.items():
        with pytest.raises(BmnasError) as caught:
            convert(text, *options, "-o", out)
        assert str(caught.value).startswith(sentence)
    assert not out.exists()


def test_what_the_official_form_cannot_say(tmp_path):
    path = tmp_path / "short.json"
    path.write_text(dumps(from_dict({**SHORT, "dialect": "paper"})))
    with pytest.raises(BmnasError) as caught:
        convert(path)
    assert str(caught.value).startswith(f"{path}: dialect is 'paper', but the released code")
