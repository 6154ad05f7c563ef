"""Fields from an example of the answer: `{"sentiment": "positive | negative", "urgency": 3, "due": "2026-05-01"}`.

A value tells its type; a text that describes a type, such as "1..5" or "string", is read as one. No value is sent.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import replace
from typing import Any

from batch.errors import InputError
from batch.fields.answer_field import MAX_DEPTH, AnswerField, FieldType
from batch.fields.type_words import read_type

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_PLACEHOLDER = re.compile(r"[<\[{].{1,200}[>\]}]|\.\.\.|…", re.DOTALL)
_MAX_TYPE_CHARS = 500  # of a value that is taken for the description of a type


def read_example(example: dict[str, Any]) -> tuple[list[AnswerField], list[str]]:
    """The fields of an example, in its order, and notes on what its values were taken for."""
    notes: list[str] = []
    return [_field(name, value, notes, 1) for name, value in example.items()], notes


def _field(name: str, value: Any, notes: list[str], depth: int) -> AnswerField:
    if depth > MAX_DEPTH:
        raise InputError(f'The example is more than {MAX_DEPTH} levels deep at "{name[:60]}".', "Flatten it.")
    if value is None:
        notes.append(f'"{name}" is null in the example; it is a text that may be empty.')
        return AnswerField(name, required=False)
    if isinstance(value, bool):
        return AnswerField(name, FieldType.YES_NO)
    if isinstance(value, int):
        return AnswerField(name, FieldType.WHOLE)
    if isinstance(value, float):
        return AnswerField(name, FieldType.NUMBER)
    if isinstance(value, dict):
        inner = tuple(_field(key, part, notes, depth + 1) for key, part in value.items())
        return AnswerField(name, FieldType.GROUP, fields=inner)
    if isinstance(value, list):
        held = _field(name, value[0], notes, depth + 1) if value else AnswerField("")
        plain = held.type is FieldType.TEXT and not held.note
        return AnswerField(name, FieldType.LIST, items=None if plain else replace(held, name=""))
    return _text(name, str(value))


def _text(name: str, value: str) -> AnswerField:
    text = value.strip()
    if _DATE.fullmatch(text) and _is_date(text):
        return AnswerField(name, FieldType.DATE)
    if _PLACEHOLDER.fullmatch(text) and len(text) > 3:
        inner = text[1:-1].strip()
        return replace(read_type(inner) or AnswerField("", note=inner), name=name)
    described = read_type(text) if len(text) <= _MAX_TYPE_CHARS else None
    if described is not None and _is_sure(described):
        return replace(described, name=name)
    return AnswerField(name)


def _is_sure(field: AnswerField) -> bool:
    """Whether a value surely describes a type: not so a sentence that merely begins with the name of one."""
    return not field.note or (field.type is FieldType.CHOICE and len(field.choices) > 1)


def _is_date(text: str) -> bool:
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        return False
    return True
