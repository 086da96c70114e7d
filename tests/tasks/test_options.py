from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given, strategies as st
from pydantic import Field

from bmnas.errors import BmnasError
from bmnas.tasks.options import TaskOptions


class Options(TaskOptions):
    split: Literal["paper", "released"] = "paper"
    width: Literal[16, 32] = 16
    size: int = Field(default=4, ge=1, le=9)
    rate: float = 0.5
    mirrored: bool = False
    file: str = "cache"
    limit: int | None = None
    pair: tuple[str, str] = ("a", "b")


def test_values_are_read_as_what_they_are() -> None:
    options = Options.parsed("t", "split=released,width=32, size = 3,rate=1e-3,mirrored=true,limit=7,pair=b,a,file=x,y")
    assert options.given == {
        "split": "released",
        "width": 32,
        "size": 3,
        "rate": 1e-3,
        "mirrored": True,
        "file": "x,y",
        "limit": 7,
        "pair": ("b", "a"),
    }
    assert Options.parsed("t", "limit=none").limit is None


def test_what_is_not_named_is_not_given() -> None:
    assert Options.parsed("t", "size=2").given == {"size": 2}
    assert Options().given == {}
    assert Options().written == ""


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("splt=paper", "task t has no option 'splt'; did you mean 'split'?"),
        ("split=papr", "option split of task t is 'papr': it should be 'paper' or 'released'"),
        ("width=8", "option width of task t is '8': it should be 16 or 32"),
        ("size=ten", "option size of task t is 'ten': it should be a valid integer"),
        ("size=10", "option size of task t is '10': it should be less than or equal to 9"),
        ("rate=nan", "option rate of task t is 'nan': it should be a finite number"),
        ("pair=a", "option pair of task t has too few values: ['a']"),
        ("size=1,size=2", "option size of task t is given twice"),
        (
            "released",
            "options of task t are NAME=VALUE with commas between them, not 'released'; as usual: split",
        ),
        ("", "options of task t are NAME=VALUE with commas between them, not ''; as usual: split"),
        ("=3", "options of task t are NAME=VALUE with commas between them, not '=3'; as usual: split"),
    ],
)
def test_what_makes_no_sense_is_told_in_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(BmnasError) as caught:
        Options.parsed("t", text)
    assert str(caught.value).startswith(sentence)


def test_a_task_without_options_says_so() -> None:
    for text, said in (("a=1", "leave 'a' out"), ("a", "nothing comes after its name; 'a' does")):
        with pytest.raises(BmnasError, match=f"^task t has no options, so {said}$"):
            TaskOptions.parsed("t", text)
    assert TaskOptions.chosen("t", {}).given == {}


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "split": st.sampled_from(["paper", "released"]),
            "width": st.sampled_from([16, 32]),
            "size": st.integers(1, 9),
            "rate": st.floats(allow_nan=False, allow_infinity=False),
            "mirrored": st.booleans(),
            "limit": st.none() | st.integers(),
            "pair": st.tuples(st.sampled_from("abc"), st.sampled_from("abc")),
        },
    ).filter(bool)
)
def test_what_is_written_is_read_as_the_same(values: dict[str, object]) -> None:
    assert Options.parsed("t", Options.chosen("t", values).written).given == values
