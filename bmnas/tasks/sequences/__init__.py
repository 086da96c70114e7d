"""Data of sequences: texts as whole numbers, regions of images with boxes, and pairs of them with shared rows."""

from bmnas.tasks.sequences.names import BOXES, IMAGE, QUESTION, REGIONS
from bmnas.tasks.sequences.pairs import Inputs, PairData, single_answers
from bmnas.tasks.sequences.regions import Image, RegionBatch, RegionSource, RegionTable, is_padding, padded
from bmnas.tasks.sequences.vectors import WordVectors, read_vectors
from bmnas.tasks.sequences.words import Vocabulary, longest, words_of

__all__ = [
    "BOXES",
    "IMAGE",
    "QUESTION",
    "REGIONS",
    "Image",
    "Inputs",
    "PairData",
    "RegionBatch",
    "RegionSource",
    "RegionTable",
    "Vocabulary",
    "WordVectors",
    "is_padding",
    "longest",
    "padded",
    "read_vectors",
    "single_answers",
    "words_of",
]
