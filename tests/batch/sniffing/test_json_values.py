"""Arrays and printed objects come apart into their elements, however the stream is cut."""

from __future__ import annotations

import io

import pytest

from batch.errors import Fault
from batch.sniffing import json_values as module
from batch.sniffing.json_values import ARRAY, LINES, VALUES, json_form, json_values


@pytest.mark.parametrize(
    ("start", "form"),
    [
        ('[{"a":1}]', ARRAY),
        (" \n[\n {", ARRAY),
        ('{"a":1}\n{"a":2}\n', LINES),
        ('{"a":1}', LINES),
        ('{\n "a":1\n}\n{\n', VALUES),
        ("[name],[x]\n1,2\n", ""),
        ("{name},x\n", ""),
        ("a,b\n", ""),
        ("", ""),
    ],
)
def test_the_form_shows_at_the_start(start: str, form: str) -> None:
    assert json_form(start) == form


@pytest.mark.parametrize("chunk", [1, 2, 7, 100])
def test_elements_come_out_on_one_line(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(module, "CHUNK_CHARS", chunk)
    array = '[ {"a": 1.50,\n "b": "ü]"} ,\n[1, 2], "x", 12 ]'
    found = [value for _, value in json_values(io.StringIO(array), ARRAY, 1000)]
    assert found == ['{"a":1.50,"b":"ü]"}'.encode(), b"[1,2]", b'"x"', b"12"]
    printed = '{\n "a": 1\n}\n{\n "a": 2\n}\n'
    assert list(json_values(io.StringIO(printed), VALUES, 1000)) == [(1, b'{"a":1}'), (2, b'{"a":2}')]


@pytest.mark.parametrize(
    ("text", "number", "said"),
    [
        ('[{"a":1}, {"a" 2}]', 2, "cannot be read"),
        ('[{"a":1}', 2, "not closed"),
        ("[" + "[" * 100_000, 1, "nested too deeply"),
        ('["' + "x" * 5000 + '"]', 1, "too large"),
    ],
)
def test_what_cannot_be_read_is_named_by_its_number(text: str, number: int, said: str) -> None:
    *_, last = json_values(io.StringIO(text), ARRAY, 1000)
    assert last[0] == number
    assert isinstance(last[1], Fault)
    assert said in last[1].fault
