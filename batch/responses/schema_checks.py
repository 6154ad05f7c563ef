"""Does a value fit a response schema? In Gemini's spelling (types in capitals, `nullable`) or JSON Schema's. Pure.

Knows the keywords that Gemini's structured output documents. Others are ignored, as Gemini ignores them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from operator import ge, gt, le, lt
from typing import Any

import orjson

Violation = str  # "" if there is none
Check = Callable[[Any, str], Violation]

_TYPES: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: (isinstance(value, int) and not isinstance(value, bool)) or _is_whole_float(value),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "null": lambda value: value is None,
}


def compile_schema(schema: Any, root: Any = None, compiled_references: dict[str, Check] | None = None) -> Check:
    """A check for values: `check(value, path)` says the first problem, "" if the value fits."""
    root, compiled_references = (schema, {}) if compiled_references is None else (root, compiled_references)
    if not isinstance(schema, dict):
        return (lambda value, path: f"{path} is not allowed") if schema is False else (lambda value, path: "")
    if isinstance(reference := schema.get("$ref"), str):
        return _reference_check(reference, root, compiled_references)
    makers = [make(schema, lambda part: compile_schema(part, root, compiled_references)) for make in _KEYWORDS]
    checks = [check for check in makers if check is not None]
    nullable = bool(schema.get("nullable"))

    def check(value: Any, path: str) -> Violation:
        if value is None and nullable:
            return ""
        for one in checks:
            if problem := one(value, path):
                return problem
        return ""

    return check


def _reference_check(reference: str, root: Any, compiled_references: dict[str, Check]) -> Check:
    """A check for `#/$defs/Name`, compiled when first used, so that schemas may refer to themselves."""

    def check(value: Any, path: str) -> Violation:
        if reference not in compiled_references:
            target = root
            for step in reference.lstrip("#").strip("/").split("/") if reference.strip("#/") else ():
                target = target.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(target, dict) else None
            compiled_references[reference] = compile_schema(target, root, compiled_references)
        return compiled_references[reference](value, path)

    return check


Compile = Callable[[Any], Check]


def _type_check(schema: Mapping[str, Any], _: Compile) -> Check | None:
    names = _types(schema)
    tests = [_TYPES[name] for name in names]
    if not tests:
        return None
    type_names = " or ".join(names)
    if len(tests) == 1:
        test = tests[0]
        return lambda value, path: "" if test(value) else f"{path} is not of type {type_names}"
    return lambda value, path: "" if any(one(value) for one in tests) else f"{path} is not of type {type_names}"


def _value_check(schema: Mapping[str, Any], _: Compile) -> Check | None:
    lists = [schema["enum"]] if isinstance(schema.get("enum"), list) else []
    lists += [[schema["const"]]] if "const" in schema else []
    if not lists:
        return None
    allowed = set.intersection(*({_canonical(value) for value in values} for values in lists))
    return lambda value, path: "" if _canonical(value) in allowed else f"{path} is not one of the allowed values"


def _canonical(value: Any) -> bytes:
    """A value as bytes that are equal exactly for equal JSON values: 1 is 1.0, and true is not 1."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        exact = abs(value) < 2**53 if isinstance(value, float) else abs(value) < 2**63
        return repr(int(value) if exact and value == int(value) else float(str(value))).encode()
    if isinstance(value, list):
        return b"[" + b",".join(map(_canonical, value)) + b"]"
    if isinstance(value, dict):
        items = sorted((_canonical(str(name)), _canonical(item)) for name, item in value.items())
        return b"{" + b",".join(name + b":" + item for name, item in items) + b"}"
    return orjson.dumps(value, default=str)


