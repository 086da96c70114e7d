"""A trained network in use: from a run folder to answers for new samples."""

from bmnas.prediction.loading import load_model
from bmnas.prediction.model import Model
from bmnas.prediction.predictions import FORMATS, Predictions, write
from bmnas.prediction.samples import open_samples
from bmnas.prediction.tested import of_test_split
from bmnas.prediction.whole import whole_model

__all__ = ["FORMATS", "Model", "Predictions", "load_model", "of_test_split", "open_samples", "whole_model", "write"]
