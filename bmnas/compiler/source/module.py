"""The whole file: helpers, a class for each kind of block, a class for each cell, the network.

Of an ensemble, the network of one member has a class of its own, and the network has the members.
"""

from __future__ import annotations

from collections.abc import Iterable

from bmnas.compiler.passes.drop_unused import drop_unused
from bmnas.compiler.passes.lower import lower_alone
from bmnas.compiler.passes.resolve import resolve_member
from bmnas.compiler.plan.blocks import ReshapedFeature
from bmnas.compiler.plan.names import module_names, where
from bmnas.compiler.plan.plan import Op
from bmnas.compiler.plan.primitives import Foreign, Input, Scale, Shape
from bmnas.compiler.source.block import Block, class_body, inline, line, shown
from bmnas.compiler.source.expressions import HELPERS
from bmnas.compiler.source.identifiers import class_name, identifiers, quoted
from bmnas.compiler.source.words import in_words
from bmnas.errors import BmnasError
from bmnas.genotype import INPUT_NAMES, Cell, Genotype, Step
from bmnas.genotype.graph import OUTPUT, Node, used_nodes


def to_source(genotype: Genotype) -> str:
    """The network of a genotype as readable source that needs torch alone.

    Raises:
        GenotypeError: a used feature's channels are not known.
        BmnasError: a step's operation is from outside the package; it names the step.
    """
    return _Source(genotype).text()


