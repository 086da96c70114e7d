"""The search space: counted, numbered, sampled, varied, each compared with going through all that the rules allow."""

from __future__ import annotations

import json
import pickle
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import combinations, islice, permutations, product
from operator import add
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given, settings, strategies as st
from scipy.stats import chisquare

from bmnas.errors import BmnasError, GenotypeError
from bmnas.genotype import Cell, Feature, Genotype, Head, Provenance, Representation, Step
from bmnas.genotype.published import load as published, names as published_names
from bmnas.genotype.space import OFFICIAL_POOL, PAPER_POOL, Rules, Space
from bmnas.genotype.space.choices import other_orders
from tests.profiles import examples

SHAPE = Representation(channels=4, length=4)
RULES = st.builds(
    Rules,
    cells_read=st.sampled_from(["any", "features"]),
    cells_differ=st.sampled_from(["inputs", "new feature"]),
    steps_repeat=st.booleans(),
)


def features(count: int) -> tuple[Feature, ...]:
    return tuple(Feature(name=f"F{i}", modality="AB"[i % 2], channels=3) for i in range(1, count + 1))


def small(count: int = 4, **settings: Any) -> Space:
    """A space of few genotypes under the paper's rules."""
    given = {"cells": 2, "steps": 1, "operations": ("Sum", "Attention"), "representation": SHAPE, **settings}
    return Space(features=features(count), **given)


@st.composite
def spaces(draw: st.DrawFn, limit: int | None = None) -> Space:
    """Spaces of up to five features, three cells and two steps; of at most ``limit`` genotypes where it is given."""
    rules = draw(RULES)
    cell_inputs = draw(st.integers(2, 3))
    step_inputs = draw(st.integers(2, 3 if rules.steps_repeat else cell_inputs))
    steps = draw(st.integers(1, 2))
    pool = draw(st.permutations(["Zero", "Sum", "Attention", "MultiHeadAttention"]))
    pool = pool[: draw(st.integers(1, 3))]
    count, cells = draw(st.integers(cell_inputs, 5)), draw(st.integers(1, 3))
    last = draw(st.integers(1, cell_inputs + steps))
    head = draw(st.sampled_from([None, Head(outputs=3)]))
    while True:
        try:
            space = Space(
                features=features(count),
                cells=cells,
                steps=steps,
                operations=tuple(pool),
                rules=rules,
                representation=SHAPE,
                head=head,
                outputs_per_cell=min(last, cell_inputs + steps),
                cell_inputs=cell_inputs,
                step_inputs=step_inputs,
            )
        except BmnasError as error:
            impossible = re.match(r"space: nothing is left for Cell_(\d):", str(error))
            assert impossible, error
            cells = int(impossible[1]) - 1
            continue
        if limit is None or space.count <= limit:
            return space
        if len(pool) > 1:
            pool = pool[1:]
        elif steps > 1:
            steps = 1
        else:
            cells -= 1


@st.composite
def members(draw: st.DrawFn) -> tuple[Space, Genotype]:
    """A space and a genotype of it."""
    space = draw(spaces())
    return space, space[draw(st.integers(0, space.count - 1))]


def listed(space: Space) -> list[Genotype]:
    """All genotypes of a space, by the rules as the paper words them and by nothing else."""
    names = [feature.name for feature in space.features]
    interiors = list(_interiors(space))
    found = []
    for reads in _reads(space, names):
        for inside in product(interiors, repeat=space.cells):
            cells = [
                Cell(name=f"Cell_{n}", inputs=inputs, steps=steps, output=_last_nodes(space))
                for n, (inputs, steps) in enumerate(zip(reads, inside, strict=True), 1)
            ]
            found.append(
                Genotype(
                    representation=SHAPE, features=space.features, cells=tuple(cells), head=space.head, dropout=0.2
                )
            )
    return found


def _reads(space: Space, names: list[str]) -> Iterator[tuple[tuple[str, ...], ...]]:
    cells = [f"Cell_{n}" for n in range(1, space.cells + 1)]
    visible = [names + (cells[:n] if space.rules.cells_read == "any" else []) for n in range(space.cells)]
    for reads in product(*(combinations(nodes, space.cell_inputs) for nodes in visible)):
        if space.rules.cells_differ == "inputs":
            allowed = len(set(reads)) == len(reads)
        else:
            earlier = [{name for inputs in reads[:n] for name in inputs} for n in range(space.cells)]
            allowed = all(
                any(name in names and name not in used for name in inputs)
                for used, inputs in zip(earlier, reads, strict=True)
            )
        if allowed:
            yield reads


