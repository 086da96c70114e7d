"""Encoder-decoder genotypes as torch networks."""

from bmnas.compiler.stacks.blocks import BlockSize
from bmnas.compiler.stacks.network import SequenceError, StackNetwork, compile_stacks
from bmnas.compiler.stacks.official import load_official_state

__all__ = ["BlockSize", "SequenceError", "StackNetwork", "compile_stacks", "load_official_state"]
