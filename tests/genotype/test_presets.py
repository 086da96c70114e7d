"""Presets: what each consists of, for any number of features, and on the cells of an existing genotype."""

from __future__ import annotations

import pytest

from bmnas.errors import BmnasError
from bmnas.genotype import Feature, dumps, from_dict, loads, presets
from tests.genotype.test_schema import SHORT

FEATURES = [Feature(name=f"F_{i}", modality=f"M{i % 3}", channels=8 * i) for i in range(1, 8)]
IN_ONE_CELL = [name for name in presets.PRESETS if name not in ("late-fusion", "heads", "random")]


def ops(genotype):
    return [[step.op for step in cell.steps] for cell in genotype.cells]


@pytest.mark.parametrize("preset", presets.PRESETS)
@pytest.mark.parametrize("count", range(2, 7))
def test_any_number_of_features(preset, count):
    genotype = presets.get(preset)(FEATURES[:count], channels=16, length=4, outputs=5)
    assert loads(dumps(genotype)) == genotype
    assert genotype.head.outputs == 5
    assert (genotype.representation.channels, genotype.representation.length) == (16, 4)
    if preset != "random":
        assert genotype.features == tuple(FEATURES[:count])


@pytest.mark.parametrize("preset", IN_ONE_CELL)
@pytest.mark.parametrize("count", [0, 1, 7])
def test_too_few_or_too_many_for_one_cell(preset, count):
    if (preset, count) == ("concat-fc", 7):
        return  # which has a test of its own
    with pytest.raises(BmnasError, match=f"takes 2 to 6 of them, not {count}"):
        presets.get(preset)(FEATURES[:count])


@pytest.mark.parametrize(
    ("count", "sizes"), [(6, [6]), (7, [3, 4, 2]), (13, [4, 4, 5, 3]), (37, [5, 5, 5, 6, 5, 5, 6, 3, 4, 2])]
)
def test_a_layer_on_more_features_than_a_cell_reads(count, sizes):
    features = [Feature(name=f"F_{i}", modality="M", channels=8) for i in range(count)]
    genotype = presets.concat_fc(features, channels=16, length=1, outputs=5)
    assert loads(dumps(genotype)) == genotype
    assert [len(cell.inputs) for cell in genotype.cells] == sizes
    assert all(step.op == "ConcatFC" for cell in genotype.cells for step in cell.steps)
    # Everything is read once, and the last cell is what comes out.
    read = [name for cell in genotype.cells for name in cell.inputs]
    assert sorted(read) == sorted([feature.name for feature in features] + [cell.name for cell in genotype.cells[:-1]])
    assert genotype.output == (genotype.cells[-1].name,)


def test_what_each_is():
    two, three = FEATURES[:2], FEATURES[:3]
    assert ops(presets.sum(three)) == [["Sum"]]
    assert ops(presets.concat_fc(three)) == [["ConcatFC"]]
    assert ops(presets.gmu(three)) == [["GatedSum"]]
    assert ops(presets.two_stream(three)) == [["Mean"]]
    assert presets.two_stream(two).dialect == "paper"
    assert ops(presets.glu(three)) == [["LinearGLU", "LinearGLU"]]
    assert [step.inputs for step in presets.glu(three).cells[0].steps] == [("x", "y"), ("Step_1", "z")]
    assert presets.glu(three).cells[0].output == ("Step_2",)
    assert ops(presets.mha(two)) == [["MultiHeadAttention"]]
    assert presets.mha(two).cells[0].steps[0].options == {"heads": 2}
    assert presets.mha(two, heads=8).cells[0].steps[0].options == {"heads": 8}
    assert presets.mha(three).cells[0].steps[1].inputs == ("x", "z")
    aoa = presets.aoa(two).cells[0]
    assert [(step.op, step.inputs) for step in aoa.steps] == [
        ("Attention", ("x", "y")),
        ("LinearGLU", ("Step_1", "x")),
    ]
    assert aoa.output == ("Step_2",)
    aoa = presets.aoa(three).cells[0]
    assert [step.inputs for step in aoa.steps] == [("x", "y"), ("Step_1", "x"), ("x", "z"), ("Step_3", "x")]
    assert aoa.output == ("Step_2", "Step_4")
    late = presets.late_fusion(FEATURES)
    assert (late.cells, late.output) == ((), tuple(feature.name for feature in FEATURES))


def test_the_last_feature_of_each_modality():
    assert [feature.name for feature in presets.last_features(FEATURES)] == ["F_7", "F_5", "F_6"]


def test_random_is_seeded_and_declares_what_it_reads():
    genotypes = [presets.random(FEATURES, seed=seed, cells=1, steps=3) for seed in (0, 0, 1)]
    assert genotypes[0] == genotypes[1] != genotypes[2]
    assert len(genotypes[0].features) == 2
    assert len(genotypes[0].cells[0].steps) == 3


def test_a_row_of_table_7_keeps_the_feature_selection():
    found = from_dict(SHORT | {"head": {"outputs": 5}})
    for preset in IN_ONE_CELL:
        row = presets.like(found, preset)
        assert [cell.inputs for cell in row.cells] == [cell.inputs for cell in found.cells]
        assert ops(row) == 2 * ops(presets.get(preset)(FEATURES[:2]))
        assert (row.features, row.output, row.head, row.dialect) == (
            found.features,
            found.output,
            found.head,
            found.dialect,
        )
    assert presets.like(found, "mha", heads=4).cells[1].steps[0].options == {"heads": 4}
    assert presets.like(found, "late-fusion").output == ("Video_3", "Skeleton_4")
    assert [len(cell.steps) for cell in presets.like(found, "random", seed=2).cells] == [2, 2]


def test_cells_of_several_inputs_keep_them_too():
    cells = [
        {"name": "A", "inputs": ["Video_3", "Skeleton_4", "Video_3"], "steps": [{"op": "Sum", "inputs": ["x", "z"]}]},
        {"name": "B", "inputs": ["A", "Video_3"], "steps": [{"op": "Sum", "inputs": ["x", "y"]}]},
    ]
    row = presets.like(from_dict(SHORT | {"cells": cells}), "sum")
    assert [cell.steps[0].inputs for cell in row.cells] == [("x", "y", "z"), ("x", "y")]
    assert [cell.name for cell in row.cells] == ["A", "B"]


def test_what_cannot_be():
    with pytest.raises(BmnasError, match="unknown preset 'aao'; did you mean 'aoa'"):
        presets.get("aao")
    with pytest.raises(BmnasError, match="has no cells"):
        presets.like(presets.late_fusion(FEATURES), "sum")
    with pytest.raises(BmnasError, match=r"heads is 3, which does not divide the representation's 128 channels"):
        presets.mha(FEATURES[:2], heads=3)
    with pytest.raises(BmnasError, match="dialect is 'offical'"):
        presets.sum(FEATURES[:2], dialect="offical")