def _interiors(space: Space) -> Iterator[tuple[Step, ...]]:
    nodes = ["x", "y", "z"][: space.cell_inputs] + [f"Step_{m}" for m in range(1, space.steps + 1)]
    choices = []
    for m in range(space.steps):
        before = nodes[: space.cell_inputs + m]
        if space.rules.steps_repeat:
            inputs = list(product(before, repeat=space.step_inputs))
        else:
            inputs = list(permutations(before, space.step_inputs))
        choices.append([Step(name=f"Step_{m + 1}", op=op, inputs=i) for op in space.operations for i in inputs])
    yield from product(*choices)


def _last_nodes(space: Space) -> tuple[str, ...]:
    nodes = ["x", "y", "z"][: space.cell_inputs] + [f"Step_{m}" for m in range(1, space.steps + 1)]
    return tuple(nodes[-space.outputs_per_cell :])


def editable(genotype: Genotype) -> dict[str, Any]:
    """The genotype as plain data that can be changed."""
    return json.loads(genotype.model_dump_json())


def keys(genotypes: Any) -> set[str]:
    return {genotype.model_dump_json() for genotype in genotypes}


# Counting and numbering


@settings(deadline=None, max_examples=examples(40))
@given(spaces(limit=1000))
def test_the_space_is_exactly_what_the_rules_allow(space):
    expected = listed(space)
    found = list(space)
    assert space.count == len(expected) == len(found)
    assert keys(found) == keys(expected)
    assert len(keys(found)) == len(found)


@settings(deadline=None, max_examples=examples(50))
@given(spaces())
def test_the_count_is_that_of_the_rules(space):
    """Larger spaces than can be gone through: what cells read is listed, what one cell does is, and they multiply."""
    names = [feature.name for feature in space.features]
    reads = sum(1 for _ in _reads(space, names))
    interiors = sum(1 for _ in _interiors(space))
    assert space.count == reads * interiors**space.cells


def test_known_counts():
    ntu = published("ntu-1").features
    # 28 pairs, then 36 - 1; 5 operations on 2² and 3² inputs in either cell.
    assert Space.paper(ntu, representation=SHAPE).count == 28 * 35 * (5 * 4 * 5 * 9) ** 2 == 793_800_000
    # 28 pairs, then 28 - 1; 4 operations on 2 · 1 and 3 · 2 inputs in either cell.
    assert Space.official(ntu, representation=SHAPE).count == 28 * 27 * (4 * 2 * 4 * 6) ** 2 == 27_869_184


@settings(deadline=None, max_examples=examples(50))
@given(members(), st.data())
def test_index_and_genotype_are_inverse(member, data):
    space, genotype = member
    index = data.draw(st.integers(0, space.count - 1))
    assert space.index(space[index]) == index
    assert space[space.index(genotype)] == genotype


@settings(deadline=None, max_examples=examples(50))
@given(members())
def test_a_genotype_of_a_space_is_as_if_validated(member):
    _, genotype = member
    validated = Genotype.model_validate(genotype.model_dump())
    assert genotype == validated
    assert hash(genotype) == hash(validated)
    assert genotype.model_dump_json() == validated.model_dump_json()
    assert pickle.loads(pickle.dumps(genotype)) == genotype  # noqa: S301
    assert genotype.model_copy(update={"name": "other"}).name == "other"
    assert [step.options for cell in genotype.cells for step in cell.steps] == [
        step.options for cell in validated.cells for step in cell.steps
    ]


def test_iteration_is_in_index_order():
    space = small()
    assert list(islice(space, 50)) == [space[index] for index in range(50)]


@pytest.mark.parametrize("index", [-1, 10**40])
def test_an_index_outside_is_refused(index):
    with pytest.raises(IndexError, match="indices are 0 to count - 1"):
        small()[index]


