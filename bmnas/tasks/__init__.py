"""Tasks: labelled multimodal data, a backbone with taps for each modality, and the store of extracted features."""

from bmnas.tasks.backbones import backbones
from bmnas.tasks.cache import cache_folder
from bmnas.tasks.metrics import Metric, accuracy
from bmnas.tasks.prepare import extract_batch, prepare
from bmnas.tasks.progress import Progress, Report
from bmnas.tasks.registry import TASKS, get_task
from bmnas.tasks.store import FeatureStore, Samples, StoreError
from bmnas.tasks.task import SPLITS, Backbone, Split, SplitName, Task

__all__ = [
    "SPLITS",
    "TASKS",
    "Backbone",
    "FeatureStore",
    "Metric",
    "Progress",
    "Report",
    "Samples",
    "Split",
    "SplitName",
    "StoreError",
    "Task",
    "accuracy",
    "backbones",
    "cache_folder",
    "extract_batch",
    "get_task",
    "prepare",
]
