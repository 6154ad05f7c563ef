"""A request as caching sees it: one spelling for equal parts, and exchanges that no cache may part."""

from __future__ import annotations

import json
import math

import pytest
from msgspec import Raw

from batch.prefixes.request_parts import (
    canonical_json,
    canonical_part,
    canonical_string,
    decode_embedding_line,
    decode_line,
    default_measure,
    exchange_turns,
    header_parts,
    part_json,
)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        (b'{"text":"a"}', b'{"text":"a"}'),
        (b'{"text": "a"}', b'{"text":"a"}'),
        (b'{"text":"\\u0061\\/b"}', b'{"text":"a/b"}'),
        (b'{"text":"a\\nb"}', b'{"text":"a\\nb"}'),
        (b'{"thought":true,"text":"a"}', b'{"text":"a","thought":true}'),
        (b'{"text":"a","thought":true}', b'{"text":"a","thought":true}'),
    ],
)
def test_equal_parts_are_spelled_alike(written: bytes, canonical: bytes) -> None:
    assert canonical_part(written) == canonical


def test_what_no_utf_8_can_hold_stays_as_it_was_written() -> None:
    assert canonical_json(b'{"text":"\\ud800"}') == b'{"text":"\\ud800"}'


def test_strings_with_needless_escapes_are_respelled() -> None:
    assert canonical_string(Raw(b'"\\u0041bc"')) == b'"Abc"'
    assert canonical_string(Raw(b'"Abc"')) == b'"Abc"'


@pytest.mark.parametrize(
    ("turns", "parted"),
    [
        ([[{"text"}], [{"text"}]], [False, False]),
        ([[{"text"}], [{"functionCall"}], [{"functionResponse"}], [{"text"}]], [False, False, True, False]),
        ([[{"text"}], [{"text"}, {"functionCall"}], [{"functionResponse"}]], [False, False, True]),
        ([[{"functionResponse"}, {"text"}]], [True]),
    ],
)
def test_a_call_and_its_responses_are_not_parted(turns: list[list[set[str]]], parted: list[bool]) -> None:
    assert list(exchange_turns(turns)) == parted


def test_tokens_of_a_part_are_estimated_and_unknown_ones_are_said() -> None:
    measure = default_measure()
    assert 0 < measure(b'{"text":"hello world"}') < 10
    assert measure(b'{"text":"say \\"hello\\""}') > 0
    assert math.isnan(measure(b'{"fileData":{"fileUri":"https://example.org/a.pdf"}}'))


def test_the_root_comes_as_its_parts() -> None:
    request = decode_line(
        json.dumps(
            {
                "key": "k",
                "request": {
                    "contents": [{"parts": [{"text": "x"}]}],
                    "systemInstruction": {"parts": [{"text": "a"}, {"text": "b"}]},
                    "tools": [{"googleSearch": {}}],
                },
            }
        )
    ).request
    assert [json.loads(part) for part in header_parts(request)] == [
        {"text": "a"},
        {"text": "b"},
        [{"googleSearch": {}}],
    ]


def test_a_part_is_written_as_it_was_without_white_space_between_members() -> None:
    assert part_json({"text": Raw(b'"a"'), "thought": Raw(b"true")}) == b'{"text":"a","thought":true}'


def test_requests_for_embeddings_are_read_too() -> None:
    line = b'{"key":"k","request":{"content":{"parts":[{"text":"x"}]}}}'
    assert [bytes(part) for part in decode_embedding_line(line).request.content.parts] == [b'{"text":"x"}']