def test_large_spaces_are_counted_and_sampled():
    wide = Space.official(features(4096), cells=12, steps=12, representation=SHAPE, cell_inputs=6)
    genotype = wide.random(0)
    assert wide[wide.index(genotype)] == genotype == Genotype.model_validate(genotype.model_dump())
    assert wide.mutate(genotype, 0) in wide


# One choice after the other


@settings(deadline=None, max_examples=examples(30))
@given(spaces(limit=20_000), st.data())
def test_a_cell_may_read_what_some_genotype_reads_there(space, data):
    """No more, so that one who chooses cell by cell never ends where nothing is left; and no less."""
    names = [*(feature.name for feature in space.features), *(f"Cell_{n}" for n in range(1, space.cells + 1))]
    given = _reads(space, names[: -space.cells])
    reads = [tuple(tuple(map(names.index, inputs)) for inputs in cells) for cells in given]
    earlier: tuple[Any, ...] = ()
    for n in range(space.cells):
        expected = sorted({cells[n] for cells in reads if cells[:n] == earlier})
        found = space.cell_may_read([data.draw(st.permutations(nodes)) for nodes in earlier])
        assert list(found.ascending()) == expected
        assert found.count == len(expected)
        assert sorted(found[index] for index in range(found.count)) == expected
        row = data.draw(st.lists(st.integers(0, 9), min_size=len(names), max_size=len(names)))
        assert found.greatest(row, combine=add) == max(expected, key=lambda nodes: sum(row[node] for node in nodes))
        earlier = (*earlier, data.draw(st.sampled_from(expected)))


@settings(deadline=None, max_examples=examples(30))
@given(spaces(limit=20_000))
def test_a_step_may_read_what_some_genotype_reads_there(space):
    nodes = ["x", "y", "z"][: space.cell_inputs] + [f"Step_{m}" for m in range(1, space.steps + 1)]
    interiors = list(_interiors(space))
    for m in range(space.steps):
        expected = sorted({tuple(map(nodes.index, steps[m].inputs)) for steps in interiors})
        found = space.step_may_read(m)
        assert list(found) == [found[index] for index in range(found.count)] == expected
        assert [found.index(inputs) for inputs in found] == list(range(found.count))
        sets = list(found.sets())
        most = min(space.step_inputs, found.nodes)
        assert set(map(frozenset, sets)) == {frozenset(inputs) for inputs in expected if len(set(inputs)) == most}
        assert set(sets) <= set(expected)


def test_other_orders():
    assert list(other_orders((4, 2))) == [(2, 4)]
    assert sorted([(3, 1, 2), *other_orders((3, 1, 2))]) == list(permutations((1, 2, 3)))
    # 719 orders of six are too many to try each: those in which two change places
    some = list(other_orders(tuple(range(6))))
    assert len(some) == len(set(some)) == 15
    assert all(sum(i != node for i, node in enumerate(order)) == 2 for order in some)


@settings(deadline=None, max_examples=examples(60))
@given(RULES, st.integers(1, 6), st.integers(1, 8), st.integers(2, 3))
def test_the_rules_know_for_how_many_cells_there_is_something_to_read(rules, count, cells, cell_inputs):
    most = rules.most_cells(count, cell_inputs)
    assert (most is None or cells <= most) == (count >= rules.least_features(cells, cell_inputs))
    try:
        space = small(count, cells=cells, rules=rules, cell_inputs=cell_inputs)
    except BmnasError as error:
        assert f"nothing is left for Cell_{most + 1}:" in str(error)
        assert cells > most
    else:
        assert space.count > 0
        assert most is None or cells <= most


# Membership


@settings(deadline=None, max_examples=examples(50))
@given(members(), st.sampled_from(["name", "provenance"]))
def test_name_and_provenance_do_not_matter(member, field):
    space, genotype = member
    other = {"name": "other", "provenance": Provenance(seed=1)}[field]
    assert genotype.model_copy(update={field: other}) in space


