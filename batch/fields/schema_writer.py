"""Fields to the schema that Gemini takes: an object whose properties come in the fields' order.

Enums are texts, notes go into descriptions, and every date has one pattern, by which results know the column's type
(of formats, `responseSchema` takes only "date-time" and "enum" for texts).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from batch.fields.answer_field import AnswerField, FieldType
from batch.rules.schema_equivalents import DATE_NOTE, DATE_PATTERN

Schema = dict[str, Any]

_TYPES = {
    FieldType.TEXT: "STRING",
    FieldType.CHOICE: "STRING",
    FieldType.DATE: "STRING",
    FieldType.NUMBER: "NUMBER",
    FieldType.WHOLE: "INTEGER",
    FieldType.YES_NO: "BOOLEAN",
    FieldType.LIST: "ARRAY",
    FieldType.GROUP: "OBJECT",
}


def schema_of(fields: Sequence[AnswerField]) -> Schema:
    """The response schema of these fields; {} for none. They must be without faults (`field_faults`)."""
    return _object(fields) if fields else {}


def _object(fields: Sequence[AnswerField]) -> Schema:
    names = [field.name for field in fields]
    required = [field.name for field in fields if field.required]
    schema: Schema = {"type": "OBJECT", "properties": {field.name: _property(field) for field in fields}}
    if required:
        schema["required"] = required
    schema["propertyOrdering"] = names
    return schema


def _property(field: AnswerField) -> Schema:
    schema: Schema = {"type": _TYPES[field.type]}
    note = field.note
    if field.type is FieldType.GROUP:
        schema = _object(field.fields)
    elif field.type is FieldType.LIST:
        schema["items"] = _property(field.items or AnswerField(""))
        _set_bounds(schema, field, "minItems", "maxItems")
    elif field.type is FieldType.CHOICE:
        schema["enum"] = list(field.choices)
    elif field.type is FieldType.DATE:
        schema["pattern"] = DATE_PATTERN
        note = f"{note.rstrip('.')}. {DATE_NOTE}" if note else DATE_NOTE
    elif field.type in (FieldType.NUMBER, FieldType.WHOLE):
        _set_bounds(schema, field, "minimum", "maximum")
    if note:
        schema["description"] = note
    if not field.required:
        schema["nullable"] = True
    return schema


def _set_bounds(schema: Schema, field: AnswerField, low: str, high: str) -> None:
    for keyword, bound in ((low, field.minimum), (high, field.maximum)):
        if bound is not None:
            schema[keyword] = int(bound) if float(bound).is_integer() else bound
