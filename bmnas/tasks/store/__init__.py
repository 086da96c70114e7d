"""Extracted features on the disk: written once, shard by shard, read in random batches, whole or a little at a time."""

from bmnas.tasks.store.data import Chosen, Data, Samples
from bmnas.tasks.store.manifest import MANIFEST, PROBLEMS, Manifest, Problem, Shard, Skipped, StoreError
from bmnas.tasks.store.store import FeatureStore
from bmnas.tasks.store.writer import StoreWriter

__all__ = [
    "MANIFEST",
    "PROBLEMS",
    "Chosen",
    "Data",
    "FeatureStore",
    "Manifest",
    "Problem",
    "Samples",
    "Shard",
    "Skipped",
    "StoreError",
    "StoreWriter",
]
