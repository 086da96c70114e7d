"""`StackNetwork`: an encoder-decoder genotype as a torch module."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from bmnas.compiler.plan.names import distinct
from bmnas.compiler.stacks.blocks import Sight, block_module
from bmnas.compiler.stacks.layers import BoxRelations, Reduction, TokenNorm
from bmnas.compiler.stacks.sizes import default_hidden
from bmnas.errors import BmnasError, did_you_mean
from bmnas.genotype.stacks import BLOCKS, SequenceInput, StackGenotype
from bmnas.genotype.stacks.canonical import has_relations, looks_at_memory, used_inputs, used_stacks


class SequenceError(BmnasError, ValueError):
    """The inputs given to an encoder-decoder network are not those of its genotype."""


class StackNetwork(nn.Module):
    """An encoder-decoder network.

    Args:
        genotype: complete: with the vocabulary, the channels and the outputs.
        hidden: numbers inside the reductions; what `default_hidden` says if left out.

    Attributes:
        genotype: as given.
        inputs: names of the tensors that it is given.

    Raises:
        BmnasError: the genotype leaves something to a task.
    """

    def __init__(self, genotype: StackGenotype, *, hidden: int | None = None) -> None:
        super().__init__()
        refuse_incomplete(genotype)
        self.genotype = genotype
        self._order, self._read = used_stacks(genotype), used_inputs(genotype)
        self._keys = dict(zip(genotype_names := _names(genotype), distinct(genotype_names), strict=True))
        self.begins = nn.ModuleDict({self._keys[name]: _begin(genotype, genotype.input(name)) for name in self._read})
        self._related = [name for name in self._read if has_relations(genotype, name)]
        self.relations = nn.ModuleDict(
            {
                self._keys[name]: BoxRelations(genotype.relation_width, signed=genotype.dialect == "signed")
                for name in self._related
            }
        )
        self.stacks = nn.ModuleDict(
            {
                self._keys[name]: nn.ModuleList(block_module(genotype, each) for each in genotype.stack(name).blocks)
                for name in self._order
            }
        )
        self.head = StackEnd(genotype, hidden or default_hidden(genotype.width))
        self._cut = frozenset(name for name in self._read if _can_be_cut(genotype, name))
        self.inputs = (*self._read, *(f"{name}.boxes" for name in self._related))

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """What the head says of a batch.

        Args:
            inputs: by name: of a text (B, T), whole numbers, 0 behind the last word; of vectors (B, R, C), zeros where
                there is none; ``NAME.boxes`` (B, R, 4), x1, y1, x2, y2 in pixels. T and R are at most the lengths
                of the genotype. What it does not read may be there, too.

        Returns:
            See `bmnas.genotype.stacks.StackHead`.

        Raises:
            SequenceError: an input is missing, or of another shape.
        """
        exporting = torch.compiler.is_exporting() or torch.compiler.is_compiling()
        if not exporting:
            self._check(inputs)
            inputs = self._trimmed(inputs)
        ends: dict[str, Tensor] = {}
        padding = {name: self._padding(name, inputs[name]) for name in self._read}
        begun = {name: self.begins[self._keys[name]](inputs[name]) for name in self._read}
        relations = {
            name: self.relations[self._keys[name]](inputs[f"{name}.boxes"].to(begun[name].dtype), padding[name])
            for name in self._related
        }
        for name in self._order:
            stack = self.genotype.stack(name)
            memory = stack.memory if looks_at_memory(self.genotype, name) else None
            sight = Sight(
                padding[stack.reads],
                None if memory is None else ends[memory],
                None if memory is None else padding[self.genotype.stack(memory).reads],
                relations.get(stack.reads),
            )
            x = begun[stack.reads]
            for block in self._blocks(name):
                x = block(x, sight)
            ends[name] = x
        return self.head([(ends[name], padding[self.genotype.stack(name).reads]) for name in self.genotype.output])

    def _blocks(self, stack: str) -> nn.ModuleList:
        blocks = self.stacks[self._keys[stack]]
        assert isinstance(blocks, nn.ModuleList)
        return blocks

    def _padding(self, name: str, x: Tensor) -> Tensor:
        return x == 0 if self.genotype.input(name).tokens is not None else (x == 0).all(-1)

    def _trimmed(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Without positions that are padding in all samples, of which the outputs say nothing.

        A sample that is padding throughout is averaged over all its positions, so then nothing is cut; nor where each
        region has an output, or an operation sees padding, as a convolution does.
        """
        found = dict(inputs)
        for name in self._read:
            if name not in self._cut:
                continue
            there = ~self._padding(name, inputs[name])
            if not bool(there.any(1).all()):
                continue
            length = int(there.any(0).nonzero().max()) + 1
            if length < there.shape[1]:
                found[name] = inputs[name][:, :length]
                if f"{name}.boxes" in found:
                    found[f"{name}.boxes"] = found[f"{name}.boxes"][:, :length]
        return found

    def _check(self, inputs: Mapping[str, Tensor]) -> None:
        if not isinstance(inputs, Mapping):
            raise SequenceError(f"the inputs are a {type(inputs).__name__}, but should be given by name: {self._needs}")
        for name in self.inputs:
            if name not in inputs:
                raise SequenceError(f"the input {name!r} is missing; the network needs {self._needs}")
        known = {
            name for each in self.genotype.inputs for name in (each.name, f"{each.name}.boxes", f"{each.name}.image")
        }
        for name in inputs:
            if name not in known:
                raise SequenceError(f"{name!r} is not an input of the genotype{did_you_mean(str(name), sorted(known))}")
        for name in self._read:
            self._check_one(self.genotype.input(name), inputs[name], inputs.get(f"{name}.boxes"))

    def _check_one(self, each: SequenceInput, x: Tensor, boxes: Tensor | None) -> None:
        what, shape = f"the input {each.name!r}", tuple(x.shape)
        if each.tokens is not None:
            if x.dim() != 2 or x.is_floating_point():
                raise SequenceError(
                    f"{what} has shape {shape} and type {x.dtype}, but a text is (batch, words) of int64"
                )
            if x.numel() and (int(x.min()) < 0 or int(x.max()) >= int(each.vocabulary or 0)):
                worst = int(x.max()) if int(x.min()) >= 0 else int(x.min())
                raise SequenceError(
                    f"{what} has the word {worst}, but the vocabulary has 0 to {(each.vocabulary or 1) - 1}"
                )
        elif x.dim() != 3 or x.shape[2] != each.channels:
            raise SequenceError(f"{what} has shape {shape}, but should have (batch, positions, {each.channels})")
        if shape[1] > each.length or shape[1] < 1:
            raise SequenceError(f"{what} has {shape[1]} positions, but the genotype has 1 to {each.length}")
        if each.name in self._related and boxes is not None and tuple(boxes.shape) != (*shape[:2], 4):
            raise SequenceError(
                f"the input '{each.name}.boxes' has shape {tuple(boxes.shape)}, but should have {(*shape[:2], 4)}"
            )

    @property
    def _needs(self) -> str:
        return ", ".join(self.inputs)


