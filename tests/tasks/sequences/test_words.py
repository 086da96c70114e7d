"""Words, vocabularies and word vectors."""

from __future__ import annotations

import re

import pytest
import torch
from hypothesis import given, strategies as st

from bmnas.errors import BmnasError
from bmnas.tasks.sequences import Vocabulary, longest, read_vectors, words_of
from tests.mmnas_golden import case_of


def test_the_words_of_the_released_code():
    case = case_of("preprocessing", "prep/text-relation")
    assert words_of(case["question"]) == case["words"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("?!", []),
        ("What's  the RED-car/bus doing, there?", ["whats", "the", "red", "car", "bus", "doing", "there"]),
        ("naïve Über-Hund", ["naïve", "über", "hund"]),
    ],
)
def test_words(text, words):
    assert words_of(text) == words


def test_a_vocabulary_has_the_words_in_order_of_appearance():
    words = Vocabulary.of(["is there a cat", "a dog is there"])
    assert words.words == ("is", "there", "a", "cat", "dog")
    assert len(words) == 8
    assert words.encode(["a dog, a cow?", "", "is is is is is"], 4).tolist() == [
        [5, 7, 5, 1],
        [1, 0, 0, 0],
        [3, 3, 3, 3],
    ]
    assert words.decode([5, 7, 5, 1, 0]) == "a dog a ?"
    assert longest(["a b c", "d"]) == 3


def test_rare_words_are_left_out():
    texts = ["a b", "a c", "a b d"]
    assert Vocabulary.of(texts, least=2).words == ("a", "b")
    assert Vocabulary.of(texts, most=5).words == ("a", "b")
    assert Vocabulary.of(texts, most=99).words == ("a", "b", "c", "d")


@given(st.lists(st.text("abcdé ", min_size=1, max_size=12), min_size=1, max_size=6))
def test_known_texts_come_back(texts):
    words = Vocabulary.of(texts)
    tokens = words.encode(texts, max(1, longest(texts)))
    assert tokens.max() < len(words)
    for text, row in zip(texts, tokens, strict=True):
        assert words.decode(row).split() == (words_of(text) or ["?"])


def test_a_vocabulary_is_kept(tmp_path):
    words, path = Vocabulary.of(["is there a naïve cat"]), tmp_path / "words.json"
    words.save(path)
    assert Vocabulary.load(path) == words
    path.write_text(path.read_text().replace("cat", "cow"))
    with pytest.raises(BmnasError, match=f"^{re.escape(str(path))}: was changed: its checksum"):
        Vocabulary.load(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "words.json: "),
        ("[]", 'is no vocabulary: a vocabulary has "format": "bmnas-words/1"'),
        ('{"format": "bmnas-words/1", "words": [1]}', 'has no list of texts "words"'),
        ('{"format": "bmnas-words/1", "words": ["a"]}', "has no checksum"),
    ],
)
def test_a_file_that_is_no_vocabulary(tmp_path, text, message):
    path = tmp_path / "words.json"
    path.write_text(text)
    with pytest.raises(BmnasError, match=re.escape(message)) as caught:
        Vocabulary.load(path)
    assert str(caught.value).count(str(path)) == 1


@pytest.mark.parametrize(
    ("words", "message"), [(["a", "b", "a"], "the word 'a' twice"), (["a b"], "'a b', which is no")]
)
def test_words_that_cannot_be(words, message):
    with pytest.raises(BmnasError, match=message):
        Vocabulary(words)


def test_word_vectors(tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_text("the 0.5 -1 2e-1\ncat 1 2 3\nat name 7 7 7\nthe 9 9 9\n")
    words = Vocabulary(["cat", "dog", "the"])
    found = read_vectors(path, words)
    assert found.known == 2
    assert found.values.shape == (6, 3)
    torch.testing.assert_close(found.values[[0, 3, 5]], torch.tensor([[0, 0, 0], [1, 2, 3], [0.5, -1, 0.2]]))
    # What is drawn for the others is as large as what is there, and the same each time.
    assert 0 < found.values[4].abs().max() < 10
    torch.testing.assert_close(read_vectors(path, words).values, found.values, rtol=0, atol=0)
    assert not torch.equal(read_vectors(path, words, seed=1).values[4], found.values[4])


def test_the_first_line_of_word2vec_is_passed_over(tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_text("2 3\ncat 1 2 3\n\ndog 1 2 4\n")
    assert read_vectors(path, Vocabulary(["cat", "dog"])).known == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"cat 1 2 3\ndog 1 2\n", "line 2 has 2 numbers after its word, but those before it have 3"),
        (b"cat 1 2 3\ndog 1 two 3\n", "line 2 has 'two' where a finite number should be"),
        (b"cat 1 2 3\ndog 1 nan 3\n", "line 2 has 'nan' where a finite number should be"),
        (b"cat 1 x 3\n", "line 1 has 'x' where a finite number should be"),
        (b"cat\n", "line 1 has 0 numbers after its word"),
        (b"cat 1 2 3\nd\xff\xfeg 1 2 3\n", "line 2 is not UTF-8 text: byte 1"),
        (b"cow 1 2 3\n", "has none of the 2 words, such as 'cat'"),
        (b"", "has none of the 2 words"),
        (b"cat " + b"1 " * 200_000 + b"\n", "line 1 is longer than 256 KiB"),
    ],
)
def test_a_damaged_line_is_named(tmp_path, content, message):
    path = tmp_path / "vectors.txt"
    path.write_bytes(content)
    with pytest.raises(BmnasError, match=f"^{re.escape(str(path))}: {re.escape(message)}"):
        read_vectors(path, Vocabulary(["cat", "dog"]))


def test_a_missing_file_of_vectors(tmp_path):
    with pytest.raises(BmnasError, match=r"none\.txt: cannot be read: no such file"):
        read_vectors(tmp_path / "none.txt", Vocabulary(["cat"]))
