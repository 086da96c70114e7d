"""The hypernet of encoder-decoder networks: each block has all operations of its pool, of which one is drawn in a step.

The binary gates of ProxylessNAS (Cai et al., ICLR 2019) as MMnas uses them. In a weight step the drawn operation alone
is computed. In an architecture step all are, but those that are not drawn without a graph: their outputs are needed for
the gradient of their gates, while inputs and weights get theirs through the drawn path alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from bmnas.compiler.stacks.blocks import Sight, block_module
from bmnas.compiler.stacks.network import StackNetwork
from bmnas.genotype.stacks import Block, StackGenotype
from bmnas.genotype.stacks.space import StackSpace

Mode = Literal["one", "full"]


class MixedBlock(nn.Module):
    """A block of the hypernet.

    Args:
        genotype: gives the sizes.
        pool: operations.

    Attributes:
        drawn: which operation of the pool is.
        mode: ``one``: the drawn one alone is computed; ``full``: all of them, for the gradient of the gates.
        gate: in mode ``full`` 1 for the drawn operation, 0 for the others, (P,), with a gradient.
    """

    def __init__(self, genotype: StackGenotype, pool: Sequence[str]) -> None:
        super().__init__()
        self.operations = nn.ModuleList(block_module(genotype, Block(op=op)) for op in pool)
        self.drawn = 0
        self.mode: Mode = "one"
        self.gate: Tensor | None = None

    def forward(self, x: Tensor, sight: Sight) -> Tensor:
        """(B, n, H) to (B, n, H)."""
        drawn: Tensor = self.operations[self.drawn](x, sight)
        if self.mode == "one":
            return drawn
        with torch.no_grad():
            outputs = [
                drawn.detach() if number == self.drawn else each(x, sight)
                for number, each in enumerate(self.operations)
            ]
        gate = torch.zeros(len(outputs), dtype=x.dtype, device=x.device)
        gate[self.drawn] = 1
        self.gate = gate.requires_grad_()
        undrawn = torch.stack([out for number, out in enumerate(outputs) if number != self.drawn], -1)
        others = [number for number in range(len(outputs)) if number != self.drawn]
        return drawn * self.gate[self.drawn] + undrawn @ self.gate[others]


class StackHypernet(StackNetwork):
    """All networks of a space as one, with shared weights.

    Args:
        space: of which operations each block chooses.
        hidden: see `StackNetwork`.

    Attributes:
        alpha: of each block, (P,): the logits of its operations.
    """

    def __init__(self, space: StackSpace, *, hidden: int | None = None) -> None:
        # With each operation of the pools once: so all that blocks may look at is there.
        every = [
            {
                **stack.model_dump(exclude={"blocks"}),
                "blocks": list(dict.fromkeys(op for pool in pools for op in pool)),
            }
            for stack, pools in zip(space.base.stacks, space.pools, strict=True)
        ]
        super().__init__(space.base.replace(stacks=every), hidden=hidden)
        self.space = space
        for stack, pools in zip(space.base.stacks, space.pools, strict=True):
            key = self._keys[stack.name]
            self.stacks[key] = nn.ModuleList(MixedBlock(space.base, pool) for pool in pools)
        self.alpha = nn.ParameterList(nn.Parameter(torch.zeros(len(block.operations))) for block in self.blocks())

    def blocks(self) -> Iterator[MixedBlock]:
        """All blocks, in the order of the space's digits."""
        for stack in self.space.base.stacks:
            for block in self._blocks(stack.name):
                assert isinstance(block, MixedBlock)
                yield block

    def weights(self) -> list[nn.Parameter]:
        """All parameters but alpha."""
        return [each for name, each in self.named_parameters() if not name.startswith("alpha.")]

    def choose(self, digits: Sequence[int], mode: Mode = "one") -> None:
        """Say which operation of each block is drawn."""
        for block, digit in zip(self.blocks(), digits, strict=True):
            block.drawn, block.mode, block.gate = digit, mode, None

    def sample(self) -> list[int]:
        """An operation for each block, drawn with the probabilities that alpha stands for."""
        return [int(torch.multinomial(alpha.detach().softmax(0).cpu(), 1)) for alpha in self.alpha]

    def best(self) -> list[int]:
        """The operation with the greatest alpha of each block; of equal ones the first."""
        return [int(alpha.detach().argmax()) for alpha in self.alpha]

    def alpha_gradients(self) -> None:
        """Put into alpha what the gradients of the gates say: Σⱼ ∂L/∂gⱼ pⱼ (δᵢⱼ - pᵢ), p the softmax of alpha."""
        for block, alpha in zip(self.blocks(), self.alpha, strict=True):
            assert block.gate is not None
            assert block.gate.grad is not None
            p = alpha.detach().softmax(0)
            weighted = block.gate.grad * p
            alpha.grad = weighted - p * weighted.sum()
