"""Fields from a JSON Schema: Gemini's spelling or the common one, Pydantic's with references, OpenAI's wrapper.

What fields cannot say (patterns, alternatives) is kept in the schema that is sent, and named.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from batch.errors import Fault
from batch.fields.answer_field import AnswerField, FieldType
from batch.requests.response_schema import convert
from batch.rules.schema_equivalents import DATE_NOTE, DATE_PATTERN, to_equivalents

Schema = dict[str, Any]

_TYPES = {
    "STRING": FieldType.TEXT,
    "NUMBER": FieldType.NUMBER,
    "INTEGER": FieldType.WHOLE,
    "BOOLEAN": FieldType.YES_NO,
    "ARRAY": FieldType.LIST,
    "OBJECT": FieldType.GROUP,
}
_SAID_BY_FIELDS = {
    "type", "description", "title", "nullable", "enum", "items", "properties", "required", "propertyOrdering",
    "minimum", "maximum", "minItems", "maxItems",
}  # fmt: skip


class SchemaReading(NamedTuple):
    """The fields of a schema; `schema` if it says more than they do (else {}), notes in words, and what is wrong."""

    fields: list[AnswerField]
    schema: Schema
    notes: list[str]
    faults: list[Fault]


def is_schema(value: dict[str, Any]) -> bool:
    """Whether an object is a schema, and not an example of an answer."""
    return (
        isinstance(value.get("properties"), dict)
        or "$schema" in value
        or "$ref" in value
        or isinstance(value.get("json_schema"), dict)
        or (isinstance(value.get("schema"), dict) and is_schema(value["schema"]))
        or str(value.get("type")).lower() == "json_schema"
        or (str(value.get("type")).lower() == "array" and "items" in value)
    )


def read_schema(given: dict[str, Any]) -> SchemaReading:
    """Read a schema. Its faults name their place ("the schema › product › items")."""
    notes: list[str] = []
    given = _unwrap(given, notes)
    given, replaced = to_equivalents(given)
    notes += replaced
    conversion = convert(given)
    if conversion.faults:
        return SchemaReading([], {}, notes, conversion.faults)
    schema = conversion.schema
    if schema.get("type") != "OBJECT" or not schema.get("properties"):
        fault = Fault(
            "The schema does not describe an object with properties, which become the columns.",
            'Give {"type": "object", "properties": {…}}, or send the schema as it is with --schema FILE.',
        )
        return SchemaReading([], {}, notes, [fault])
    kept: list[str] = []
    fields = [_field(name, node, name in schema.get("required", []), kept) for name, node in _ordered(schema)]
    notes += [f"{change[0].upper()}{change[1:]}." for change in conversion.changes]
    if kept:
        notes.append(f"Kept in the schema as given: {', '.join(kept[:12])}.")
    return SchemaReading(fields, _with_ordering(schema) if kept else {}, notes, [])


def _unwrap(given: Schema, notes: list[str]) -> Schema:
    """The schema inside of OpenAI's response_format or function, and of Gemini's generationConfig."""
    for _ in range(3):
        inner = next(
            (
                given[name]
                for name in ("json_schema", "schema", "responseSchema", "response_schema", "responseJsonSchema")
                if isinstance(given.get(name), dict) and "properties" not in given
            ),
            None,
        )
        if inner is None:
            return given
        notes.append("The schema was taken out of what stood around it.")
        given = inner
    return given


def _ordered(schema: Schema) -> list[tuple[str, Schema]]:
    """The properties in the schema's own order of answering, those it does not name last."""
    properties: dict[str, Schema] = schema["properties"]
    first = [name for name in schema.get("propertyOrdering", []) if name in properties]
    return [(name, properties[name]) for name in dict.fromkeys([*first, *properties])]


def _field(name: str, node: Schema, required: bool, kept: list[str]) -> AnswerField:
    kind = _TYPES.get(str(node.get("type")), FieldType.TEXT)
    is_date = node.get("pattern") == DATE_PATTERN and kind is FieldType.TEXT
    kept += [f"{word} of {name or 'the items'}" for word in node if word not in _SAID_BY_FIELDS and not (
        word == "pattern" and is_date)]  # fmt: skip
    note = str(node.get("description") or "")
    low, high = ("minItems", "maxItems") if kind is FieldType.LIST else ("minimum", "maximum")
    items, fields = None, tuple[AnswerField, ...]()
    if kind is FieldType.LIST:
        items = _field("", node.get("items", {}), True, kept)
    if kind is FieldType.GROUP and node.get("properties"):
        needed = node.get("required", [])
        fields = tuple(_field(inner, part, inner in needed, kept) for inner, part in _ordered(node))
    return AnswerField(
        name,
        FieldType.DATE if is_date else FieldType.CHOICE if node.get("enum") and kind is FieldType.TEXT else kind,
        choices=tuple(node.get("enum", ())) if kind is FieldType.TEXT else (),
        minimum=_number(node.get(low)),
        maximum=_number(node.get(high)),
        note=note.removesuffix(DATE_NOTE).strip().removesuffix(".") if is_date else note,
        required=required and not node.get("nullable"),
        items=None if items == AnswerField("") else items,
        fields=fields,
    )


def _number(value: Any) -> float | None:
    return None if value is None or isinstance(value, bool) else float(value)


def _with_ordering(schema: Schema) -> Schema:
    """A schema whose objects all say in which order to answer."""
    out = {name: _with_ordering(part) if name == "items" else part for name, part in schema.items()}
    if isinstance(out.get("properties"), dict) and out["properties"]:
        out["properties"] = {name: _with_ordering(part) for name, part in _ordered(schema)}
        out.setdefault("propertyOrdering", list(out["properties"]))
    return out
