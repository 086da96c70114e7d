"""Settings that choose a member of a table: flat for people, nested in files, nothing idle."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import pytest
from pydantic import Field, SerializeAsAny

from bmnas.errors import BmnasError
from bmnas.settings import Choosing, Member, Settings
from bmnas.table import Table


class Round(Member):
    kind: Literal["round"] = "round"
    radius: int = Field(default=1, ge=1)


class Square(Member):
    kind: Literal["square"] = "square"
    side: int = Field(default=2, ge=1)


class Drawing(Choosing):
    chooses: ClassVar[str] = "shape"
    shape: SerializeAsAny[Member] = Field(default_factory=Round)
    colour: str = "red"

    @classmethod
    def members(cls) -> Table[Any]:
        return Table("shape", [Round, Square], name=lambda shape: shape.name())


def test_flat_and_nested_are_the_same():
    flat = Drawing.checked(shape="square", side=3, colour="blue")
    assert flat == Drawing.checked(shape={"kind": "square", "side": 3}, colour="blue")
    assert flat == Drawing(shape=Square(side=3), colour="blue")
    assert flat.flat() == {"shape": "square", "side": 3, "colour": "blue"}


def test_what_is_written_is_read():
    drawing = Drawing.checked(shape="square", side=3)
    assert Drawing.read(drawing.model_dump(mode="json")) == drawing
    assert Drawing.model_validate_json(drawing.model_dump_json()) == drawing


def test_the_usual_member_need_not_be_named():
    assert Drawing.checked(radius=4).shape == Round(radius=4)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"side": 2}, "setting side is of the shape square; the shape round does not have it"),
        ({"shape": "square", "radius": 1}, "setting radius is of the shape round; the shape square does not have it"),
        ({"raduis": 2}, "there is no setting 'raduis'; did you mean 'radius'?"),
        ({"shape": "sqare"}, "unknown shape 'sqare'; did you mean 'square'?"),
        ({"shape": 3}, "setting shape is 3, but names a shape"),
        ({"radius": 0}, "setting radius is 0: it should be greater than or equal to 1"),
        ({"shape": {"kind": "square", "side": 1}, "side": 2}, "setting side is given twice: by itself, and in shape"),
        ({"shape": Square(side=1), "side": 2}, "setting side is given twice"),
    ],
)
def test_what_makes_no_sense(given, sentence):
    with pytest.raises(BmnasError) as error:
        Drawing.checked(**given)
    assert sentence in str(error.value)


def test_changed():
    drawing = Drawing.checked(shape="square", side=3, colour="blue")
    assert drawing.changed(side=4) == Drawing.checked(shape="square", side=4, colour="blue")
    # Another shape has its own usual settings.
    assert drawing.changed(shape="round") == Drawing.checked(shape="round", colour="blue")
    with pytest.raises(BmnasError, match="side is of the shape square"):
        drawing.changed(shape="round", side=1)


def test_settings_are_frozen_and_know_their_names():
    class Size(Settings):
        width: int = 1

    with pytest.raises(BmnasError, match="there is no setting 'widht'; did you mean 'width'"):
        Size.checked(widht=2)
    with pytest.raises(ValueError, match="frozen"):
        Size().width = 3  # type: ignore[misc]


def test_a_member_that_is_given_whole_can_be_changed_beside_it():
    assert Drawing.checked(shape=Round(), radius=3).shape == Round(radius=3)
    with pytest.raises(BmnasError, match="setting radius is given twice: by itself, and in shape"):
        Drawing.checked(shape=Round(radius=2), radius=3)


def test_kind_is_no_setting():
    with pytest.raises(BmnasError, match="there is no setting 'kind'"):
        Drawing.checked(kind="square")
