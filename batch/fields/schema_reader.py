"""Fields from a JSON Schema: Gemini's spelling or the common one, Pydantic's with references, OpenAI's wrapper.

What fields cannot say (patterns, alternatives) is kept in the schema that is sent, and named.
"""

from __future__ import annotations

from math import isfinite
from typing import Any, NamedTuple

from batch.errors import Fault
from batch.fields.answer_field import AnswerField, FieldType
from batch.fields.schema_writer import DATE_NOTE
from batch.requests.response_schema import convert
from batch.responses.structured_output import DATE_PATTERN

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
_DEPTH_READ = 40


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
    conversion = convert(_soften(given, notes, "", _DEPTH_READ))
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


def _soften(node: Any, notes: list[str], place: str, depth: int) -> Any:
    """What has a near equivalent in Gemini's form: formats of texts become words, enums of numbers texts or ranges."""
    if depth == 0 or not isinstance(node, dict | list):
        return node
    if isinstance(node, list):
        return [_soften(part, notes, place, depth - 1) for part in node]
    out = {name: _soften(part, notes, _inner_place(place, name), depth - 1) for name, part in node.items()}
    kind = str(out.get("type")).lower()
    if isinstance(out.get("format"), str) and kind in ("string", "none") and out["format"] not in ("date-time", "enum"):
        _soften_format(out, notes, place)
    values = out.get("enum")
    if isinstance(values, list) and values and all(type(value) in (int, float) and isfinite(value) for value in values):
        _soften_numbers(out, values, notes, place)
    return out


def _inner_place(place: str, name: str) -> str:
    return place if name in ("properties", "items", "$defs", "definitions", "anyOf") else name


def _soften_format(node: Schema, notes: list[str], place: str) -> None:
    given = node.pop("format")
    described = str(node.get("description") or "").rstrip(".")
    if given == "date":
        node["pattern"] = DATE_PATTERN
        node["description"] = f"{described}. {DATE_NOTE}" if described else DATE_NOTE
    else:
        node["description"] = f"{described}. Format: {given}." if described else f"Format: {given}."
        notes.append(f'The format "{given[:40]}" of "{place}" went into its description; Gemini does not take it.')


def _soften_numbers(node: Schema, values: list[float], notes: list[str], place: str) -> None:
    if values == list(range(int(values[0]), int(values[0]) + len(values))):
        del node["enum"]
        node |= {"type": "integer", "minimum": int(values[0]), "maximum": int(values[-1])}
        notes.append(f'The numbers allowed for "{place}" became a range.')
    else:
        node |= {"type": "string", "enum": [str(value) for value in values]}
        notes.append(f'The numbers allowed for "{place}" are sent as texts; Gemini takes no others in an enum.')


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
