"""Does a value fit a response schema? In Gemini's spelling (types in capitals, `nullable`) or JSON Schema's. Pure.

Knows the keywords that Gemini's structured output documents; others are dropped, as Gemini ignores them. The check
itself is jsonschema-rs's: translated once for each schema, with words of our own, since its messages quote the value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any, str], str]
"""`check(value, path)` says the first problem, "" if the value fits.

The value must not have thousands of levels, where the library overflows its stack: orjson reads 1,024 at most.
"""
PATH_CHARACTERS = 200  # of where a problem is
_TYPES = ("string", "integer", "number", "boolean", "array", "object", "null")
_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_SIZES = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")


def compile_schema(schema: Any) -> Check:
    """A check for values. A schema that cannot be read as one lets everything pass."""
    import jsonschema_rs  # 40 ms that only runs with structured answers need

    translated = _Translation(schema).result
    try:
        validator = jsonschema_rs.Draft202012Validator(
            translated, validate_formats=False, offline=True, pattern_options=_linear()
        )
    except ValueError:
        return lambda value, path: ""

    def check(value: Any, path: str) -> str:
        if validator.is_valid(value):
            return ""
        try:
            return _describe(next(iter(validator.iter_errors(value))), path)
        except ValueError:
            return f"{path} is nested too deeply to be checked"

    return check


def single_type(schema: Any) -> str:
    """The one type of a schema besides null, in lower case; "" if there is no single one."""
    if not isinstance(schema, dict):
        return ""
    types = [name for name in _types(schema) if name != "null"]
    return types[0] if len(types) == 1 else ""


def _types(schema: Mapping[str, Any]) -> list[str]:
    """The types a schema allows, in lower case; Gemini writes them in capitals, and null as `nullable`."""
    given = schema.get("type")
    names = [str(name).lower() for name in (given if isinstance(given, list) else [given] if given else [])]
    if schema.get("nullable") and names:
        names.append("null")
    return list(dict.fromkeys(name for name in names if name in _TYPES))


class _Translation:
    """A schema in the library's terms. Whatever is referred to becomes a definition, translated when first met."""

    def __init__(self, schema: Any) -> None:
        self._root = schema
        self._names: dict[str, str] = {}
        self._definitions: dict[str, Any] = {}
        result = self._translate(schema)
        self.result = {**result, "$defs": self._definitions} if isinstance(result, dict) else result

    def _translate(self, schema: Any) -> Any:
        if not isinstance(schema, dict):
            return schema is not False
        if isinstance(reference := schema.get("$ref"), str):  # alone: Gemini looks at nothing beside it
            return self._reference(reference)
        every = {
            **({"type": types} if (types := _types(schema)) else {}),
            **_values(schema),
            **_bounds(schema),
            **_pattern(schema),
            **self._members(schema),
            **self._combinations(schema),
        }
        judges_null = not every.keys().isdisjoint(("const", "anyOf", "allOf"))
        return {"anyOf": [{"type": "null"}, every]} if schema.get("nullable") and judges_null else every

    def _reference(self, reference: str) -> dict[str, str]:
        if reference not in self._names:
            name = self._names[reference] = f"d{len(self._names)}"
            self._definitions[name] = self._translate(self._target(reference))
        return {"$ref": f"#/$defs/{self._names[reference]}"}

    def _target(self, reference: str) -> Any:
        """What `#/$defs/Name` refers to; None, which lets everything pass, if there is no such thing."""
        target = self._root
        for step in reference.lstrip("#").strip("/").split("/") if reference.strip("#/") else ():
            target = target.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(target, dict) else None
        return target

    def _members(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """Keywords of objects and arrays."""
        members: dict[str, Any] = {}
        if required := [name for name in _list(schema.get("required")) if isinstance(name, str)]:
            members["required"] = list(dict.fromkeys(required))
        if isinstance(properties := schema.get("properties"), dict):
            members["properties"] = {name: self._translate(part) for name, part in properties.items()}
        if prefix := _list(schema.get("prefixItems")):
            members["prefixItems"] = [self._translate(part) for part in prefix]
        for name in ("additionalProperties", "items"):
            if name in schema:
                members[name] = self._translate(schema[name])
        return members

    def _combinations(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """anyOf, and oneOf read as anyOf, as Gemini reads it; allOf."""
        either = _list(schema.get("anyOf")) or _list(schema.get("oneOf"))
        parts = {"anyOf": either, "allOf": _list(schema.get("allOf"))}
        return {name: [self._translate(part) for part in given] for name, given in parts.items() if given}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _values(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The values allowed. Whole numbers beyond 64 bits become floats, as they do when an answer is read."""
    values: dict[str, Any] = {"const": schema["const"]} if "const" in schema else {}
    if isinstance(schema.get("enum"), list):
        huge = [isinstance(one, int) and abs(one) >= 2**63 for one in schema["enum"]]
        values["enum"] = [float(one) if big else one for one, big in zip(schema["enum"], huge, strict=True)]
        values["enum"] += [None] if schema.get("nullable") else []
    return values


def _bounds(schema: Mapping[str, Any]) -> dict[str, float]:
    """Ranges and sizes; whole ones are strings in Gemini's JSON (int64), and sizes must be whole for the library."""
    bounds = {name: limit for name in (*_NUMBERS, *_SIZES) if (limit := _number(schema.get(name))) is not None}
    for name in bounds.keys() & set(_SIZES):
        bounds[name] = max(0, math.ceil(bounds[name]) if name.startswith("min") else math.floor(bounds[name]))
    return bounds


def _number(value: Any) -> float | None:
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return value if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) else None


def _pattern(schema: Mapping[str, Any]) -> dict[str, str]:
    """The pattern, if it can be held against a text in one go: none with references back or a look around."""
    import jsonschema_rs

    pattern = schema.get("pattern")
    if not isinstance(pattern, str):
        return {}
    try:
        jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=_linear())
    except ValueError:
        return {}
    return {"pattern": pattern}


def _linear() -> Any:
    """Patterns are strangers': by this engine they take time in proportion to the answer, and never give up on it."""
    import jsonschema_rs

    return jsonschema_rs.RegexOptions()


def _describe(error: Any, root: str) -> str:
    """The first problem in our words, which do not quote the answer."""
    steps = error.instance_path
    path = root + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    path = path if len(path) <= PATH_CHARACTERS else f"…{path[-PATH_CHARACTERS:]}"
    kind = error.kind
    match kind.name:
        case "required":
            return f"{path}.{kind.property} is missing"
        case "type":
            return f"{path} is not of type {' or '.join(sorted(kind.types, key='null'.__eq__))}"
        case "enum" | "const":
            return f"{path} is not one of the allowed values"
        case "pattern":
            return f"{path} does not match the pattern"
        case "anyOf":
            return f"{path} fits none of the alternatives"
        case "additionalProperties":
            return f"{path}.{kind.as_dict()['unexpected'][0]} is not allowed"
        case "falseSchema" if error.schema_path[-1:] == ["additionalProperties"]:
            return f"{path} has a property that is not allowed"
        case "falseSchema":
            return f"{path} is not allowed"
    return f"{path} breaks {kind.name} {kind.limit:g}" if hasattr(kind, "limit") else f"{path} breaks {kind.name}"