def _bounds_check(schema: Mapping[str, Any], _: Compile) -> Check | None:
    """Sizes and ranges."""
    given = {name: limit for name in _BOUNDS if (limit := _number(schema.get(name))) is not None}
    limits = [(name, limit, *_BOUNDS[name]) for name, limit in given.items()]
    if not limits:
        return None

    def check(value: Any, path: str) -> Violation:
        for name, limit, type, measure, fits in limits:
            if _TYPES[type](value) and not fits(measure(value), limit):
                return f"{path} breaks {name} {limit:g}"
        return ""

    return check


# keyword: (values it speaks of, what is measured, how it must compare with the bound)
_BOUNDS: dict[str, tuple[str, Callable[[Any], float], Callable[[float, float], bool]]] = {
    "minimum": ("number", lambda value: value, ge),
    "maximum": ("number", lambda value: value, le),
    "exclusiveMinimum": ("number", lambda value: value, gt),
    "exclusiveMaximum": ("number", lambda value: value, lt),
    "minLength": ("string", len, ge),
    "maxLength": ("string", len, le),
    "minItems": ("array", len, ge),
    "maxItems": ("array", len, le),
    "minProperties": ("object", len, ge),
    "maxProperties": ("object", len, le),
}


def _number(value: Any) -> float | None:
    """A bound; whole ones are strings in Gemini's JSON (int64)."""
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _pattern_check(schema: Mapping[str, Any], _: Compile) -> Check | None:
    if not isinstance(schema.get("pattern"), str):
        return None
    try:
        pattern = re.compile(schema["pattern"])
    except re.error:
        return None
    return lambda value, path: (
        f"{path} does not match the pattern" if isinstance(value, str) and pattern.search(value) is None else ""
    )


def _object_check(schema: Mapping[str, Any], compile_part: Compile) -> Check | None:
    required = [name for name in schema.get("required") or [] if isinstance(name, str)]
    properties = schema.get("properties")
    parts = {name: compile_part(part) for name, part in properties.items()} if isinstance(properties, dict) else {}
    additional = compile_part(schema["additionalProperties"]) if "additionalProperties" in schema else None
    if not (required or parts or additional):
        return None

    def check(value: Any, path: str) -> Violation:
        if not isinstance(value, dict):
            return ""
        for name in required:
            if name not in value:
                return f"{path}.{name} is missing"
        for name, item in value.items():
            one = parts.get(name, additional)
            if one is not None and (problem := one(item, f"{path}.{name}")):
                return problem
        return ""

    return check


def _array_check(schema: Mapping[str, Any], compile_part: Compile) -> Check | None:
    prefix_checks = [compile_part(part) for part in schema.get("prefixItems") or []]
    rest = compile_part(schema["items"]) if "items" in schema else None
    if not prefix_checks and rest is None:
        return None

    def check(value: Any, path: str) -> Violation:
        if not isinstance(value, list):
            return ""
        for number, item in enumerate(value):
            one = prefix_checks[number] if number < len(prefix_checks) else rest
            if one is not None and (problem := one(item, f"{path}[{number}]")):
                return problem
        return ""

    return check


def _combination_check(schema: Mapping[str, Any], compile_part: Compile) -> Check | None:
    """anyOf, and oneOf read as anyOf, as Gemini reads it; allOf."""
    either = [compile_part(part) for part in schema.get("anyOf") or schema.get("oneOf") or []]
    every = [compile_part(part) for part in schema.get("allOf") or []]
    if not either and not every:
        return None

    def check(value: Any, path: str) -> Violation:
        for one in every:
            if problem := one(value, path):
                return problem
        if either and all(one(value, path) for one in either):
            return f"{path} fits none of the alternatives"
        return ""

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
    return [name for name in names if name in _TYPES]


def _is_whole_float(value: Any) -> bool:
    return isinstance(value, float) and value.is_integer()


_KEYWORDS: tuple[Callable[[Mapping[str, Any], Compile], Check | None], ...] = (
    _type_check,
    _value_check,
    _bounds_check,
    _pattern_check,
    _object_check,
    _array_check,
    _combination_check,
)
