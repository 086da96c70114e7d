"""Tables of things that are chosen by name."""

from __future__ import annotations

from importlib import metadata
from types import SimpleNamespace

import pytest

from bmnas.errors import BmnasError
from bmnas.table import Table


def animal(name: str) -> SimpleNamespace:
    return SimpleNamespace(name=name)


class Entry:
    """An entry point, as importlib.metadata gives it."""

    def __init__(self, name, loads):
        self.name, self.value, self._loads = name, f"package:{name}", loads

    def load(self):
        if isinstance(self._loads, Exception):
            raise self._loads
        return self._loads


@pytest.fixture
def offered(monkeypatch):
    """What installed packages offer in the group ``zoo``."""
    entries = []
    monkeypatch.setattr(metadata, "entry_points", lambda group: entries if group == "zoo" else [])
    return entries


def test_members_by_name_in_their_order():
    animals = Table("animal", [animal("yak"), animal("ant")])
    assert list(animals) == ["yak", "ant"]
    assert animals["ant"] is animals.find("ant")
    assert len(animals) == 2


def test_a_name_can_be_had_once():
    with pytest.raises(ValueError, match="there already is a animal 'ant'"):
        Table("animal", [animal("ant"), animal("ant")])


def test_a_wrong_name_is_answered_with_the_nearest():
    with pytest.raises(BmnasError, match=r"^unknown animal 'ent'; did you mean 'ant'\?$"):
        Table("animal", [animal("ant"), animal("yak")]).find("ent")


def test_packages_add_members(offered):
    bee = animal("bee")
    offered.append(Entry("bee", bee))
    animals = Table("animal", [animal("ant")], group="zoo")
    assert list(animals) == ["ant"]  # nothing is loaded before somebody asks
    assert animals.names() == ["ant", "bee"]
    assert animals.find("bee") is bee
    assert list(animals) == ["ant", "bee"]


def test_members_of_packages_that_cannot_be_loaded_are_left_out_where_all_are_asked_for(offered):
    offered += [Entry("bee", animal("bee")), Entry("gnu", ImportError("no horns"))]
    animals = Table("animal", [animal("ant")], group="zoo")
    assert animals.names() == ["ant", "bee", "gnu"]
    assert animals.loadable() == ["ant", "bee"]


@pytest.mark.parametrize(
    ("loads", "sentence"),
    [
        (
            ImportError("no wings"),
            "the animal 'bee', which the entry point package:bee offers, cannot be loaded: no wings",
        ),
        (animal("wasp"), "calls itself 'wasp'"),
        (object(), "cannot be loaded"),
    ],
)
def test_a_package_that_offers_something_else(offered, loads, sentence):
    offered.append(Entry("bee", loads))
    with pytest.raises(BmnasError, match=sentence):
        Table("animal", [], group="zoo").find("bee")
