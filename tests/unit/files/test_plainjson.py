"""Avro's values as JSON: one line each, whatever they hold."""

import json

from hypothesis import given
from hypothesis import strategies as st

from lensload.files.plainjson import as_json


@given(st.binary(), st.text())
def test_a_value_is_one_line_that_reads_back(data: bytes, text: str):
    """No byte or character ends the line for any reader of lines, or is obeyed by a terminal, and none is lost."""
    line = as_json({"data": data, "text": text})
    assert len(line.splitlines()) == 1
    assert not any("\x7f" <= each <= "\x9f" or each < " " for each in line)
    assert json.loads(line) == {"data": data.decode("latin-1"), "text": text}
