"""Readers of the files in which VQA-v2, RefCOCO and Flickr30K are given, and of regions from bottom-up attention."""

from bmnas.tasks.official_layouts.answers import frequent, normalised, score_of, soft_scores
from bmnas.tasks.official_layouts.flickr30k import Caption, read_captions, read_file_names
from bmnas.tasks.official_layouts.refcoco import Description, read_descriptions
from bmnas.tasks.official_layouts.region_files import RegionFiles, files_by_number, read_regions
from bmnas.tasks.official_layouts.vqa import (
    Answered,
    Question,
    answer_labels,
    answer_words,
    read_answers,
    read_questions,
)

__all__ = [
    "Answered",
    "Caption",
    "Description",
    "Question",
    "RegionFiles",
    "answer_labels",
    "answer_words",
    "files_by_number",
    "frequent",
    "normalised",
    "read_answers",
    "read_captions",
    "read_descriptions",
    "read_file_names",
    "read_questions",
    "read_regions",
    "score_of",
    "soft_scores",
]