@pytest.mark.parametrize(
    ("place", "change", "problem"),
    [
        ("dropout", {"dropout": 0.1}, "dropout differs from the space's"),
        ("dialect", {"dialect": "paper"}, "dialect differs"),
        ("head", {"head": {"outputs": 9}}, "head differs"),
        ("representation", {"representation": {"channels": 5, "length": 4}}, "representation differs"),
        ("features", {"features": [*features(4), Feature(name="F9", modality="A")]}, "features differs"),
        ("cells", {"cells": [], "output": ["F1"]}, "cells has 0 items, but the space has 2"),
        ("output", {"output": ["Cell_2"]}, "output is not as in the space, whose output is all cells"),
        ("output", {"output": ["Cell_2", "Cell_1"]}, "output is not as in the space, whose output is all cells"),
    ],
)
def test_genotypes_of_another_kind_are_not_in_the_space(place, change, problem):
    space = small()
    outsider = Genotype.model_validate({**space[0].model_dump(), **change})
    assert outsider not in space
    with pytest.raises(GenotypeError, match=f"^genotype is not in the space: {problem}"):
        space.index(outsider)
    assert space[0] in space  # it is the change that matters


@pytest.mark.parametrize(
    ("cell", "change", "problem"),
    [
        (1, {"name": "Other"}, r"cells\[1\].name is 'Other', but in the space Cell_2"),
        (1, {"inputs": ("F2", "F1")}, r"cells\[1\].inputs is not in the space's order"),
        (1, {"inputs": ("F2", "F2")}, r"cells\[1\].inputs is not in the space's order"),
        (1, {"inputs": ("F1", "F2")}, r"cells\[1\].inputs reads the same nodes as an earlier cell"),
        (1, {"inputs": ("F1", "F2", "F3")}, r"cells\[1\].inputs has 3 items, but the space has 2"),
        (0, {"output": ("x",)}, r"cells\[0\].output is not the space's, which is \[Step_1\]"),
        (0, {"steps": (), "output": ("x",)}, r"cells\[0\].steps has 0 items, but the space has 1"),
    ],
)
def test_cells_of_another_kind_are_not_in_the_space(cell, change, problem):
    space = small()
    data = editable(next(g for g in space if [c.inputs for c in g.cells] == [("F1", "F2"), ("F3", "Cell_1")]))
    data["cells"][cell] |= change
    data["output"] = [c["name"] for c in data["cells"]]
    with pytest.raises(GenotypeError, match=problem):
        space.index(Genotype.model_validate(data))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"op": "LinearGLU"}, r"steps\[0\].op is 'LinearGLU', which the space does not have"),
        ({"inputs": ("x", "y", "x")}, r"steps\[0\].inputs has 3 items, but the space has 2"),
        ({"op": "MultiHeadAttention", "heads": 4}, r"steps\[0\] is not as in the space: Step_1, with default options"),
        ({"inputs": ("x", "x")}, r"steps\[0\].inputs names a node twice"),
    ],
)
def test_steps_of_another_kind_are_not_in_the_space(change, problem):
    space = small(operations=("Sum", "MultiHeadAttention"), rules=Rules(steps_repeat=False))
    data = editable(space[0])
    data["cells"][0]["steps"][0] |= change
    with pytest.raises(GenotypeError, match=problem):
        space.index(Genotype.model_validate(data))


def test_a_cell_without_a_new_feature_is_not_in_the_official_space():
    space = Space.official(features(4), cells=3, steps=1, representation=SHAPE)
    data = editable(space[0])
    for cell, inputs in zip(data["cells"], [("F1", "F2"), ("F2", "F3"), ("F1", "F3")], strict=True):
        cell["inputs"] = inputs
    with pytest.raises(GenotypeError, match=r"cells\[2\].inputs reads no feature that no earlier cell reads"):
        space.index(Genotype.model_validate(data))
    data["cells"][2]["inputs"] = ("F3", "Cell_1")
    with pytest.raises(GenotypeError, match=r"cells\[2\].inputs\[1\] is 'Cell_1', which cannot be read there"):
        space.index(Genotype.model_validate(data))


def test_other_things_are_not_in_a_space():
    assert "Cell_1" not in small()
    assert small()[0].model_dump() not in small()


def _space_of(genotype: Genotype, make: Any) -> Space:
    return make(
        genotype.features,
        representation=genotype.representation,
        cells=len(genotype.cells),
        steps=len(genotype.cells[0].steps),
        outputs_per_cell=len(genotype.cells[0].output),
        head=genotype.head,
        dropout=genotype.dropout,
        dialect=genotype.dialect,
    )


