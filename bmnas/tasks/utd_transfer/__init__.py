"""The task `utd-transfer`: actions that the backbones were not trained on, from few examples."""

from bmnas.tasks.utd_transfer.task import UtdTransferTask

__all__ = ["UtdTransferTask"]
