"""What an encoder-decoder network consists of and costs: nothing is built, torch is not imported.

Counted as in `bmnas.compiler.summary`, for one sample whose inputs have all their positions.
"""

from __future__ import annotations

from bmnas.compiler.stacks.sizes import default_hidden
from bmnas.compiler.summary import Node, Summary
from bmnas.errors import BmnasError
from bmnas.genotype.stacks import BLOCKS, Block, StackGenotype
from bmnas.genotype.stacks.canonical import completed, has_relations, used_inputs, used_stacks


def summarise_stacks(genotype: StackGenotype) -> Summary:
    """Count without building. What the genotype leaves to a task counts as 1.

    Raises:
        BmnasError: an operation from outside the package, which would have to be built to be counted.
    """
    width, used = genotype.width, used_stacks(genotype)
    nodes = [_begin(genotype, name) for name in used_inputs(genotype)]
    nodes += [_relations(genotype, name) for name in used_inputs(genotype) if has_relations(genotype, name)]
    for name in used:
        stack = genotype.stack(name)
        length = genotype.input(stack.reads).length
        memory = genotype.input(genotype.stack(stack.memory).reads).length if stack.memory else 0
        for number, block in enumerate(stack.blocks):
            before = f"block {number - 1}" if number else stack.reads
            seen = [before, *([stack.memory] if BLOCKS.find(block.op).reads == "memory" and stack.memory else [])]
            nodes.append(Node(f"{name}[{number}]", block.op, tuple(seen), *_block(genotype, block, length, memory)))
    nodes += _end(genotype)
    parameters = sum(node.parameters for node in nodes)
    multiply_adds = sum(node.multiply_adds for node in nodes)
    activations = sum(node.activations for node in nodes)
    ends = [genotype.input(genotype.stack(name).reads).length for name in genotype.output]
    shape: tuple[str | int, ...] = {
        "answer": ("batch", genotype.head.outputs or "answers"),
        "match": ("batch",),
        "ground": ("batch", ends[-1], 5),
        None: ("batch", 2 * width),
    }[genotype.head.task]
    unused = [each.name for each in genotype.inputs if each.name not in used_inputs(genotype)]
    unused += [each.name for each in genotype.stacks if each.name not in used]
    peak = max(node.activations for node in nodes)
    return Summary(genotype.name, tuple(nodes), parameters, multiply_adds, activations, peak, shape, tuple(unused))


def _begin(genotype: StackGenotype, name: str) -> Node:
    each, width = genotype.input(name), genotype.width
    if each.tokens is None:
        channels = each.channels or 1
        return Node(name, "linear", (), channels * width + width, each.length * channels * width, each.length * width)
    inside = 4 * width * (each.tokens + width)
    parameters = (each.vocabulary or 1) * each.tokens + inside + 8 * width
    numbers = each.length * (each.tokens + 6 * width)
    return Node(name, "word vectors, LSTM", (), parameters, each.length * inside, numbers)


def _relations(genotype: StackGenotype, name: str) -> Node:
    numbers, pairs = (6 if genotype.dialect == "signed" else 4), genotype.input(name).length ** 2
    size = genotype.relation_width
    return Node(
        f"{name}.boxes", "relations", (), (numbers + 1) * size, pairs * numbers * size, pairs * (numbers + size)
    )


def _block(genotype: StackGenotype, block: Block, n: int, memory: int) -> tuple[int, int, int]:
    """Parameters, multiply-adds and activations of a block."""
    width, own, operation = genotype.width, completed(genotype, block), BLOCKS.find(block.op)
    norm = 2 * width
    if operation.build is not None:
        raise BmnasError(f"the operation of blocks {block.op!r} is from outside the package: it is not counted")
    if block.op == "Identity":
        return 0, 0, 0
    if "head_width" in own:
        m, heads = (memory if operation.reads == "memory" else n), width // own["head_width"]
        bias = 4 * width if genotype.dialect == "openvqa" else 0
        relation = (genotype.relation_width + 1) * heads if operation.reads == "relations" else 0
        products = 2 * n * width * width + 2 * m * width * width + 2 * n * m * width
        products += n * n * genotype.relation_width * heads if relation else 0
        return 4 * width * width + bias + relation + norm, products, 2 * (n + m) * width + heads * n * m + 2 * n * width
    if block.op == "FeedForward":
        inner = own["factor"] * width
        return 2 * width * inner + inner + width + norm, 2 * n * width * inner, n * (2 * inner + 2 * width)
    if block.op == "GatedLinear":
        return 2 * width * width + 2 * width + norm, 2 * n * width * width, 4 * n * width
    kernel = own["kernel"]
    return width * kernel + width + width * width + width + norm, n * width * (kernel + width), 3 * n * width


def _end(genotype: StackGenotype) -> list[Node]:
    width, task = genotype.width, genotype.head.task
    hidden, twice = default_hidden(width), 2 * genotype.width
    lengths = [genotype.input(genotype.stack(name).reads).length for name in genotype.output]
    reduced = lengths[:-1] if task == "ground" else lengths
    parameters = len(reduced) * (width * hidden + 2 * hidden + 1 + width * twice + twice) + 2 * twice
    products = sum(n * width * hidden + n * hidden + n * width for n in reduced) + len(reduced) * width * twice
    positions = lengths[-1] if task == "ground" else 1
    if task == "ground":
        parameters += width * twice + twice
        products += positions * width * twice
    what = "reduce, add, layer norm" if len(lengths) > 1 else "reduce, layer norm"
    numbers = sum(n * 2 * hidden for n in reduced) + 2 * positions * twice
    nodes = [Node("output", what, tuple(genotype.output), parameters, products, numbers)]
    outputs = {"answer": genotype.head.outputs or 1, "match": 1, "ground": 5}.get(task or "")
    if outputs is not None:
        cost = positions * twice * outputs
        nodes.append(Node("head", f"linear: {task}", ("output",), twice * outputs + outputs, cost, positions * outputs))
    return nodes
