"""Trained weights beside a genotype: safetensors, with the genotype in the file's metadata."""

from __future__ import annotations

import os

import safetensors.torch

from bmnas.compiler import FusionNetwork
from bmnas.genotype import dumps
from bmnas.genotype.files import write_atomically


def save_weights(network: FusionNetwork, path: str | os.PathLike[str]) -> None:
    """Write the network's parameters and buffers under their names.

    Raises:
        BmnasError: the file cannot be written.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    # Without provenance, and as the only entry: safetensors writes several in no fixed order, and equal networks
    # should be equal files.
    genotype = network.genotype.model_copy(update={"provenance": None})
    write_atomically(path, safetensors.torch.save(tensors, {"genotype": dumps(genotype)}))
