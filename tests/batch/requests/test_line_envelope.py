"""The key, the own fields and the request of a line, in whichever form it has them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from batch.requests.canonicalize import Findings, read_object
from batch.requests.line_envelope import json_fault, line_key, line_request, own_fields
from batch.rules.model_rules import ModelRules

REQUEST = {"contents": [{"role": "user", "parts": [{"text": "x"}]}]}


def members(**line: Any) -> dict[str, Any]:
    return read_object(json.dumps(line))


@pytest.mark.parametrize(
    ("line", "key", "notes"),
    [
        ({"key": "a", "id": 7, "request": {}}, "a", {}),
        ({"key": 5, "request": {}}, "5", {"number_key": 1}),
        ({"key": "", "metadata": {"key": "m"}, "request": {}}, "m", {}),
        ({"id": "i", "request": {}}, "i", {"id_as_key": 1}),
        ({"id": [1], "request": {}}, "", {}),
        ({"custom_id": "c", "url": "/v1/chat/completions", "body": {"messages": []}}, "c", {}),
    ],
)
def test_the_key_is_found_where_tools_put_it(line: dict[str, Any], key: str, notes: dict[str, int]) -> None:
    findings = Findings()
    assert line_key(members(**line), findings) == key
    assert findings.notes == notes
    assert not findings.faults


def test_a_key_must_be_a_text() -> None:
    findings = Findings()
    assert line_key(members(key=["a"], request={}), findings) == ""
    assert '"key" must be a text; here it is a list' in findings.faults[0].fault


def test_what_stands_beside_a_request_is_kept_under_its_own_name() -> None:
    fields = own_fields(
        members(key="a", request={}, city="Ulm", empty=None, metadata={"city": "Bonn", "key": "a"}), "a"
    )
    assert {name: json.loads(bytes(value)) for name, value in fields.items()} == {
        "city": "Ulm",
        "metadata.city": "Bonn",
    }


@pytest.mark.parametrize(
    ("line", "note"),
    [
        ({"key": "a", "request": REQUEST}, ""),
        ({"key": "a", **REQUEST}, "bare"),
        ({"key": "a", "prompt": "x"}, "prompt_line"),
        ({"key": "a", "request": json.dumps(REQUEST)}, "request_as_text"),
    ],
)
def test_the_request_is_found_in_every_form(line: dict[str, Any], note: str) -> None:
    findings = Findings()
    request = line_request(members(**line), findings, ModelRules())
    assert request is not None
    assert {name: json.loads(bytes(value)) for name, value in request.items()} == REQUEST
    assert set(findings.notes) == ({note} if note else set())


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({"key": "a"}, 'The line has no "request".'),
        ({}, "The line is an empty object."),
        ({"key": "a", "req": {}}, 'The line has no "request".'),
        ({"key": "a", "request": [1]}, '"request" must be an object; here it is a list.'),
        ({"key": "a", "request": REQUEST, "temperature": 1}, '"temperature" stands beside "request".'),
        ({"key": "a", "request": REQUEST, "Keys": 1}, 'There is no "Keys" in a line.'),
    ],
)
def test_a_line_without_a_usable_request_says_why(line: dict[str, Any], words: str) -> None:
    findings = Findings()
    line_request(members(**line), findings, ModelRules())
    assert [fault.fault for fault in findings.faults] == [words]
    assert findings.faults[0].remedy


@pytest.mark.parametrize(
    ("raw", "fault", "remedy"),
    [
        (b"{'key': 1}", "not valid JSON", "double quotation marks"),
        (b"{", "not valid JSON", "spread over many lines"),
        (b'{"a": 1e999}', "not valid JSON", "write it as a text"),
        (b'{"key": "a"', "not valid JSON", "ends too early"),
        (b"[1]", "a list, not an object", "on each line"),
        (b"7", "a single value", "on each line"),
        (b"\xff{}", "not valid UTF-8: byte 0xFF at position 1", "Save the file as UTF-8"),
    ],
)
def test_what_is_no_json_object_is_told_with_a_remedy(raw: bytes, fault: str, remedy: str) -> None:
    found = json_fault(raw)
    assert found is not None
    assert fault in found.fault
    assert remedy in found.remedy


def test_an_object_is_fine() -> None:
    assert json_fault(b'{"key": "a"}') is None
