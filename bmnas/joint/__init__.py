"""Joint training: backbones and fusion network as one model, from raw samples."""

from bmnas.joint.model import JointModel
from bmnas.joint.settings import JointConfig
from bmnas.joint.train import Chosen, JointlyTrained, checkpoints, train_joint
from bmnas.joint.training import JointTraining

__all__ = ["Chosen", "JointConfig", "JointModel", "JointTraining", "JointlyTrained", "checkpoints", "train_joint"]
