"""Genotypes of the released code: text, pickles, conversion, and what is not one."""

from __future__ import annotations

import os
import pickle
import sys
import tracemalloc
import types
from collections import namedtuple

import pytest
from hypothesis import given, strategies as st

from bmnas.errors import GenotypeError
from bmnas.genotype import Feature, Head, Representation, from_dict, load, official, published, save
from bmnas.genotype.official import OfficialCell, OfficialGenotype
from tests.genotype.test_published import BY_NAME
from tests.genotype.test_schema import SHORT

MODULE = "models.search.darts.genotypes"
# As the released code has them.
Genotype = namedtuple("Genotype", "edges steps concat", module=MODULE)
StepGenotype = namedtuple("StepGenotype", "inner_edges inner_steps inner_concat", module=MODULE)

TEXT = (
    "Genotype(edges=[('skip', 3), ('skip', 7)], steps=[StepGenotype(inner_edges=[('skip', 1), ('skip', 0)], "
    "inner_steps=['ConcatFC'], inner_concat=[2])], concat=[8])"
)
ONE = OfficialGenotype((3, 7), (OfficialCell((1, 0), ("ConcatFC",), (2,)),), (8,))
CELL = "StepGenotype([('skip', 1), ('skip', 0)], ['ConcatFC'], [2])"


@pytest.fixture(autouse=True, scope="module")
def released_module():
    """What pickling looks classes up in."""
    parts = MODULE.split(".")
    with pytest.MonkeyPatch.context() as patch:
        for i in range(len(parts)):
            name = ".".join(parts[: i + 1])
            patch.setitem(sys.modules, name, types.ModuleType(name))
        sys.modules[MODULE].Genotype, sys.modules[MODULE].StepGenotype = Genotype, StepGenotype
        yield


