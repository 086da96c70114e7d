"""Files that tell whether they were changed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from bmnas.errors import BmnasError
from bmnas.files import parse_json, sealed, sealed_json, unsealed, unsealed_json, write_atomically


@given(st.binary(max_size=200), st.data())
def test_any_changed_byte_is_found(content, data):
    whole = sealed(content)
    assert unsealed(whole) == content
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(BmnasError, match="checksum"):
        unsealed(bytes(changed))


@given(
    st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5) | st.floats(allow_nan=False), max_size=4)
)
def test_any_changed_value_is_found(content):
    content.pop("checksum", None)
    written = json.loads(sealed_json(content))
    assert unsealed_json(written) == content
    with pytest.raises(BmnasError, match="was changed"):
        unsealed_json({**written, "more": 1})
    for key in content:
        with pytest.raises(BmnasError, match="was changed"):
            unsealed_json({**written, key: [content[key]]})


@pytest.mark.parametrize("data", [None, [], {}, {"rows": []}])
def test_what_has_no_checksum(data):
    with pytest.raises(BmnasError, match="has no checksum"):
        unsealed_json(data)


def test_what_cannot_be_read_or_written_is_one_sentence(tmp_path):
    with pytest.raises(BmnasError, match=r"has the number '1e999', which is too large"):
        parse_json('{"a": 1e999}')
    with pytest.raises(BmnasError, match="cannot be written: its text has half of a surrogate pair"):
        write_atomically(tmp_path / "file", "\ud800")
    assert not list(tmp_path.iterdir())