class _Source:
    def __init__(self, genotype: Genotype) -> None:
        self.genotype = genotype
        self.modules = module_names(genotype)
        self.used = used_nodes(genotype)
        self.plan = drop_unused(resolve_member(genotype))
        self.classes: dict[str, str] = {}  # body -> name
        self.definitions: list[str] = []
        self.class_names = {name[:-1] for name in HELPERS} | ({"Member"} if genotype.members > 1 else set())
        nodes = [*self._features(), *(cell.name for cell in self._cells())]
        self.variables = identifiers(nodes, self.class_names)

    def text(self) -> str:
        """All of it."""
        network = self._network() if self.genotype.members == 1 else self._ensemble()
        body = "\n\n".join([*self.definitions, network, _LOAD])  # each begins with an empty line
        helpers = [text.strip("\n") for use, text in HELPERS.items() if use in body]
        return "\n\n\n".join([self._head(), *helpers, body.strip("\n")]).replace("\n\n\n\n", "\n\n\n") + "\n"

    def _head(self) -> str:
        size = self.genotype.representation
        return _HEAD.format(channels=size.channels, length=size.length, dialect=self.genotype.dialect)

    def _network(self) -> str:
        shape, body = self._fused()
        about = f"Features by name -> {shown(shape)}."
        return "\n".join([*self._beginning("Network", about), *self._names(), *body])

    def _ensemble(self) -> str:
        shape, body = self._fused()
        about = f"Features by name -> {shown(shape)}"
        count = self.genotype.members
        member = "\n".join([*self._beginning("Member", f"{about}: one of {count} networks."), *body])
        network = [
            *self._beginning("Network", f"{about}: the mean of {count} networks."),
            *self._names(),
            "    def __init__(self):",
            "        super().__init__()",
            f"        self.members = nn.ModuleList([Member() for _ in range({count})])",
            "",
            "    def forward(self, features):",
            "        outputs = [member(features) for member in self.members]",
            line("return torch.stack(outputs).mean(0)", shape),
        ]
        return f"{member}\n\n" + "\n".join(network)

    def _beginning(self, name: str, about: str) -> list[str]:
        return ["", f"class {name}(nn.Module):", f'    """{about}"""', ""]

    def _names(self) -> list[str]:
        """What a network is called, and the features that it needs."""
        features = [f"        {quoted(name)}: {self._channels(name)}," for name in self._features()]
        start = [f"    name = {quoted(self.genotype.name)}", "    features = {"]
        return [*start, *features, "    }  # their channels", ""]

    def _fused(self) -> tuple[Shape, list[str]]:
        """The shape of one network's result, and what makes and computes it."""
        made, forward = [], []
        for name in self._reshaped():
            constructor, statement = self._feature(name)
            made.append(("reshapes", constructor))
            forward.append(statement)
        for cell in self._cells():
            made.append(("cells", self._cell(cell)))
            inputs = [self.variables[source] for _, source in self._inputs(cell)]
            call = f"self.cells[{quoted(self._key(('cell', cell.name)))}]({', '.join(inputs)})"
            forward.append(line(f"{self.variables[cell.name]} = {call}", self._shape()))
        is_raw = self.genotype.join == "sum"
        outputs = [
            f"features[{quoted(name)}]" if is_raw and name in self._features() else self.variables[name]
            for name in self.genotype.output
        ]
        block = self._block(self.plan[OUTPUT])
        if block.has_modules:
            made.append(("", f"self.output = {self._class_of(block, 'Output', _letters(len(outputs)))}()"))
            forward.append(line(f"return self.output({', '.join(outputs)})", block.shape()))
        else:
            forward.append(line(f"return {inline(block, outputs).text}", block.shape()))
        lines = ["    def __init__(self):", "        super().__init__()", *_dictionaries(made)]
        return block.shape(), [*lines, "", "    def forward(self, features):", *forward]

    def _feature(self, name: str) -> tuple[str, str]:
        """What makes its module, and the statement that calls it."""
        block = self._block(self.plan["feature", name])
        given = f"features[{quoted(name)}]"
        variable = self.variables[name]
        if not block.has_modules:
            return "", line(f"{variable} = {inline(block, [given]).text}", block.shape())
        key = quoted(self._key(("feature", name)))
        made = f"{key}: {self._class_of(block, 'Reshape', ['feature'])}({self._channels(name)})"
        return made, line(f"{variable} = self.reshapes[{key}]({given})", block.shape())

    def _cell(self, cell: Cell) -> str:
        """Writes the class of a cell; returns what makes it."""
        names = [inner for inner, _ in self._inputs(cell)]
        steps = [step for step in cell.steps if ("step", cell.name, step.name) in self.used]
        variables = {name: name for name in names} | identifiers((step.name for step in steps), INPUT_NAMES)
        made, forward = [], []
        for step in steps:
            block = self._block(self.plan["step", cell.name, step.name])
            reads = [variables[name] for name in step.inputs]
            if block.has_modules:
                key = quoted(self._key(("step", cell.name, step.name)))
                made.append(("steps", f"{key}: {self._class_of(block, step.op, _letters(len(reads), 'xyzwvu'))}()"))
                forward.append(line(f"{variables[step.name]} = self.steps[{key}]({', '.join(reads)})", block.shape()))
            else:
                forward.append(line(f"{variables[step.name]} = {inline(block, reads).text}", block.shape()))
        end = self._block(self.plan["cell", cell.name])
        reads = [variables[name] for name in cell.output]
        inputs = _letters(len(reads))
        if self.genotype.dialect == "official":
            reads, inputs = [*reads, "x"], [*inputs, "x"]
        if end.has_modules:
            made.append(("", f"self.output = {self._class_of(end, 'CellOutput', inputs)}()"))
            forward.append(line(f"return self.output({', '.join(reads)})", end.shape()))
        else:
            forward.append(line(f"return {inline(end, reads).text}", end.shape()))
        own = class_name(cell.name, self.class_names)
        lines = ["", f"class {own}(nn.Module):"]
        if made:
            lines += ["    def __init__(self):", "        super().__init__()", *_dictionaries(made), ""]
        lines += [f"    def forward({', '.join(['self', *names])}):", *forward]
        self.definitions.append("\n".join(lines))
        return f"{quoted(self._key(('cell', cell.name)))}: {own}()"

    def _class_of(self, block: Block, wish: str, inputs: list[str]) -> str:
        """The class of blocks of this kind; written when it is first needed."""
        body = class_body(block, inputs, self._about(block))
        if body not in self.classes:
            self.classes[body] = class_name(wish, self.class_names)
            self.definitions.append(f"\nclass {self.classes[body]}(nn.Module):\n{body}")
        return self.classes[body]

    def _about(self, block: Block) -> str:
        """What a block computes, in words."""
        official = self.genotype.dialect == "official"
        match block.ops[0].place:
            case ("step", cell, name):
                step = next(each for each in self._steps(cell) if each.name == name)
                return " ".join(in_words(step.op, self.genotype.dialect).split())
            case ("feature", _):
                then = ", batch norm, ReLU, dropout" if official else ", dropout"
                scaled = ", scaling" if any(isinstance(op.primitive, Scale) for op in block.ops) else ""
                return f"Pooling{scaled}, 1x1 convolution{then}: (B, channels, ...) -> {shown(block.shape())}."
            case ("cell", _):
                several = sum(isinstance(op.primitive, Input) for op in block.ops) > 1 + official
                reduced = "its output nodes, concatenated and reduced" if several else "its output node"
                return f"The end of a cell: {reduced}{', + x, layer norm' if official else ''}."
        if self.genotype.join == "sum":
            return "The end of the network: the sum of a linear head for each node; those of cells begin as zero."
        parts = ["its nodes concatenated", *["layer norm, ReLU"] * official, "flattened"]
        return f"The end of the network: {', '.join([*parts, *['linear'] * (self.genotype.head is not None)])}."

    def _steps(self, name: str) -> tuple[Step, ...]:
        return next(cell.steps for cell in self.genotype.cells if cell.name == name)

    def _block(self, op: Op) -> Block:
        alone = lower_alone(op)
        for each in alone:
            if isinstance(each.primitive, Foreign):
                raise BmnasError(
                    f"{where(self.genotype, op.place)} cannot be written as source: {each.primitive.op} is an "
                    "operation from outside the package, of which bmnas knows the module but not the source"
                )
        return Block(alone.ops, alone.output, self.modules.get(op.place, ""))

    def _inputs(self, cell: Cell) -> Iterable[tuple[str, str]]:
        """The inputs of a cell that something reads: name inside, node outside."""
        for inner, source in zip(INPUT_NAMES, cell.inputs, strict=False):
            if ("input", cell.name, inner) in self.used:
                yield inner, source

    def _reshaped(self) -> list[str]:
        """The features that cells read, or an output that concatenates."""
        there = {op.place for op in self.plan if isinstance(op.primitive, ReshapedFeature)}
        return [name for name in self._features() if ("feature", name) in there]

    def _features(self) -> list[str]:
        return [each.name for each in self.genotype.features if ("feature", each.name) in self.used]

    def _cells(self) -> list[Cell]:
        return [cell for cell in self.genotype.cells if ("cell", cell.name) in self.used]

    def _channels(self, name: str) -> int:
        feature = self.genotype.feature(name)
        own = self.genotype.representation.channels if feature.reshape == "none" else feature.channels
        assert own is not None, "resolve would have refused it"
        return own

    def _key(self, node: Node) -> str:
        """The name of the node's module among those of its kind."""
        parts = self.modules[node].split(".")
        return parts[-1] if node[0] in ("feature", "step") else parts[1]

    def _shape(self) -> tuple[int, int]:
        return self.genotype.representation.channels, self.genotype.representation.length