@st.composite
def officials(draw):
    """Genotypes that the released code could have made."""
    features, cells, steps = draw(st.integers(1, 9)), draw(st.integers(1, 4)), draw(st.integers(1, 4))
    multiplier, concat = draw(st.integers(1, steps + 2)), draw(st.integers(1, cells))
    operation = st.sampled_from(["Sum", "ScaleDotAttn", "LinearGLU", "ConcatFC"])
    return OfficialGenotype(
        edges=tuple(draw(st.integers(0, features + i // 2 - 1)) for i in range(2 * cells)),
        steps=tuple(
            OfficialCell(
                inner_edges=tuple(draw(st.integers(0, 1 + j // 2)) for j in range(2 * steps)),
                inner_steps=tuple(draw(operation) for _ in range(steps)),
                inner_concat=tuple(range(2 + steps - multiplier, 2 + steps)),
            )
            for _ in range(cells)
        ),
        concat=tuple(range(features + cells - concat, features + cells)),
    )


def released(value, edges=list, numbers=list):
    """The same genotype as the released code has it in memory."""

    def skips(nodes):
        return edges(("skip", node) for node in nodes)

    steps = [StepGenotype(skips(c.inner_edges), list(c.inner_steps), numbers(c.inner_concat)) for c in value.steps]
    return Genotype(skips(value.edges), steps, numbers(value.concat))


def as_range(nodes):
    return range(nodes[0], nodes[-1] + 1)


@given(officials())
def test_the_text_is_what_the_released_code_prints(value):
    assert str(value) == repr(released(value))
    assert official.parse(str(value)) == value
    assert official.parse(repr(released(value, edges=tuple, numbers=as_range))) == value


@given(officials(), st.integers(0, 5))
def test_a_pickle_is_read_in_every_protocol(value, protocol):
    for numbers in (list, as_range):
        data = pickle.dumps(released(value, numbers=numbers), protocol)
        assert official.parse_pickle(data) == value
        assert official.kind_of(data) == "pickle"
        assert official.read(data) == value


@given(officials())
def test_to_a_genotype_and_back(value):
    genotype = official.to_genotype(value)
    assert official.from_genotype(genotype) == value
    assert len(genotype.features) == value.features
    assert all(len(cell.output) == len(value.steps[0].inner_concat) for cell in genotype.cells)


@pytest.mark.parametrize("name", BY_NAME)
def test_the_published_genotypes_go_both_ways(name):
    genotype, facts = published.load(name), BY_NAME[name]
    value = official.from_genotype(genotype)
    assert value.edges == tuple(facts["edges"])
    assert value.concat == tuple(facts["concat"])
    for cell, each in zip(value.steps, facts["steps"], strict=True):
        assert (cell.inner_edges, cell.inner_steps) == (tuple(each["inner_edges"]), tuple(each["inner_steps"]))
        assert len(cell.inner_concat) == facts["node_multiplier"]
    assert official.to_genotype(value, like=genotype, name=name) == genotype


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        f"\n\n  {TEXT}\n",
        TEXT.replace(", ", ",\n\t").replace("=", " = ").replace("'", '"'),
        f"Genotype([('skip', 3), ('skip', 7)], [{CELL}], [8])",
        f"Genotype((('skip', 3), ['skip', 7],), ({CELL},), range(8, 9))",
        f"Genotype([('skip', 3), ('skip', 7)], concat=range(8, 9, 1), steps=[{CELL}])",
        TEXT.replace("ConcatFC", "cat_conv_relu"),
    ],
)
def test_ways_to_write_one_genotype(text):
    assert official.parse(text) == ONE
    assert official.kind_of(text.encode()) == "text"
    assert official.read(b"\xef\xbb\xbf" + text.encode()) == ONE


def test_older_names():
    old = official.parse(TEXT.replace("ConcatFC", "scale_dot_attn"))
    assert old.steps[0].inner_steps == ("ScaleDotAttn",)
    names = {"sum": "Sum", "cat_conv_glu": "LinearGLU", "cat_conv_relu": "ConcatFC"}
    assert OfficialCell((0, 1) * 3, tuple(names), (2, 3, 4)).inner_steps == tuple(names.values())


def test_a_class_of_the_notebook_is_read_too():
    data = pickle.dumps(released(ONE), 2).replace(MODULE.encode(), b"__main__")
    assert b"__main__" in data
    assert official.parse_pickle(data) == ONE


BAD_TEXT = {
    "ends at line 1, column 1, where": "",
    "has '.' at line 1, column 3, which is not part": "os.system('touch owned')",
    "has eval at line 1, column 1, where Genotype(...) should be": "eval('1')",
    "has __import__ at line 1, column 16, where": "Genotype(edges=__import__('os'))",
    "has 'é' at line 1, column 1, which is not part": "é",
    "has '-' at line 1, column 39": TEXT.replace("('skip', 7)", "('skip', -7)"),
    "has 2 genotypes, the first at line 1, column 1, the last at line 1, column 162;": f"{TEXT} {TEXT}",
    "has 2 genotypes, the first at line 1, column 1, the last at line 2, column 1;": f"{TEXT}\n{TEXT}",
    "has Sum at line 1, column 162, where the end of the text should be": f"{TEXT} Sum",
    "has 9999999999": TEXT.replace("8", "9" * 60_000),
    "is nested too deeply": "[" * 60_000,
    "is nested too deeply ": "Genotype(" + "StepGenotype(" * 4_000,
    "has 7000 genotypes": "Genotype(" * 7_000,
    "is larger than 64 KiB": "[" * 200_000,
    "is larger than 64 KiB, too": f"{TEXT}{' ' * 70_000}",
    "ends at line 1, column 160, where a comma or ')' should be": TEXT[:-1],
    "has 3 at line 1, column 13, where a comma or ']' should be": "Genotype([1 3])",
    "has edges=... in a list": "[edges=3]",
    "Genotype has no steps; it takes edges, steps and concat": "Genotype([])",
    "Genotype has 4 values": "Genotype(1, 2, 3, 4)",
    "Genotype has edges twice": "Genotype([], edges=[])",
    "Genotype has 'edge', but it takes edges, steps and concat; did you mean 'edges'?": "Genotype(edge=[])",
    "range takes one to three numbers": "range('a')",
    "range has the step 0": "range(1, 2, 0)",
    "concat has 100000000 items, but at most 256 make sense": TEXT.replace("[8]", "range(100000000)"),
    "the whole is a list of 1 item, but it should be Genotype(...)": f"[{TEXT}]",
    "the whole is StepGenotype(...)": CELL,
    "the whole is 5, but": "5",
    "edges is 3, but it should be a list": TEXT.replace("[('skip', 3), ('skip', 7)]", "3"),
    "edges[0] is 3, but it should be an edge such as": TEXT.replace("('skip', 3)", "3"),
    "edges[1] is an edge with 'none', but": TEXT.replace("('skip', 7)", "('none', 7)"),
    "edges[1] is 8, but cell 0 reads nodes 0 to 7": TEXT.replace("('skip', 7)", "('skip', 8)"),
    "edges has length 1, but it should be 2: two for each cell": TEXT.replace("('skip', 3), ", ""),
    "edges[0][1] is '3', but it should be the number": TEXT.replace("3)", "'3')"),
    "concat ends with 0, which is the number of the last cell": TEXT.replace("[8]", "[0]"),
    "concat ends with 4097": TEXT.replace("[8]", "[4097]"),
    "concat[0] is 999999999, but nodes are": TEXT.replace("[8]", "[999999999]"),
    "concat has 0 numbers": TEXT.replace("[8]", "[]"),
    "concat has 2 numbers": TEXT.replace("[8]", "[7, 8]"),
    "concat[0] is 9, but the released code puts out its last cells in their order, here [8, 9]": (
        f"Genotype([('skip', 0)] , [{CELL}, {CELL}], [9, 9])".replace(
            "[('skip', 0)]", "[('skip', 0), ('skip', 1), ('skip', 0), ('skip', 1)]"
        )
    ),
    "steps has 0 cells": "Genotype([], [], [])",
    "steps is 'a', but it should be a list": "Genotype([], 'a', [])",
    "steps[0] is 3, but it should be StepGenotype(...)": "Genotype([], [3], [])",
    "steps[0].inner_steps[0] is 'ConcatFc', which the released code does not have; did you mean 'ConcatFC'?": (
        TEXT.replace("ConcatFC", "ConcatFc")
    ),
    "steps[0].inner_steps[0] is 3, but": TEXT.replace("'ConcatFC'", "3"),
    "steps[0].inner_steps has 0 names": TEXT.replace("'ConcatFC'", ""),
    "steps[0].inner_steps has 300 items, but at most 256": TEXT.replace("'ConcatFC'", "'Sum'," * 300),
    "steps[0].inner_edges[0] is 2, but step 0 reads nodes 0 to 1": TEXT.replace("('skip', 1)", "('skip', 2)"),
    "steps[0].inner_concat[0] is 3, but the cell has nodes 0 to 2": TEXT.replace("[2]", "[3]"),
    "steps[0].inner_concat has 4 nodes, but the cell has 3": TEXT.replace("[2]", "[2, 2, 2, 2]"),
    "steps[1].inner_steps has 2 names, but steps[0].inner_steps has 1": (
        f"Genotype([], [{CELL}, StepGenotype([('skip', 0)] , ['Sum', 'Sum'], [])], [8])".replace(
            "[('skip', 0)] ", "[('skip', 0), ('skip', 1), ('skip', 0), ('skip', 1)]"
        )
    ),
}


@pytest.mark.parametrize("sentence", BAD_TEXT)
def test_bad_text_is_refused_in_one_sentence(sentence):
    with pytest.raises(GenotypeError) as caught:
        official.parse(BAD_TEXT[sentence], source="g.txt")
    message = str(caught.value)
    assert message.startswith(f"g.txt: {sentence}")
    assert len(message) < 400
    assert message.isprintable()


class Run:
    """Unpickled by `pickle`, it would run a command."""

    def __reduce__(self):
        return os.system, ("touch owned",)


def shared_lists() -> list:
    """2 ** 40 items, if each is looked at."""
    bomb: list = ["skip"]
    for _ in range(40):
        bomb = [bomb, bomb]
    return bomb


def in_itself() -> list:
    tangled: list = []
    tangled.append(tangled)
    return tangled


def deep() -> bytes:
    return b"\x80\x04" + b"]" * 30_000 + b"a" * 29_999 + b"."


NO_OTHER = "but a pickled genotype needs only models.search.darts.genotypes.Genotype and .StepGenotype"
DAMAGED = "is a damaged pickle, or a file of another kind"
BAD_PICKLES = {
    "a call of the system": (
        lambda: pickle.dumps(Run(), 4),
        f"is a pickle that asks for '{os.system.__module__}.system', {NO_OTHER}",
    ),
    "a call inside": (lambda: pickle.dumps(Genotype(Run(), [], []), 0), "is a pickle that asks for "),
    "another class": (lambda: pickle.dumps(Head(outputs=3), 2), "is a pickle that asks for 'bmnas.genotype.schema."),
    "a builtin": (lambda: b"cbuiltins\neval\n.", "is a pickle that asks for 'builtins.eval'"),
    "a class of another module": (lambda: b"cevil\nGenotype\n.", "is a pickle that asks for 'evil.Genotype'"),
    "an attribute": (
        lambda: b"\x80\x04\x8c\x08builtins\x8c\x0frange.__class__\x93.",
        "is a pickle that asks for 'builtins.range.__class__'",
    ),
    "a dictionary": (lambda: pickle.dumps({}, 4), "is a pickle with the instruction EMPTY_DICT, which no"),
    "a float": (lambda: pickle.dumps(0.5, 2), "is a pickle with the instruction BINFLOAT"),
    "bytes": (lambda: pickle.dumps(b"a", 4), "is a pickle with the instruction SHORT_BINBYTES"),
    "a persistent id": (lambda: b"\x80\x02Pname\n.", "is a pickle with the instruction PERSID"),
    "changing an object": (lambda: b"\x80\x02]}b.", "is a pickle with the instruction EMPTY_DICT"),
    "a plain list": (lambda: pickle.dumps([]), "the whole is an empty list, but it should be Genotype(...)"),
    "a bare name": (lambda: b"cbuiltins\nrange\n.", "the whole is nothing that a genotype has"),
    "a huge range": (
        lambda: pickle.dumps(released(ONE)._replace(concat=range(10**12))),
        "concat has 1000000000000 items, but at most 256 make sense",
    ),
    "a range beyond every word": (
        lambda: pickle.dumps(released(ONE)._replace(concat=range(10**300))),
        "concat has a number of more than 18 digits items",
    ),
    "a huge number": (
        lambda: pickle.dumps(released(ONE)._replace(concat=[10**300])),
        "concat[0] is a number of more than 18 digits, but nodes are",
    ),
    "a very huge number": (
        lambda: pickle.dumps(10**20_000),
        "is a pickle with the instruction LONG4",
    ),
    "digits": (lambda: b"\x80\x02I" + b"9" * 60_000 + b"\n.", DAMAGED),
    "shared lists": (
        lambda: pickle.dumps(Genotype(shared_lists(), [], [])),
        "edges[0] is an edge with a list of 2 items, but",
    ),
    "shared steps": (lambda: pickle.dumps(Genotype([], shared_lists(), [])), "steps[0] is a list of 2 items, but"),
    "shared names": (lambda: pickle.dumps(shared_lists()), "the whole is a list of 2 items, but"),
    "a list in itself": (lambda: pickle.dumps(Genotype(in_itself(), [], [])), "edges[0] is a list of 1 item, but"),
    "deep": (deep, "the whole is a list of 1 item, but"),
    "marks": (lambda: b"\x80\x02" + b"(" * 60_000 + b".", DAMAGED),
    "only calls": (lambda: b"c__main__\nGenotype\n" + b")\x81" * 30_000 + b".", "Genotype has no edges"),
    "a huge string that is not there": (lambda: b"\x80\x04\x8d" + b"\xff" * 7 + b"\x00.", DAMAGED),
    "a huge memory index": (lambda: b"\x80\x02]r\xff\xff\xff\xff.", "the whole is an empty list, but"),
    "nothing in the memory": (lambda: b"\x80\x02h\x05.", DAMAGED),
    "nothing on the stack": (lambda: b"\x80\x02\x85.", DAMAGED),
    "nothing to append to": (lambda: b"\x80\x02K\x01K\x02a.", DAMAGED),
    "tuple() called": (lambda: b"c__builtin__\ntuple\n)R.", DAMAGED),
    "_reconstructor of nothing": (lambda: b"ccopy_reg\n_reconstructor\n)R.", DAMAGED),
    "_reconstructor of itself": (
        lambda: b"ccopy_reg\n_reconstructor\n(ccopy_reg\n_reconstructor\nc__builtin__\ntuple\n)tR.",
        DAMAGED,
    ),
    "called with a list": (lambda: b"c__main__\nGenotype\n]R.", DAMAGED),
    "three values are none": (lambda: pickle.dumps(StepGenotype([], [], [])), "the whole is StepGenotype(...), but"),
    "cut": (lambda: pickle.dumps(released(ONE))[:-20], DAMAGED),
    "no end": (lambda: pickle.dumps(released(ONE))[:-1], DAMAGED),
    "more behind": (lambda: pickle.dumps(released(ONE), 2) + b"rest", "goes on after the end of the pickle, at byte"),
    "two": (lambda: pickle.dumps(released(ONE), 2) * 2, "goes on after the end of the pickle, at byte"),
    "large": (lambda: pickle.dumps(["a" * 100_000]), "is larger than 64 KiB"),
    "no pickle": (lambda: b"\x80\x99\xff", DAMAGED),
    "empty": (lambda: b"", DAMAGED),
}


@pytest.mark.parametrize("what", BAD_PICKLES)
def test_a_bad_pickle_is_refused_in_one_sentence_and_never_runs(what, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make, sentence = BAD_PICKLES[what]
    data = make()
    with pytest.raises(GenotypeError) as caught:
        official.parse_pickle(data, source="g.pkl")
    message = str(caught.value)
    assert message.startswith(f"g.pkl: {sentence}")
    assert len(message) < 400
    assert message.isprintable()
    assert not list(tmp_path.iterdir())


def test_memory_does_not_grow_with_what_the_data_claim():
    bad = [make() for make, _ in BAD_PICKLES.values()]
    tracemalloc.start()
    try:
        for data in bad:
            with pytest.raises(GenotypeError):
                official.parse_pickle(data)
        for text in BAD_TEXT.values():
            with pytest.raises(GenotypeError):
                official.parse(text)
        assert tracemalloc.get_traced_memory()[1] < 32 * 2**20
    finally:
        tracemalloc.stop()


@given(officials(), st.integers(0, 5), st.data())
def test_changed_bytes_are_read_or_refused(value, protocol, data):
    content = bytearray(pickle.dumps(released(value), protocol))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert isinstance(official.parse_pickle(bytes(content)), OfficialGenotype)
    except GenotypeError as error:
        assert str(error).isprintable()


@given(
    st.binary(max_size=200) | st.lists(st.sampled_from(["Genotype", "range", "(", ")", "[", "]", ",", "'a'", "=", "1"]))
)
def test_anything_else_is_refused(data):
    content = data if isinstance(data, bytes) else " ".join(data).encode()
    with pytest.raises(GenotypeError) as caught:
        official.read(content)
    assert str(caught.value).isprintable()


def test_what_is_given_is_used():
    genotype = official.to_genotype(
        ONE,
        features=[Feature(name=f"F{i}", modality="M", channels=5) for i in range(8)],
        representation=Representation(channels=7, length=4),
        node_multiplier=3,
        head=Head(outputs=9),
        dropout=0.0,
        name="mine",
        like=published.load("ntu-4"),
    )
    assert genotype.name == "mine"
    assert genotype.cells[0].inputs == ("F3", "F7")
    assert genotype.cells[0].output == ("x", "y", "Step_1")
    assert genotype.cells[0].steps[0].inputs == ("y", "x")
    assert (genotype.representation.channels, genotype.representation.length) == (7, 4)
    assert (genotype.head, genotype.dropout) == (Head(outputs=9), 0.0)


def test_what_is_left_out_is_like_another_genotype_or_the_default():
    other = published.load("ntu-4").model_copy(update={"dropout": 0.0})
    like = official.to_genotype(ONE, like=other)
    assert like.features == other.features
    assert (like.representation, like.head, like.dropout) == (other.representation, other.head, 0.0)
    alone = official.to_genotype(ONE)
    assert alone.features[7] == Feature(name="Feature_8", modality="Feature")
    assert (alone.representation, alone.head, alone.dropout) == (Representation(channels=128, length=8), None, 0.2)
    assert alone.cells[0].output == ("Step_1",), "as inner_concat says"


def test_some_cells_only_form_the_output():
    value = OfficialGenotype((0, 1, 0, 2), ONE.steps * 2, (3,))
    genotype = official.to_genotype(value)
    assert (len(genotype.features), genotype.cells[1].inputs, genotype.output) == (
        2,
        ("Feature_1", "Cell_1"),
        ("Cell_2",),
    )


def test_parts_that_do_not_fit():
    with pytest.raises(GenotypeError, match=r"^mine: concat ends with 8, .* one cell .* 8 features, but 6 are given$"):
        official.to_genotype(ONE, like=published.load("mmimdb-1"), name="mine")
    for wrong in (0, 4):
        with pytest.raises(GenotypeError, match=f"the node multiplier is {wrong}, but a cell here has 3 nodes"):
            official.to_genotype(ONE, node_multiplier=wrong)
    odd = official.parse(TEXT.replace("[2]", "[1]"))
    with pytest.raises(GenotypeError, match=r"steps\[0\].inner_concat is \[1\], but .* the last nodes"):
        official.to_genotype(odd)
    assert official.to_genotype(odd, node_multiplier=1) == official.to_genotype(ONE)
    with pytest.raises(GenotypeError, match=r"cells\[0\].name is 'Cell_1', which an earlier cell or a feature has"):
        official.to_genotype(ONE, features=[Feature(name=f"Cell_{i}", modality="M") for i in range(8)])


SUM = {"op": "Sum", "inputs": ["x", "y"]}


def changed(cells=(), **changes):
    """ntu-1 with other cells (by number) and other keys."""
    data = published.load("ntu-1").model_dump(mode="json", exclude_none=True)
    for i, change in dict(cells).items():
        data["cells"][i] = {key: value for key, value in {**data["cells"][i], **change}.items() if value is not ...}
    return from_dict({**data, **changes})


NOT_OFFICIAL = {
    "dialect is 'paper', but": lambda: changed(dialect="paper"),
    "cells is empty, but": lambda: no_cells(),
    "cells[1].inputs has 3 nodes, but": lambda: changed({1: {"inputs": ["Video_1", "Video_2", "Cell_1"]}}),
    "cells[0].steps[0].op is 'Mul', which the released code does not have; known: 'Sum', 'Attention'": (
        lambda: changed({0: {"steps": [{**SUM, "op": "Mul"}], "output": ...}})
    ),
    "cells[0].steps[0].op is 'Zero', which": lambda: changed({0: {"steps": [{**SUM, "op": "Zero"}], "output": ...}}),
    "cells[0].steps[0].op is 'MultiHeadAttention', which": (
        lambda: changed({0: {"steps": [{**SUM, "op": "MultiHeadAttention", "heads": 4}], "output": ...}})
    ),
    "cells[0].steps[1].inputs has 3 nodes, but": (
        lambda: changed({0: {"steps": [SUM, {"op": "Sum", "inputs": ["x", "y", "Step_1"]}], "output": ...}})
    ),
    "cells[0].steps is empty, but": lambda: changed({0: {"steps": [], "output": ["x"]}}),
    "cells[0].output is ['Step_1'], but the released code puts out the last nodes in their order, here ['Step_2']": (
        lambda: changed({0: {"output": ["Step_1"]}})
    ),
    "cells[0].output is ['Step_2', 'Step_1'], but": lambda: changed({0: {"output": ["Step_2", "Step_1"]}}),
    "cells[1].output has length 1, but cells[0].output has length 2": lambda: changed({1: {"output": ["Step_2"]}}),
    "cells[1].steps has length 3, but cells[0].steps has length 2": (
        lambda: changed({1: {"steps": [SUM, SUM, SUM], "output": ["Step_2", "Step_3"]}})
    ),
    "output is ['Cell_1'], but the released code puts out its last cells in their order, here ['Cell_2']": (
        lambda: changed(output=["Cell_1"])
    ),
    "output is ['Video_1', 'Cell_2'], but": lambda: changed(output=["Video_1", "Cell_2"]),
    "output is ['Cell_2', 'Cell_1'], but": lambda: changed(output=["Cell_2", "Cell_1"]),
}


def no_cells():
    data = published.load("ntu-1").model_dump(mode="json", exclude_none=True)
    return from_dict({**data, "cells": [], "output": ["Video_1"]})


@pytest.mark.parametrize("sentence", NOT_OFFICIAL)
def test_what_the_released_code_cannot_say(sentence):
    with pytest.raises(GenotypeError) as caught:
        official.from_genotype(NOT_OFFICIAL[sentence]())
    assert str(caught.value).startswith(f"ntu-1: {sentence}")


def test_a_file_of_any_kind_is_loaded(tmp_path):
    text, pickled, ours = tmp_path / "a", tmp_path / "b", tmp_path / "c"
    text.write_text(TEXT)
    pickled.write_bytes(pickle.dumps(released(ONE)))
    save(from_dict(SHORT), ours)
    assert official.load(text) == official.load(str(pickled)) == ONE
    assert official.load(ours) == from_dict(SHORT)
    assert official.load("ego-2") == load("ego-2")
    with pytest.raises(GenotypeError, match="no such file or directory"):
        official.load(tmp_path / "none.pkl")
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(100 * 2**20)
    with pytest.raises(GenotypeError, match=r"huge: is larger than 64 KiB"):
        official.load(tmp_path / "huge")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(GenotypeError, match="is no genotype: neither the text"):
        official.load(tmp_path / "binary")


LOGGED = (
    "Genotype(edges=[('skip', 0), ('skip', 1)],\n"
    " steps=[StepGenotype([('skip', 0), ('skip', 1)], ['Sum'], [2])], concat=[2])"
)


@pytest.mark.parametrize(
    "text",
    [
        f"genotype = {LOGGED}",
        f"2024-03-01 10:11:12,345 genotype = {LOGGED}\n",
        f"[2024-03-01 10:11:12] INFO: {LOGGED}",
        "# genotype = " + LOGGED.replace("\n", "\n  # "),
        f"from genotypes import *\n\nbest = genotypes.{LOGGED}",
    ],
)
def test_what_stands_before_a_genotype_in_a_log_or_a_notebook_is_passed_over(text):
    assert official.read(text.encode()) == official.parse(LOGGED)


def test_of_several_genotypes_in_a_log_none_is_taken():
    with pytest.raises(
        GenotypeError, match="has 2 genotypes, the first at line 1, column 4, the last at line 3, column 4"
    ):
        official.parse(f"a: {LOGGED}\nb: {LOGGED}")


def test_a_place_in_a_line_of_a_log_is_that_in_the_line():
    with pytest.raises(GenotypeError, match="has '!' at line 1, column 27"):
        official.parse("genotype = Genotype(edges=!)")


def test_a_comment_inside_a_genotype_is_not_a_part_of_it():
    with pytest.raises(GenotypeError, match="has '#' at line 2"):
        official.parse(LOGGED.replace("\n", "\n#"))
