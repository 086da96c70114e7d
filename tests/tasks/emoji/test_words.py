from __future__ import annotations

import subprocess
import sys

import torch
from hypothesis import given, strategies as st

from bmnas.tasks.emoji.words import PLACES, bags, grams, place


def test_the_grams_of_a_word_know_its_edges() -> None:
    assert list(grams("Cat")) == ["<cat>", "<ca", "cat", "at>", "<cat", "cat>"]
    assert set(grams("flag: Côte_d’Ivoire;ci")) >= {"<flag>", "<côte>", "<d>", "<ivoire>", "<ci>"}
    assert list(grams("…; 🎉")) == []


def test_a_place_is_a_checksum() -> None:
    # CRC-32 of "123456789" is 0xcbf43926, by definition.
    assert place("123456789") == 0xCBF43926 % 2048


def test_a_bag_says_which_grams_there_are() -> None:
    bag = bags(["cat", "cat cat", "dog", ""])
    assert bag.shape == (4, PLACES)
    there = {place(gram) for gram in grams("cat")}
    assert set(bag[0].nonzero().flatten().tolist()) == there
    torch.testing.assert_close(bag[0, sorted(there)], torch.full((len(there),), len(there) ** -0.5))
    assert torch.equal(bag[0], bag[1])
    assert not (bag[0] * bag[2]).any()
    assert not bag[3].any()


def test_bags_are_the_same_in_every_process() -> None:
    code = "from bmnas.tasks.emoji.words import bags; print(bags(['grinning face']).nonzero()[:, 1].tolist())"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == str(bags(["grinning face"]).nonzero()[:, 1].tolist())


@given(st.text())
def test_any_text_has_a_bag(text: str) -> None:
    (bag,) = bags([text])
    assert bag.isfinite().all()
    assert bag.norm() < 1.001
