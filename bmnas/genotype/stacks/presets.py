"""Encoder-decoder networks that the literature has names for, as genotypes.

Each function takes two inputs, a text and regions, and what a network needs besides (`Frame`, as keywords). A layer of
an encoder or a decoder is two or three blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from bmnas.errors import BmnasError
from bmnas.genotype.stacks.schema import SequenceInput
from bmnas.genotype.stacks.space import DECODER_POOL, ENCODER_POOL, StackSpace
from bmnas.genotype.stacks.value import StackGenotype, from_dict
from bmnas.table import Table

SA, GA, RSA, FFN = "SelfAttention", "GuidedAttention", "RelationAttention", "FeedForward"


@dataclass(frozen=True)
class Frame:
    """What a network needs besides inputs and blocks; the sizes are those of MMnas for answering.

    Attributes:
        width: H.
        head_width: d of each head.
        relation_width: numbers that a relation becomes.
        dropout: the rate.
        dialect: see `bmnas.genotype.stacks.StackGenotype`.
        task: of the head: ``answer``, ``match``, ``ground``, or ``None``.
        outputs: of a head for answers.
        layers: of the encoder, and of the decoder.
    """

    width: int = 512
    head_width: int = 64
    relation_width: int = 64
    dropout: float = 0.1
    dialect: str = "official"
    task: str | None = "answer"
    outputs: int | None = None
    layers: int = 6


def mcan(inputs: Sequence[SequenceInput], **frame: Any) -> StackGenotype:
    """MCAN (Yu et al., CVPR 2019): layers of self-attention; the decoder's look at the encoder's end."""
    return _of("mcan", inputs, (SA, FFN), (SA, GA, FFN), frame)


def mcan_rsa(inputs: Sequence[SequenceInput], **frame: Any) -> StackGenotype:
    """MCAN with relations of boxes in place of the decoder's self-attention: where the search of MMnas begins."""
    return _of("mcan-rsa", inputs, (SA, FFN), (RSA, GA, FFN), frame)


def transformer(inputs: Sequence[SequenceInput], **frame: Any) -> StackGenotype:
    """A stack of self-attention for each input (Vaswani et al., NIPS 2017), which meet in the head alone."""
    return _of("transformer", inputs, (SA, FFN), (SA, FFN), frame, guided=False)


def random(inputs: Sequence[SequenceInput], *, seed: int = 0, **frame: Any) -> StackGenotype:
    """A genotype drawn from the space of MMnas: as many blocks as the preset mcan has, from its pools."""
    own = _frame(frame)
    _, regions = _two(inputs)
    pool = DECODER_POOL if regions.boxes else tuple(op for op in DECODER_POOL if op != RSA)
    base = mcan(inputs, **frame).replace(name="random")
    space = StackSpace(base=base, pools=((ENCODER_POOL,) * (2 * own.layers), (pool,) * (3 * own.layers)))
    return space.random(Random(seed))


PRESETS: Table[Callable[..., StackGenotype]] = Table(
    "preset of encoder-decoder networks",
    [mcan, mcan_rsa, transformer, random],
    name=lambda preset: preset.__name__.replace("_", "-"),
)


def _of(
    name: str,
    inputs: Sequence[SequenceInput],
    encoder: Sequence[str],
    decoder: Sequence[str],
    frame: dict[str, Any],
    guided: bool = True,
) -> StackGenotype:
    own = _frame(frame)
    text, regions = _two(inputs)
    memory = {"memory": "Encoder"} if guided else {}
    data = {
        "kind": "encoder-decoder",
        "name": name,
        "dialect": own.dialect,
        "width": own.width,
        "head_width": own.head_width,
        "relation_width": own.relation_width,
        "dropout": own.dropout,
        "inputs": [text.model_dump(), regions.model_dump()],
        "stacks": [
            {"name": "Encoder", "reads": text.name, "blocks": [*encoder] * own.layers},
            {"name": "Decoder", "reads": regions.name, **memory, "blocks": [*decoder] * own.layers},
        ],
        "head": {"task": own.task, **({"outputs": own.outputs} if own.task == "answer" else {})},
    }
    return from_dict(data, name)


def _frame(given: dict[str, Any]) -> Frame:
    kept: dict[str, Any] = {key: value for key, value in given.items() if value is not None or key == "task"}
    return Frame(**kept)


def _two(inputs: Sequence[SequenceInput]) -> tuple[SequenceInput, SequenceInput]:
    """The text, or what is read first, and the regions.

    Raises:
        BmnasError: they are not two.
    """
    if len(inputs) != 2:
        raise BmnasError(f"a preset of encoder-decoder networks has two inputs, a text and regions, not {len(inputs)}")
    first, second = inputs
    return (first, second) if second.tokens is None else (second, first)
