"""The two sides of `search_vs_official.py`: a hypernet with its optimisers and a batch, the released one or ours."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from compiled_vs_official import DROPOUT_INSTEAD_OF_NONE, TAPS
from released_hypernet import ReleasedHypernet, load_released, our_hypernet, released_name
from torch import Tensor, nn

from bmnas.compiler import pool
from bmnas.genotype import Genotype, published
from bmnas.searcher.hypernet import Hypernet, Relaxation

BATCH = {"mmimdb-1": 96, "ntu-1": 96, "ego-1": 72}


class Side:
    """One side with its optimisers and a batch.

    Args:
        name: the setting.
        side: ``"released"``, or ours in one of its relaxations.
        checkout: of the released code.
        device: where it runs.
        dtype: of weights and features.
        bf16: whether forwards run under autocast.
    """

    def __init__(
        self,
        name: str,
        side: str,
        checkout: Path,
        device: torch.device,
        dtype: torch.dtype = torch.float32,
        bf16: bool = False,
    ) -> None:
        genotype = published.load(name)
        # Without dropout, the released code adds in place where autograd does not allow it.
        self.dropout = genotype.dropout or DROPOUT_INSTEAD_OF_NONE
        torch.manual_seed(0)
        theirs = ReleasedHypernet(genotype, checkout, self.dropout)
        self.network: nn.Module = theirs
        self.device, self.dtype, self.bf16 = device, dtype, bf16
        self.features = features_of(genotype, BATCH[name], device, dtype)
        self.targets = targets_of(genotype, BATCH[name], device, dtype)
        self.loss = F.cross_entropy if self.targets.dim() == 1 else F.binary_cross_entropy_with_logits
        if side == "released":
            theirs.to(device, dtype)
            # On NTU the released search does not train the reshape layers.
            left_out = "reshape_layers" if name.startswith("ntu") else "nothing"
            self.weights: list[Tensor] = [p for n, p in theirs.named_parameters() if not n.startswith(left_out)]
            self.logits = theirs.architecture()
            for logits in self.logits:  # no parameters there, so `to` leaves them as they are
                logits.data = logits.data.to(dtype)
        else:
            relaxation: Relaxation = "split" if side == "split" else "shared"
            ours = our_hypernet(genotype, self.dropout, relaxation)
            load_released(ours, theirs)
            self.network = ours.to(device, dtype)
            self.features = {key: feature.unsqueeze(0) for key, feature in self.features.items()}
            self.weights, self.logits = list(ours.weights()), list(ours.architecture())
        fused = side != "released"
        self.optimizer = torch.optim.Adam(self.weights, lr=1e-3, weight_decay=1e-4, fused=fused)
        self.arch_optimizer = torch.optim.Adam(self.logits, lr=3e-4, betas=(0.5, 0.999), weight_decay=1e-3, fused=fused)
        self.network.train()

    def weight_step(self) -> None:
        """One step on a training batch."""
        self.optimizer.zero_grad()
        with self._learning("weights"):
            loss = self._loss()
        loss.backward(inputs=self.weights if isinstance(self.network, Hypernet) else None)
        self.optimizer.step()

    def validation_phase(self, own: bool = False) -> None:
        """An architecture step, and a forward for the score: in train mode, or in eval mode with our own protocol."""
        self.arch_optimizer.zero_grad()
        batch: Any = self.features
        with self._learning("architecture"):
            if isinstance(self.network, Hypernet):
                batch = self.network.prepared(batch)
            loss = self.loss(self.outputs(batch), self.targets)
        loss.backward(inputs=self.logits if isinstance(self.network, Hypernet) else None)
        self.arch_optimizer.step()
        self.optimizer.zero_grad()
        self.network.train(not own)
        with torch.no_grad():
            self.outputs(batch)
        self.network.train()

    def outputs(self, batch: Any = None) -> Tensor:
        """(B, outputs)."""
        with torch.autocast(self.device.type, torch.bfloat16) if self.bf16 else nullcontext():
            out: Tensor = self.network(self.features if batch is None else batch)
        return (out[0] if isinstance(self.network, Hypernet) else out).to(self.dtype)

    def _loss(self) -> Tensor:
        return self.loss(self.outputs(), self.targets)

    def _learning(self, phase: Any) -> AbstractContextManager[None]:
        return self.network.learning(phase) if isinstance(self.network, Hypernet) else nullcontext()


def difference(name: str, checkout: Path, what: str) -> float:
    """Of outputs, or of the gradients for weights and logits, relative to the norm of the released code's.

    In train mode with the shared relaxation and float64. The dropout is so rare that nothing is dropped.
    """
    theirs, ours = (Side(name, side, checkout, torch.device("cpu"), torch.float64) for side in ("released", "shared"))
    for module in (*theirs.network.modules(), *ours.network.modules()):
        if isinstance(module, nn.Dropout):
            module.p = 1e-12
    if what == "outputs":
        return _relative(ours.outputs().detach(), theirs.outputs().detach())
    for side in (theirs, ours):
        side._loss().backward()
    assert isinstance(ours.network, Hypernet)
    alphas, *lower = (logits.grad for logits in theirs.logits)
    logits = [alphas, torch.stack(lower[0::2]), torch.stack(lower[1::2])]
    pairs = [(mine.grad[0], yours) for mine, yours in zip(ours.logits, logits, strict=True)]
    released = {parameter: tensor.grad for parameter, tensor in theirs.network.named_parameters()}
    for parameter, tensor in ours.network.named_parameters():
        yours = released.get(released_name(parameter)) if "." in parameter else None
        # Before batch norm the gradient of a bias is zero but for rounding.
        if yours is not None and not parameter.endswith("conv.bias"):
            pairs.append((tensor.grad[0], yours.reshape(tensor.shape[1:])))
    return max(_relative(mine, yours) for mine, yours in pairs)


def _relative(ours: Tensor, theirs: Tensor) -> float:
    return float((ours - theirs).norm() / theirs.norm())


def features_of(genotype: Genotype, batch: int, device: torch.device, dtype: torch.dtype) -> dict[str, Tensor]:
    """Random numbers in the shapes that a feature store keeps; a grid of a vector repeats it, as there."""
    generator = torch.Generator().manual_seed(1)
    features = {}
    for feature in genotype.features:
        assert feature.channels is not None
        tap, length = TAPS[feature.name], genotype.representation.length
        if tap:
            shape = pool(torch.empty(1, feature.channels, *tap), feature.reshape, length).shape[1:]
            value = torch.randn(batch, *shape, generator=generator)
        else:
            value = pool(torch.randn(batch, feature.channels, generator=generator), feature.reshape, length)
        features[feature.name] = value.contiguous().to(device, dtype)
    return features


def targets_of(genotype: Genotype, batch: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Classes, or for MM-IMDB 0 or 1 for each of the labels."""
    generator = torch.Generator().manual_seed(2)
    assert genotype.head is not None
    outputs = genotype.head.outputs
    if genotype.name.startswith("mmimdb"):
        return torch.randint(2, (batch, outputs), generator=generator).to(device, dtype)
    return torch.randint(outputs, (batch,), generator=generator).to(device)
