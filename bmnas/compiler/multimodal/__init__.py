"""Whole multimodal models: a fusion network and its backbones as one module, from raw inputs to logits."""

from bmnas.compiler.multimodal.assembly import assemble
from bmnas.compiler.multimodal.model import InputError, MultimodalNetwork
from bmnas.taps.tap import Tap, TapError

__all__ = ["InputError", "MultimodalNetwork", "Tap", "TapError", "assemble"]
