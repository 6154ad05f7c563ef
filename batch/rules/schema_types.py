"""What Gemini refuses in a schema by the type beside it, one node at a time; the same for answers and for tools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from batch.errors import Fault
from batch.rules.rule_table import broken

# Google gives no figures for its "too many states"; from about here on people met the refusal.
MANY_VALUES, MANY_ITEMS = 100, 50
_TYPE_OF_KEYWORD = {"properties": "OBJECT", "required": "OBJECT", "propertyOrdering": "OBJECT", "items": "ARRAY"}
_FORMATS = {"STRING": ("enum", "date-time"), "INTEGER": ("int32", "int64"), "NUMBER": ("float", "double")}


def schema_faults(node: Mapping[str, Any], path: str) -> Iterator[Fault]:
    """What is wrong with one node in the wire's spelling, besides what is wrong further in."""
    kind = node.get("type")
    if kind is None and "anyOf" in node:
        return
    yield from _object_faults(node, path)
    for keyword, wanted in _TYPE_OF_KEYWORD.items():
        if keyword in node and isinstance(kind, str) and kind != wanted:
            yield broken("schema_keyword_type", path=path, keyword=keyword, kind=f"the type {kind}", wanted=wanted)
    if "enum" in node and isinstance(kind, str) and kind != "STRING" and _is_texts(node["enum"]):
        yield broken("schema_enum_type", path=path, what=f"an enum stands at the type {kind}")
    yield from _format_faults(node, path)


def is_large(node: Mapping[str, Any]) -> bool:
    """Whether one node may make the schema too large to be served."""
    values = node.get("enum")
    bounds = [int(node[name]) for name in ("minItems", "maxItems") if str(node.get(name, "")).isdecimal()]
    return (isinstance(values, list) and len(values) > MANY_VALUES) or max(bounds, default=0) > MANY_ITEMS


def _object_faults(node: Mapping[str, Any], path: str) -> Iterator[Fault]:
    if node.get("properties") or node.get("type", "OBJECT") != "OBJECT":
        return
    if "additionalProperties" in node:
        yield broken("schema_free_dictionary", path=path)
    elif "type" in node and "anyOf" not in node:
        yield broken("schema_empty_object", path=path)


def _format_faults(node: Mapping[str, Any], path: str) -> Iterator[Fault]:
    given, kind = node.get("format"), node.get("type")
    if not isinstance(given, str) or given in _FORMATS.get(str(kind), () if kind else sum(_FORMATS.values(), ())):
        return
    known = _FORMATS.get(str(kind), ())
    advice = f"Write {' or '.join(known)}" if known else "Remove it"
    yield broken(
        "schema_format", path=path, format=given[:60], kind=f"the type {kind or 'that is not given'}", known=advice
    )


def _is_texts(values: object) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)
