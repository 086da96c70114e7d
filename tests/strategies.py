"""Generated genotypes: built from valid choices only, so every one of them is valid."""

from __future__ import annotations

from hypothesis import strategies as st

from bmnas.genotype import INPUT_NAMES, OPERATIONS, Cell, Feature, Genotype, Head, Representation, Step

LETTERS = st.characters(codec="utf-8", exclude_categories=["C", "Z"], include_characters=" ")
NAMES = st.text(LETTERS, min_size=1, max_size=12)


@st.composite
def genotypes(draw: st.DrawFn, names: st.SearchStrategy[str] = NAMES) -> Genotype:
    """Genotypes with one to five features, up to three cells of two to six inputs, up to four steps."""
    length = draw(st.sampled_from([1, 4, 6, 9]))
    channels = draw(st.integers(1, 6))
    dialect = draw(st.sampled_from(["official", "paper"]))
    chosen = draw(st.lists(names, min_size=1, max_size=8, unique=True))
    count = draw(st.integers(1, min(5, len(chosen))))
    features = tuple(draw(features_named(name, channels, length)) for name in chosen[:count])
    nodes = [feature.name for feature in features]
    cells: list[Cell] = []
    for name in chosen[count : count + 3]:
        cells.append(draw(cells_named(name, nodes, channels)))
        nodes.append(name)
    head = draw(st.none() | st.builds(Head, outputs=st.integers(1, 5)))
    return Genotype(
        name=draw(names),
        dialect=dialect,
        representation=Representation(channels=channels, length=length),
        features=features,
        cells=tuple(cells),
        output=tuple(draw(st.lists(st.sampled_from(nodes), min_size=1, max_size=3, unique=True))),
        join=draw(st.sampled_from(["concat", "sum"])) if head else "concat",
        head=head,
        members=draw(st.sampled_from([1] * 7 + [2])) if head else 1,
        dropout=draw(st.sampled_from([0.0, 0.1, 0.5])),
    )


@st.composite
def features_named(draw: st.DrawFn, name: str, channels: int, length: int) -> Feature:
    """A feature whose reshape fits the representation."""
    square = length in (1, 4, 9)
    reshape = draw(st.sampled_from(["sequence", "none"] + ["grid"] * square))
    own = channels if reshape == "none" else draw(st.integers(1, 7))
    modality, scale = draw(st.sampled_from(["A", "B", "C"])), draw(st.sampled_from(["none", "none", "one", "each"]))
    return Feature(name=name, modality=modality, channels=own, reshape=reshape, scale=scale)


@st.composite
def cells_named(draw: st.DrawFn, name: str, nodes: list[str], channels: int = 1) -> Cell:
    """A cell that reads some of the nodes."""
    inputs = tuple(draw(st.lists(st.sampled_from(nodes), min_size=2, max_size=draw(st.sampled_from([2, 3, 3, 6])))))
    inner = list(INPUT_NAMES[: len(inputs)])
    steps = []
    for number in range(1, draw(st.integers(0, 4)) + 1):
        steps.append(draw(steps_named(f"Step_{number}", inner, channels)))
        inner.append(f"Step_{number}")
    output = tuple(draw(st.lists(st.sampled_from(inner), min_size=1, max_size=3, unique=True)))
    return Cell(name=name, inputs=inputs, steps=tuple(steps), output=output)


@st.composite
def steps_named(draw: st.DrawFn, name: str, nodes: list[str], channels: int = 1) -> Step:
    """A step that reads some of the nodes, with any operation and options that fit the channels."""
    op = draw(st.sampled_from(list(OPERATIONS)))
    least, most = OPERATIONS[op].arity
    reads = draw(st.lists(st.sampled_from(nodes), min_size=least, max_size=most or 5))
    options = {}
    if op == "MultiHeadAttention":
        options["heads"] = draw(st.sampled_from([n for n in range(1, channels + 1) if channels % n == 0]))
    return Step(name=name, op=op, inputs=tuple(reads), **options)