@pytest.mark.parametrize("name", published_names())
def test_the_published_genotypes_are_in_the_spaces_they_came_from(name):
    genotype = published(name)
    assert genotype in _space_of(genotype, Space.paper)
    # Five of them read cells, or no new feature: the released derivation rule cannot give them.
    underivable = {"mmimdb-1", "ntu-4", "ego-2", "ego-3", "ego-4"}
    assert (genotype in _space_of(genotype, Space.official)) == (name not in underivable)


# Sampling


def _reads_of(genotype: Genotype) -> tuple[Any, ...]:
    return tuple(cell.inputs for cell in genotype.cells)


def _p_value(sample: list[Any], values: list[Any]) -> float:
    """How likely a sample at least as uneven is, if all values are equally likely."""
    assert set(sample) <= set(values)
    counts = Counter(sample)
    return float(chisquare([counts[value] for value in values]).pvalue)


def _cell_by_cell(space: Space, rng: Random) -> tuple[Any, ...]:
    """The obvious sampler, which is not even: what a cell reads is drawn evenly, whatever that leaves for later."""
    names = [feature.name for feature in space.features]
    reads: list[tuple[str, ...]] = []
    for _ in range(space.cells):
        used = {name for inputs in reads for name in inputs}
        reads.append(rng.choice([pair for pair in combinations(names, 2) if not used.issuperset(pair)]))
    return tuple(reads)


def test_samples_are_even():
    space = small(4, operations=("Sum",), rules=Rules(steps_repeat=False))
    assert space.count == 6 * 9 * 2**2
    genotypes = list(space)
    assert _p_value(space.sample(1, 30 * space.count), genotypes) > 0.001
    assert _p_value([space.random(seed) for seed in range(10 * space.count)], genotypes) > 0.001


def test_samples_are_even_where_a_choice_limits_later_ones_and_the_test_can_tell():
    rules = Rules(cells_read="features", cells_differ="new feature", steps_repeat=False)
    space = small(5, cells=3, operations=("Sum",), rules=rules)
    # The second pair shares a feature with the first, and 7 pairs have one of the 2 left; or not, and 4 have the last.
    assert space.count == 10 * (6 * 7 + 3 * 4) * 2**3
    reads = list(_reads(space, [feature.name for feature in space.features]))
    rng = Random(1)
    assert _p_value([_reads_of(genotype) for genotype in space.sample(1, 20 * len(reads))], reads) > 0.001
    assert _p_value([_cell_by_cell(space, rng) for _ in range(20 * len(reads))], reads) < 1e-6


def test_the_same_seed_gives_the_same_genotypes_for_ever():
    space = Space.paper(features(8), representation=SHAPE)
    sample = space.sample(7, 20)
    assert [space.index(genotype) for genotype in sample[:3]] == GOLDEN_INDICES
    assert [(cell.inputs, *((s.op, *s.inputs) for s in cell.steps)) for cell in sample[0].cells] == GOLDEN_CELLS
    assert space.sample(Random(7), 20) == sample
    assert space.random(7) == sample[0]
    assert space.sample(8, 20) != sample


GOLDEN_INDICES = [347712782, 161973069, 423938499]
GOLDEN_CELLS = [
    (("F3", "F6"), ("Sum", "x", "y"), ("Attention", "y", "y")),
    (("F4", "F5"), ("Attention", "y", "x"), ("LinearGLU", "y", "Step_1")),
]


# Variation


def _choices(genotype: Genotype) -> list[Any]:
    """Everything that a genotype chooses, one entry a choice."""
    return [
        choice
        for cell in genotype.cells
        for choice in [cell.inputs, *(part for step in cell.steps for part in (step.op, *step.inputs))]
    ]


@settings(deadline=None, max_examples=examples(30))
@given(spaces(limit=400), st.data())
def test_neighbours_are_all_members_that_differ_in_one_choice(space, data):
    everyone = list(space)
    genotype = data.draw(st.sampled_from(everyone))
    own = _choices(genotype)
    expected = [g for g in everyone if sum(a != b for a, b in zip(own, _choices(g), strict=True)) == 1]
    found = list(space.neighbours(genotype))
    assert len(found) == len(expected)
    assert keys(found) == keys(expected)


