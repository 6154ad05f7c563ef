"""Objects inside texts: the members that rows share go first, spelled as they were; what cannot be read is left."""

from __future__ import annotations

import json
from typing import Any

import pytest

from batch.arrangement.json_texts import is_structure, json_text, may_be_json, member_names, ordered, text_bytes

LONG = "word " * 60


def body(text: str) -> bytes:
    return text_bytes(text)


def arranged(value: dict[str, Any], indent: int | None = None) -> tuple[str, str, int]:
    """The two pieces of an object whose members named `shared…` two rows have, and what was moved."""
    counted: dict[int, int] = {}

    def count(part: dict[str, Any]) -> None:
        found = json_text(body(json.dumps(part, indent=indent)))
        assert found is not None
        names = member_names(found.value)
        counted.update({name: 1 + key.startswith("shared") for key, name in zip(_keys(part), names, strict=True)})

    count(value)
    found = json_text(body(json.dumps(value, indent=indent)))
    assert found is not None
    order = ordered(found.value, lambda names: [counted.get(name, 1) for name in names])
    assert order is not None and json.loads(order.first + order.rest) == value
    return order.first.decode(), order.rest.decode(), order.moved


def _keys(value: dict[str, Any]) -> list[str]:
    keys: list[str] = []
    for key, member in value.items():
        if len(json.dumps(member)) >= 200:
            keys += [key, *(_keys(member) if isinstance(member, dict) else [])]
    return keys


def test_shared_members_go_first() -> None:
    first, rest, moved = arranged({"q": "why?", "shared": LONG, "n": 1})
    assert first == f'{{"shared": "{LONG}",\n' and rest == '"q": "why?",\n"n": 1}' and moved == 1


def test_members_keep_their_lines_and_those_inside_others_are_found() -> None:
    first, rest, moved = arranged({"id": 7, "input": {"q": "why?", "shared": [LONG]}}, indent=2)
    assert first.startswith('{\n  "input": {\n    "shared": [') and moved == 2
    assert rest == '"q": "why?"\n  },\n  "id": 7\n}'


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', "{'a': 1}", "{open", '["a"]', "{}", "x\n{y", "[" * 5000])
def test_what_is_no_plain_object_is_left(text: str) -> None:
    assert json_text(body(text)) is None


def test_lines_before_and_behind_an_object_are_kept() -> None:
    text = 'Answer this.\n{"a": "b"}\nThanks.'
    found = json_text(body(text))
    assert (
        found is not None
        and (found.before, found.behind) == ("Answer this.\n", "\nThanks.")
        and may_be_json(body(text))
    )


def test_what_would_fall_apart_is_told_from_text_in_brackets() -> None:
    assert all(is_structure(body(text)) for text in ("{'a': 1}", '["a", "b"]', '{"a": 1}'))
    assert not any(is_structure(body(text)) for text in ("[17] The contract", "Say {this}", "[[emulate: ok]]"))
