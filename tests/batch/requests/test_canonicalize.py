"""Messages are brought into the wire's form, and left byte for byte as they came where they have it already."""

from __future__ import annotations

import json

import pytest
from msgspec import Raw

from batch.requests.canonicalize import MAX_FAULTS, Findings, canonicalize_message, duplicate_names, read_object


def canonical(message: str, text: str) -> tuple[str, Findings]:
    findings = Findings()
    return bytes(canonicalize_message(message, Raw(text.encode()), "", findings)).decode(), findings


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("Content", '{"parts": [{"text": "a\\u00e9"}], "role": "user"}'),
        ("GenerationConfig", '{"temperature": 1.50, "maxOutputTokens": 10}'),
        ("Tool", '{"googleSearch": {"any_name": [1, 2]}}'),
    ],
)
def test_what_is_canonical_is_not_touched(message: str, text: str) -> None:
    assert canonical(message, text)[0] == text


@pytest.mark.parametrize(
    ("message", "text", "sent"),
    [
        ("GenerationConfig", '{"max_output_tokens": 10}', {"maxOutputTokens": 10}),
        ("GenerationConfig", '{"topP": null, "maxOutputTokens": 10.0}', {"maxOutputTokens": 10}),
        ("Content", '{"parts": {"text": "a"}}', {"parts": [{"text": "a"}]}),
        ("FunctionCall", '{"name": "f", "args": {"my_arg": null}}', {"name": "f", "args": {"my_arg": None}}),
    ],
)
def test_spellings_and_empty_fields_are_mended(message: str, text: str, sent: object) -> None:
    written, findings = canonical(message, text)
    assert json.loads(written) == sent
    assert not findings.faults


@pytest.mark.parametrize(
    ("message", "text", "fault"),
    [
        ("GenerationConfig", '{"temperature": 2.1}', "temperature is 2.1."),
        ("GenerationConfig", '{"temperature": "1"}', "temperature must be a number; here it is a text."),
        ("GenerationConfig", '{"seed": 1.5}', "seed must be a whole number; here it is 1.5."),
        ("GenerationConfig", '{"topP": 1, "top_p": 1}', 'The field "topP" is given in two spellings.'),
        ("GenerationConfig", '{"topP": 1, "topP": 0}', '"topP" is given twice.'),
        ("GenerationConfig", '{"stopSequences": "x"}', "stopSequences must be a list; here it is a text."),
        ("GenerationConfig", '{"mediaResolution": "HUGE"}', 'mediaResolution has no value "HUGE".'),
        ("Content", '{"role": "user"}', " has no parts."),
        ("Content", "[]", " must be an object; here it is a list."),
    ],
)
def test_a_fault_names_its_field(message: str, text: str, fault: str) -> None:
    _, findings = canonical(message, text)
    assert [found.fault for found in findings.faults] == [fault]


def test_a_line_broken_as_a_whole_does_not_fill_the_list() -> None:
    _, findings = canonical("GenerationConfig", json.dumps({f"unknown{n}": n for n in range(3 * MAX_FAULTS)}))
    assert len(findings.faults) == MAX_FAULTS


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('{"a":1,"b":2}', []),
        ('{"a": 1, "b": 2}', []),
        ('{ "a":1 ,"b" : 2}', []),
        ('{"a":1,"b":2,"a":3}', ["a"]),
        ('{"a": 1, "a": 1}', ["a"]),
        ("{}", []),
        ('{"a":1,"\\u0061":2}', ["a"]),
    ],
)
def test_repeated_names_are_found_however_the_json_is_spaced(text: str, names: list[str]) -> None:
    assert duplicate_names(Raw(text.encode()), read_object(text)) == names
