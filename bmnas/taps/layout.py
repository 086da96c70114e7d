"""Which axis of a tensor holds the channels, as far as the modules that made it tell."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

_pooling = nn.modules.pooling
_POOLS = (_pooling._MaxPoolNd, _pooling._AvgPoolNd, _pooling._AdaptiveMaxPoolNd, _pooling._AdaptiveAvgPoolNd)
_FIRST = (nn.modules.conv._ConvNd, nn.modules.batchnorm._NormBase, nn.GroupNorm)
_LAST = (nn.Linear, nn.LayerNorm, nn.RMSNorm, nn.Embedding)
_SEQUENCES = (nn.RNNBase, nn.MultiheadAttention, nn.TransformerEncoderLayer, nn.TransformerDecoderLayer)


class Layouts:
    """Remembers what modules with a known layout returned, and takes tensors of the same shape for the like.

    A convolution, say, has its channels on axis 1, a linear layer on the last. What an activation, a sum or a block
    returns is told by the last such module that returned the same shape. Nothing is said of other shapes.
    """

    def __init__(self) -> None:
        self._axes: dict[tuple[int, ...], int] = {}

    def of(self, module: nn.Module, output: Tensor) -> int | None:
        """The axis of the channels, ``1`` or ``-1``; ``None`` if it cannot be told. Call it in the order of the run."""
        shape = tuple(output.shape)
        if output.dim() <= 2:
            return 1 if output.dim() == 2 else None
        if isinstance(module, _POOLS):
            return 1
        axis = _known(module, shape)
        if axis is not None:
            self._axes[shape] = axis
        return self._axes.get(shape)


def _known(module: nn.Module, shape: tuple[int, ...]) -> int | None:
    if isinstance(module, _SEQUENCES):
        return -1 if getattr(getattr(module, "self_attn", module), "batch_first", False) else None
    usual = 1 if isinstance(module, _FIRST) else -1 if isinstance(module, _LAST) else None
    if usual is None:
        return None
    # A class of somebody else's may be derived from one of these and work along another axis: the size tells.
    fitting = [axis for axis in (1, -1) if shape[axis] == _channels(module)]
    if type(module).__module__.startswith("torch.nn."):
        return usual if usual in fitting else None
    return fitting[0] if len(fitting) == 1 else None


def _channels(module: Any) -> int | None:
    for name in ("out_channels", "num_features", "num_channels", "out_features", "embedding_dim", "normalized_shape"):
        size = getattr(module, name, None)
        if size is not None:
            return int(size[-1]) if isinstance(size, tuple) else int(size)
    return None
