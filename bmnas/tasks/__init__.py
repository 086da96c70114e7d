"""Tasks: labelled multimodal data, a backbone with taps for each modality, and the store of extracted features."""

from bmnas.tasks.backbones import backbones
from bmnas.tasks.cache import cache_folder
from bmnas.tasks.extraction import Extraction, extract_batch
from bmnas.tasks.groups import groups_of
from bmnas.tasks.metrics import METRICS, Metric, accuracy, f1, from_torchmetrics, get_metric, mean_squared_error
from bmnas.tasks.objective import OBJECTIVES, MultiLabel, Objective, Regression, SingleLabel
from bmnas.tasks.prepare import prepare
from bmnas.tasks.progress import Progress, Remark, Report, Tick
from bmnas.tasks.registry import TASKS, described_task, get_task
from bmnas.tasks.store import Data, FeatureStore, Samples, StoreError
from bmnas.tasks.task import SPLITS, Backbone, SampleSource, Split, SplitName, Task
from bmnas.tasks.unimodal import TrainedBackbone, train_backbones

__all__ = [
    "METRICS",
    "OBJECTIVES",
    "SPLITS",
    "TASKS",
    "Backbone",
    "Data",
    "Extraction",
    "FeatureStore",
    "Metric",
    "MultiLabel",
    "Objective",
    "Progress",
    "Regression",
    "Remark",
    "Report",
    "SampleSource",
    "Samples",
    "SingleLabel",
    "Split",
    "SplitName",
    "StoreError",
    "Task",
    "Tick",
    "TrainedBackbone",
    "accuracy",
    "backbones",
    "cache_folder",
    "described_task",
    "extract_batch",
    "f1",
    "from_torchmetrics",
    "get_metric",
    "get_task",
    "groups_of",
    "mean_squared_error",
    "prepare",
    "train_backbones",
]
