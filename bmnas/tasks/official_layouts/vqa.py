"""The official files of VQA-v2: questions, and the answers that ten people gave to each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bmnas.errors import BmnasError, short
from bmnas.tasks.official_layouts.answers import frequent, normalised, soft_scores
from bmnas.tasks.official_layouts.records import Record, read_document, records

KINDS = ("yes/no", "number", "other")


class Question(NamedTuple):
    """A question about an image.

    Attributes:
        number: of the question.
        image: number of the image.
        text: of the question.
    """

    number: int
    image: int
    text: str


class Answered(NamedTuple):
    """What people answered.

    Attributes:
        answers: of each of them.
        usual: the most frequent one.
        kind: its place in `KINDS`.
    """

    answers: Sequence[str]
    usual: str
    kind: int


def read_questions(path: Path) -> list[Question]:
    """The questions of a file, such as ``v2_OpenEnded_mscoco_train2014_questions.json``, in its order.

    Raises:
        BmnasError: it is no such file, or has a number twice.
    """
    found = [
        Question(each.number("question_id"), each.number("image_id"), each.text("question"))
        for each in records(read_document(path), path, "questions")
    ]
    seen: set[int] = set()
    for place, question in enumerate(found):
        if question.number in seen:
            raise BmnasError(f"{path}: questions[{place}] has the question_id {question.number} for the second time")
        seen.add(question.number)
    return found


def read_answers(path: Path, questions: Sequence[Question], asked: Path) -> list[Answered]:
    """The answers to questions, in their order, from a file such as ``v2_mscoco_train2014_annotations.json``.

    Args:
        path: of the answers.
        questions: of the same split.
        asked: the file of the questions, for messages.

    Raises:
        BmnasError: it is no such file, or has the answers of another split; the message names both.
    """
    value = read_document(path)
    refuse_other_split(path, asked, value)
    found: dict[int, Answered] = {}
    images: dict[int, int] = {}
    for each in records(value, path, "annotations"):
        number = each.number("question_id")
        found[number], images[number] = _answered(each), each.number("image_id")
    for question in questions:
        if question.number not in found:
            raise BmnasError(
                f"{path}: has no answers to question {question.number} of {asked}: they are those of another split"
            )
        if images[question.number] != question.image:
            raise BmnasError(
                f"{path}: question {question.number} is about image {images[question.number]}, but in {asked} about "
                f"{question.image}"
            )
    return [found[question.number] for question in questions]


def refuse_other_split(path: Path, asked: Path, value: Any) -> None:
    """Refuse a file of answers that says itself that it is of another split than the questions.

    Raises:
        BmnasError: the splits, of the files' content or their names, differ.
    """
    own = value.get("data_subtype") if isinstance(value, dict) else None
    one = own if isinstance(own, str) else _split_in(path.name)
    other = _split_in(asked.name)
    if one is not None and other is not None and one != other:
        raise BmnasError(f"{path}: has the answers of {short(one)}, but {asked} has the questions of {short(other)}")


def answer_words(answered: Sequence[Answered], more_than: int = 8) -> tuple[str, ...]:
    """The answers, `normalised`, that are the usual one of more than so many questions: of all that have some 3,129.

    Raises:
        BmnasError: no answer is so frequent.
    """
    found = frequent((normalised(each.usual) for each in answered), more_than)
    if not found:
        raise BmnasError(f"no answer is the usual one of more than {more_than} questions")
    return found


def answer_labels(answered: Sequence[Answered], known: Sequence[str]) -> Mapping[str, Tensor]:
    """The labels ``answers`` and ``scores`` of `PairData`: at most ten answers to a question; -1 where there are less.

    Args:
        answered: to each question.
        known: answers, by their number.
    """
    numbers = {answer: number for number, answer in enumerate(known)}
    each = [soft_scores(one.answers, numbers) for one in answered]
    width = max(1, *(len(scores) for scores in each)) if each else 1
    answers, scores = torch.full((len(each), width), -1), torch.zeros(len(each), width)
    for row, own in enumerate(each):
        answers[row, : len(own)] = torch.tensor(list(own), dtype=torch.int64)
        scores[row, : len(own)] = torch.tensor(list(own.values()))
    return {"answers": answers, "scores": scores}


def _answered(record: Record) -> Answered:
    kind = record.text("answer_type")
    if kind not in KINDS:
        raise BmnasError(f"{record.where}: answer_type is {short(kind)}, but should be one of {', '.join(KINDS)}")
    answers = [
        Record(each, f"{record.where}.answers[{place}]").text("answer")
        for place, each in enumerate(record.list("answers"))
    ]
    return Answered(answers, record.text("multiple_choice_answer"), KINDS.index(kind))


def _split_in(name: str) -> str | None:
    """The split that is in the name of an official file: ``train2014`` in ``v2_mscoco_train2014_annotations.json``."""
    parts = name.split("_")
    return parts[parts.index("mscoco") + 1] if "mscoco" in parts[:-1] else None