def _letters(count: int, names: str = "abcdefghij") -> list[str]:
    """Names for the inputs of a class that several may use."""
    return list(names[:count]) if count <= len(names) else [f"node_{i}" for i in range(1, count + 1)]


def _dictionaries(made: list[tuple[str, str]]) -> list[str]:
    """The statements that make submodules, those of one dictionary together."""
    lines = []
    for group in dict.fromkeys(group for group, _ in made):
        members = [text for other, text in made if other == group and text]
        if not group:
            lines += [f"        {text}" for text in members]
        elif members:
            lines += [f"        self.{group} = nn.ModuleDict(", "            {"]
            lines += [f"                {text}," for text in members]
            lines += ["            }", "        )"]
    return lines


_HEAD = '''"""A multimodal fusion network. Needs torch alone.

B batch, C = {channels} channels, L = {length} positions; nodes are (B, C, L). {dialect} dialect of the genotype.

    network = Network()               # fresh weights
    network = load("weights.pt")      # trained ones, for inference
    out = network({{name: tensor, ...}})  # each feature (B, channels, ...)
"""

import torch
import torch.nn.functional as F
from torch import nn'''

_LOAD = '''
def load(path):
    """The network with the weights of a file that `torch.save` wrote, in eval mode."""
    network = Network()
    network.load_state_dict(torch.load(path, weights_only=True), assign=True)
    return network.eval()'''
