"""The second kind of genotype: encoder-decoder networks, chains of blocks for token and region sequences.

The system is that of "Deep Multimodal Neural Architecture Search" (Yu et al., ACM MM 2020), called MMnas. Nothing here
imports torch.
"""

from bmnas.genotype.stacks.operations import BLOCKS, BlockOperation, block_operation
from bmnas.genotype.stacks.schema import KIND, Block, SequenceInput, Stack, StackHead
from bmnas.genotype.stacks.value import StackGenotype, from_dict

__all__ = [
    "BLOCKS",
    "KIND",
    "Block",
    "BlockOperation",
    "SequenceInput",
    "Stack",
    "StackGenotype",
    "StackHead",
    "block_operation",
    "from_dict",
]