@settings(deadline=None, max_examples=examples(30))
@given(members(), st.data())
def test_neighbourhood_is_mutual(member, data):
    space, genotype = member
    neighbours = list(space.neighbours(genotype))
    assume(neighbours)
    assert all(g in space for g in neighbours)
    assert genotype in space.neighbours(data.draw(st.sampled_from(neighbours)))


@settings(deadline=None, max_examples=examples(50))
@given(members(), st.integers())
def test_a_mutation_is_a_neighbour(member, seed):
    space, genotype = member
    try:
        mutated = space.mutate(genotype, seed)
    except BmnasError as error:
        assert str(error) == "genotype cannot be mutated: the space has no genotype that differs in one choice"
        assert not list(space.neighbours(genotype))
        return
    assert mutated in space
    assert sum(a != b for a, b in zip(_choices(genotype), _choices(mutated), strict=True)) == 1


@pytest.mark.parametrize("rules", [Rules(), Rules(cells_differ="new feature", steps_repeat=False)])
def test_mutations_are_even_and_the_test_can_tell(rules):
    space = small(5, cells=3, rules=rules)
    genotype = space.random(3)
    neighbours = list(space.neighbours(genotype))
    rng, n = Random(1), 30 * len(neighbours)
    assert _p_value([space.mutate(genotype, rng) for _ in range(n)], neighbours) > 0.001
    # A cell first, then one of its neighbours: even among cells, but not among neighbours.
    by_cell = [[g for g in neighbours if g.cells[i] != genotype.cells[i]] for i in range(3)]
    assert _p_value([rng.choice(rng.choice(by_cell)) for _ in range(n)], neighbours) < 1e-6


def _mixtures(space: Space, a: Genotype, b: Genotype) -> set[str]:
    """The children that crossover may give: members other than the parents."""
    found = set()
    for cells in product(*zip(a.cells, b.cells, strict=True)):
        child = a.model_copy(update={"cells": cells})
        if child in space and child not in (a, b):
            found.add(child.model_dump_json())
    return found


@settings(deadline=None, max_examples=examples(50))
@given(spaces(), st.data())
def test_a_child_has_each_cell_of_a_parent(space, data):
    a, b = (space[data.draw(st.integers(0, space.count - 1))] for _ in "ab")
    child = space.crossover(a, b, data.draw(st.integers()))
    assert child in space
    assert child.model_dump_json() in (_mixtures(space, a, b) or keys([a, b]))


def test_children_are_even():
    space = small(4, cells=4, steps=2)
    a, b = space.sample(5, 2)
    children = sorted(_mixtures(space, a, b))
    assert len(children) > 8
    rng = Random(1)
    sample = [space.crossover(a, b, rng).model_dump_json() for _ in range(50 * len(children))]
    assert _p_value(sample, children) > 0.001


def test_parents_that_differ_in_many_cells_have_children():
    space = small(8, cells=20)
    a, b = space.sample(1, 2)
    child = space.crossover(a, b, 1)
    assert child in space
    assert child not in (a, b)


def test_a_stranger_has_no_neighbours_mutations_or_children():
    space, stranger = small(), small(5)[0]
    for attempt in (
        lambda: space.neighbours(stranger),
        lambda: space.mutate(stranger, 0),
        lambda: space.crossover(space[0], stranger, 0),
    ):
        with pytest.raises(GenotypeError, match="is not in the space: features differs"):
            attempt()


# Canonical forms


def test_canonical_forms_are_counted():
    # Sum(x, y) is Sum(y, x), and with the residual x + ... the rest stays apart: x + x + x, x + x + y, x + y + y.
    space = small(2, cells=1, operations=("Sum",))
    assert (space.count, space.count_canonical()) == (4, 3)


def test_too_many_to_count_canonical_forms():
    with pytest.raises(BmnasError, match="the space has 793,800,000 genotypes, more than the 10000"):
        Space.paper(features(8), representation=SHAPE).count_canonical()


# The value


def test_a_space_is_a_value():
    space = small(outputs_per_cell=1)
    assert space == small()
    assert hash(space) == hash(small())
    assert pickle.loads(pickle.dumps(space)) == space  # noqa: S301
    assert Space.model_validate_json(space.model_dump_json()) == space
    with pytest.raises(Exception, match="frozen"):
        space.cells = 3


