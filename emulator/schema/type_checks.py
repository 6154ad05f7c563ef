"""A Schema held to its types: which keyword may stand beside which type.

Wordings as users quote them: browser-use 3786 (empty objects), opencode 11889 (properties on other types), gemini-cli
3178 (formats). A JSON schema (`responseJsonSchema`, `parametersJsonSchema`) is not held to this.
"""

from collections.abc import Iterator
from typing import Any

from emulator.core.errors import invalid

_FORMATS = {"STRING": ("enum", "date-time"), "NUMBER": ("float", "double"), "INTEGER": ("int32", "int64")}
_ONLY_FOR = {  # keyword -> the one type that it may stand beside, and its name on the wire
    "properties": ("OBJECT", "properties"),
    "required": ("OBJECT", "required"),
    "items": ("ARRAY", "items"),
    "enum": ("STRING", "enum"),
}


def check_schema(schema: dict[str, Any], place: str) -> None:
    """Raise the service's 400 with everything that does not fit; `place` is the path of the schema."""
    if problems := [f"* {where}: {text}\n" for where, text in _problems(schema, place)]:
        raise invalid("".join(problems))


def _problems(schema: dict[str, Any], place: str) -> Iterator[tuple[str, str]]:
    kind = schema.get("type", "")
    if kind and kind != "TYPE_UNSPECIFIED":
        yield from _misplaced_keywords(schema, kind, place)
    if kind == "OBJECT" and not _is_reference(schema):
        yield from _object_problems(schema, place)
    if kind == "ARRAY" and "items" not in schema and not _is_reference(schema):
        yield f"{place}.items", "missing field."
    for where, inner in _inner_schemas(schema, place):
        yield from _problems(inner, where)


def _misplaced_keywords(schema: dict[str, Any], kind: str, place: str) -> Iterator[tuple[str, str]]:
    for keyword, (owner, name) in _ONLY_FOR.items():
        if schema.get(keyword) and kind != owner:
            yield f"{place}.{name}", f"only allowed for {owner} type"
    allowed = _FORMATS.get(kind)
    if allowed and schema.get("format") and schema["format"] not in allowed:
        yield f"{place}.format", f"only '{allowed[0]}' and '{allowed[1]}' are supported for {kind} type"


def _object_problems(schema: dict[str, Any], place: str) -> Iterator[tuple[str, str]]:
    """An object needs properties: a free dictionary (`additionalProperties` alone) is refused for every row."""
    properties = schema.get("properties") or {}
    if not properties:
        yield f"{place}.properties", "should be non-empty for OBJECT type"
    for index, name in enumerate(schema.get("required") or ()):
        if properties and name not in properties:
            yield f"{place}.required[{index}]", "property is not defined"


def _is_reference(schema: dict[str, Any]) -> bool:
    return bool(schema.get("ref") or schema.get("anyOf"))


def _inner_schemas(schema: dict[str, Any], place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, inner in (schema.get("properties") or {}).items():
        yield f"{place}.properties[{name}]", inner
    for name, inner in (schema.get("defs") or {}).items():
        yield f"{place}.defs[{name}]", inner
    if "items" in schema:
        yield f"{place}.items", schema["items"]
    for index, inner in enumerate(schema.get("anyOf") or ()):
        yield f"{place}.any_of[{index}]", inner
