"""What results repeat of their requests is read whole, whatever its names and wherever it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from lifecycle.inputs import echoed_fields
from lifecycle.inputs.echoed_fields import EchoedFields
from lifecycle.inputs.tables.records import field_text


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        (b'{"key":"a","response":{}}', {"key": "a"}),
        (b'{"metadata":{"request_id":"r0","n":7},"response":{}}', {"request_id": "r0", "n": "7"}),
        (b'{"custom_id":"c","error":{"code":3}}', {"custom_id": "c"}),
        (b'{"key":"a","metadata":{"key":"a"},"response":{}}', {"key": "a"}),
        (b'{"id":"a","metadata":{"id":"b"},"response":{}}', {"id": "a", "metadata.id": "b"}),
        (b'{"metadata":"mine","response":{}}', {"metadata": "mine"}),
        (b'{"key":null,"metadata":null,"status":{}}', {}),
    ],
)
def test_fields_are_told_from_the_answer(line: bytes, fields: dict[str, str]) -> None:
    found = echoed_fields.echoed_fields(line)
    assert found is not None and {name: field_text(value) for name, value in found.items()} == fields


@pytest.mark.parametrize("line", [b"no json", b"[1]", b'{"key":', b'{"metadata":{,}}'])
def test_a_broken_line_has_no_fields(line: bytes) -> None:
    assert echoed_fields.echoed_fields(line) is None


def test_bytes_that_are_no_text_break_no_other_line(tmp_path: Path) -> None:
    path = tmp_path / "0-0.jsonl"
    path.write_bytes(b'{"id":"\xff"}\n{"id":"b"}\n')
    assert EchoedFields([path]).column("id").to_pylist()[1] == "b"


def test_columns_have_one_value_for_each_line_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(echoed_fields, "CHUNK_LINES", 2)
    path = tmp_path / "0-0.jsonl"
    path.write_text('{"id":"a"}\n\nbroken\n{"id":"b","late":1}\n{"id":"c"}\n')
    echoed = EchoedFields([path, path])
    assert (echoed.lines, echoed.readable) == (8, 6)
    assert echoed.column("id").to_pylist() == ["a", None, "b", "c"] * 2
    assert echoed.column("late").to_pylist() == [None, None, "1", None] * 2