def test_the_output_of_a_cell_is_its_last_nodes():
    outputs = [small(steps=2, outputs_per_cell=n)[0].cells[0].output for n in range(1, 5)]
    assert outputs[:2] == [("Step_2",), ("Step_1", "Step_2")]
    assert outputs[2:] == [("y", "Step_1", "Step_2"), ("x", "y", "Step_1", "Step_2")]


def test_the_two_constructors():
    paper, official = (
        make(features(4), representation=SHAPE, head=Head(outputs=2)) for make in (Space.paper, Space.official)
    )
    assert paper.rules == Rules(cells_read="any", cells_differ="inputs", steps_repeat=True)
    assert official.rules == Rules(cells_read="features", cells_differ="new feature", steps_repeat=False)
    assert (paper.operations, official.operations) == (PAPER_POOL, OFFICIAL_POOL)
    assert paper[0].head == Head(outputs=2)
    assert all(genotype in paper for genotype in official.sample(0, 20))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"count": 1}, "space: nothing is left for Cell_1: a cell reads 2 nodes, and there is only 1 feature to read"),
        (
            {"count": 3, "cells": 4, "rules": Rules(cells_read="features")},
            "space: nothing is left for Cell_4: every cell reads a set of features of its own, and of 3 features there "
            "are only 3 sets of 2",
        ),
        (
            {"count": 3, "cells": 3, "rules": Rules(cells_differ="new feature")},
            "space: nothing is left for Cell_3: every cell reads a feature that no earlier cell reads, and 3 features "
            "are enough for only 2 cells",
        ),
        (
            {"rules": Rules(steps_repeat=False), "step_inputs": 3},
            "space: nothing is left for Step_1: it reads 3 different nodes, and before it there are only the 2 inputs "
            "of its cell",
        ),
        (
            {"operations": ("Summ",)},
            "space: operations[0] is 'Summ', which is not an operation; did you mean 'Sum'?",
        ),
        ({"operations": ("Sum", "Sum")}, "space: operations[1] is 'Sum', which is there already"),
        (
            {"operations": ("LinearGLU",), "step_inputs": 3},
            "space: operations[0] is 'LinearGLU', which takes two inputs, but step_inputs is 3",
        ),
        (
            {"operations": ("MultiHeadAttention",), "representation": Representation(channels=5, length=4)},
            "space: operations[0] is 'MultiHeadAttention', whose default heads is 2, which does not divide the "
            "representation's 5 channels; 1, 5 would",
        ),
        ({"outputs_per_cell": 4}, "space: outputs_per_cell is 4, but a cell has 3 nodes: 2 inputs and 1 step"),
        ({"cells": 0}, "space: cells is 0: it should be greater than or equal to 1"),
        ({"cells": 10**6}, "space: cells is 1000000: it should be less than or equal to 64"),
        ({"step": 2}, "space: step is not a setting of a space; did you mean 'steps'?"),
        (
            {"count": 2, "features": (*features(2), Feature(name="Cell_1", modality="A"))},
            "space: cells[0].name is 'Cell_1', which an earlier cell or a feature has",
        ),
        (
            {"features": (*features(2), *features(1))},
            "space: features[2].name is 'F1', which an earlier feature has",
        ),
    ],
)
def test_a_space_that_cannot_be_is_refused_in_one_sentence(settings, sentence):
    count = settings.pop("count", 4)
    given = {"cells": 2, "steps": 1, "operations": ("Sum",), "representation": SHAPE, "features": features(count)}
    with pytest.raises(BmnasError) as error:
        Space(**{**given, **settings})
    assert str(error.value).startswith(sentence)


def test_the_largest_number_of_cells_is_allowed():
    for rules, count, cells in [
        (Rules(cells_read="features"), 3, 3),
        (Rules(cells_differ="new feature"), 3, 2),
        (Rules(), 2, 5),
    ]:
        assert small(count, cells=cells, rules=rules).count > 0


def test_the_space_needs_nothing_heavy():
    code = (
        "import sys, bmnas.genotype.space; print(sorted({'torch', 'numpy', 'networkx', 'graphviz'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "[]\n"