class StackEnd(nn.Module):
    """The ends of the stacks as outputs, see `bmnas.genotype.stacks.StackHead`.

    Args:
        genotype: says the head, the width and how many ends there are.
        hidden: numbers inside the reductions.
    """

    def __init__(self, genotype: StackGenotype, hidden: int) -> None:
        super().__init__()
        width, count = genotype.width, len(genotype.output)
        self.task = genotype.head.task
        reduced = count - 1 if self.task == "ground" else count
        self.reductions = nn.ModuleList(Reduction(width, hidden, genotype.dropout) for _ in range(reduced))
        self.regions = nn.Linear(width, 2 * width) if self.task == "ground" else None
        self.norm = TokenNorm(2 * width)
        outputs = {"answer": genotype.head.outputs, "match": 1, "ground": 1}.get(self.task or "")
        self.linear = None if outputs is None else nn.Linear(2 * width, outputs)
        self.change = nn.Linear(2 * width, 4) if self.task == "ground" else None

    def forward(self, ends: list[tuple[Tensor, Tensor]]) -> Tensor:
        """Of each stack its end (B, n, H) and where that is padding (B, n)."""
        whole = ends[: len(self.reductions)]
        vectors = [reduce(x, padding) for reduce, (x, padding) in zip(self.reductions, whole, strict=True)]
        total = torch.stack(vectors).sum(0) if vectors else None
        if self.regions is not None:
            assert self.linear is not None
            assert self.change is not None
            each = self.regions(ends[-1][0])
            normed = self.norm(each if total is None else total[:, None] + each)
            return torch.cat([self.linear(normed), self.change(normed)], -1)
        assert total is not None
        normed = self.norm(total)
        if self.linear is None:
            return normed
        out: Tensor = self.linear(normed)
        return out.squeeze(-1) if self.task == "match" else out


class TextBegin(nn.Module):
    """Words as word vectors, then an LSTM over all positions, padding too; started at 0."""

    def __init__(self, vocabulary: int, tokens: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, tokens)
        self.lstm = nn.LSTM(tokens, width, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T) to (B, T, H)."""
        out: Tensor = self.lstm(self.embedding(x))[0]
        return out


def compile_stacks(genotype: StackGenotype) -> StackNetwork:
    """The network of a genotype, with fresh weights.

    Raises:
        BmnasError: the genotype leaves something to a task.
    """
    return StackNetwork(genotype)


def refuse_incomplete(genotype: StackGenotype) -> None:
    """Refuse a genotype that leaves something to a task.

    Raises:
        BmnasError: which it is.
    """
    for i, each in enumerate(genotype.inputs):
        key = "channels" if each.tokens is None else "vocabulary"
        if each.name in used_inputs(genotype) and getattr(each, key) is None:
            raise BmnasError(
                f"{genotype.name}: inputs[{i}].{key} is missing: give the {key} of {each.name!r}, or a task that has it"
            )
    if genotype.head.task == "answer" and genotype.head.outputs is None:
        raise BmnasError(f"{genotype.name}: head.outputs is missing: give the number of answers, or a task that has it")


def _begin(genotype: StackGenotype, each: SequenceInput) -> nn.Module:
    if each.tokens is not None:
        assert each.vocabulary is not None
        return TextBegin(each.vocabulary, each.tokens, genotype.width)
    assert each.channels is not None
    return nn.Linear(each.channels, genotype.width)


def _can_be_cut(genotype: StackGenotype, name: str) -> bool:
    """Whether padding behind all samples of an input makes no difference."""
    if genotype.head.task == "ground" and genotype.input(name).tokens is None:
        return False
    blocks = [block for stack in genotype.stacks if stack.reads == name for block in stack.blocks]
    return all(block.op != "DepthwiseConv" and BLOCKS.find(block.op).build is None for block in blocks)


def _names(genotype: StackGenotype) -> list[str]:
    """Of inputs and stacks, each once."""
    return list(dict.fromkeys([*(each.name for each in genotype.inputs), *(each.name for each in genotype.stacks)]))
