"""Bring a JSON Schema into the form that Gemini's `responseSchema` takes, without changing what it allows.

`responseSchema` is a subset of OpenAPI's schema: no `$ref`, no lists of types, no `const`, enums of texts only
(field list: google-genai 3.4.0, `types.Schema`). What can be said in that subset is rewritten, what cannot is refused
with words. The promise: an answer is allowed by the result exactly if it is allowed by the input.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from batch.errors import Fault
from batch.formatting import quoted_list
from batch.requests.field_table import camel_case
from batch.rules.rule_table import broken
from batch.rules.schema_types import is_large, schema_faults

Schema = dict[str, Any]

TYPES = ("STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL")
# Google gives no figure for its "maximum allowed nesting depth"; people met the refusal from about six levels on
# (js-genai issue 882, Portkey gateway issue 1546). Deep ones are named, absurd ones refused.
WARN_DEPTH = 5
MAX_DEPTH = 32
# Inlining may repeat a definition many times over; a schema that grows beyond this is refused.
MAX_NODES = 20_000

_COUNT, _NUMBER, _TEXT, _TEXTS, _FLAG, _ANY = "count", "number", "text", "texts", "flag", "any"
_KEYWORDS: dict[str, str] = {
    "type": _TEXT, "format": _TEXT, "title": _TEXT, "description": _TEXT, "pattern": _TEXT,
    "nullable": _FLAG, "enum": _ANY, "required": _TEXTS, "propertyOrdering": _TEXTS,
    "minItems": _COUNT, "maxItems": _COUNT, "minLength": _COUNT, "maxLength": _COUNT,
    "minProperties": _COUNT, "maxProperties": _COUNT, "minimum": _NUMBER, "maximum": _NUMBER,
    "example": _ANY, "default": _ANY, "additionalProperties": _ANY,
    "items": _ANY, "properties": _ANY, "anyOf": _ANY,
}  # fmt: skip
_ANNOTATIONS = frozenset(["$schema", "$id", "$comment", "$anchor", "examples", "deprecated", "readOnly", "writeOnly"])
_UNSUPPORTED_KEYWORDS = {
    "const": "use an enum of texts",
    "not": "describe the allowed values instead",
    "if": "use anyOf with one schema for each case",
    "then": "use anyOf with one schema for each case",
    "else": "use anyOf with one schema for each case",
    "allOf": "write the combined schema out",
    "multipleOf": "say it in the description",
    "uniqueItems": "say it in the description",
    "prefixItems": "use an object with one property for each position",
    "contains": "say it in the description",
    "patternProperties": "use a list of objects with a name and a value",
    "propertyNames": "use a list of objects with a name and a value",
    "unevaluatedProperties": "remove it",
    "dependentRequired": "say it in the description",
    "dependentSchemas": "use anyOf with one schema for each case",
    "minContains": "say it in the description",
    "maxContains": "say it in the description",
}


@dataclass
class SchemaConversion:
    """A schema as it will be sent; what was rewritten, in words; what is wrong.

    `unchanged` tells that it was canonical; `is_large` that its enums or the bounds of its lists may be too large.
    """

    schema: Schema = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    depth: int = 0
    unchanged: bool = False
    is_large: bool = False

    def add_change(self, change: str) -> None:
        if change not in self.changes:
            self.changes.append(change)

    def add_fault(self, fault: str, remedy: str = "") -> None:
        self.add(Fault(fault, remedy))

    def add(self, fault: Fault) -> None:
        if len(self.faults) < 20:
            self.faults.append(fault)


def convert_json(text: str) -> SchemaConversion:
    """Read a schema given as JSON text. Never raises."""
    try:
        value = json.loads(text, parse_constant=_reject_constant)
    except RecursionError:
        return SchemaConversion(faults=[Fault("The response schema is nested too deeply to be read.", "Flatten it.")])
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        return SchemaConversion(
            faults=[Fault(f"The response schema is not valid JSON: {error.msg} ({where}).", "Correct it.")]
        )
    except ValueError as error:
        return SchemaConversion(faults=[Fault(f"The response schema is not valid JSON: {error}.", "Correct it.")])
    return convert(value)


def convert(value: object) -> SchemaConversion:
    """Convert a schema that was read already. The input is not touched."""
    conversion = SchemaConversion()
    if not isinstance(value, dict):
        conversion.add_fault(
            "The response schema is not a JSON object.", 'Begin with {"type": "OBJECT", "properties": {…}}.'
        )
        return conversion
    if isinstance(value.get("schema"), dict) and "type" not in value and "properties" not in value:
        conversion.add_fault(
            'The response schema is wrapped in an object with "schema", as OpenAI has it.', "Give the inner schema."
        )
        return conversion
    if value.get("type") == "json_schema":
        conversion.add_fault("The response schema is OpenAI's response_format.", 'Give only the object under "schema".')
        return conversion
    try:
        conversion.schema = _Converter(value, conversion).convert_node(value, "the schema", 1, ())
        conversion.unchanged = conversion.schema == value
    except RecursionError:
        conversion.add_fault("The response schema is nested too deeply to be read.", "Flatten it.")
    return conversion


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


class _Converter:
    def __init__(self, root: Schema, conversion: SchemaConversion) -> None:
        self._root = root
        self._conversion = conversion
        self._nodes = 0

    def convert_node(self, given: object, path: str, depth: int, followed_references: tuple[str, ...]) -> Schema:
        """Convert one schema. `followed_references` shows a circle."""
        self._nodes += 1
        self._conversion.depth = max(self._conversion.depth, depth)
        if given is True or given == {}:
            return {}
        if not isinstance(given, dict):
            self._conversion.add_fault(
                f"At {path} there is no schema but {_shorten_json(given)}.",
                'Write an object such as {"type": "STRING"}.',
            )
            return {}
        if depth > MAX_DEPTH or self._nodes > MAX_NODES:
            if not any("too large" in fault.fault for fault in self._conversion.faults):
                self._conversion.add_fault(
                    "The response schema is too large or too deep once its references are written out.", "Flatten it."
                )
            return {}
        schema = self._normalize_names(given, path)
        if "$ref" in schema:
            return self._expand_reference(schema, path, depth, followed_references)
        self._rewrite_equivalents(schema, path)
        return self._convert_keywords(schema, path, depth, followed_references)

    # -- names -----------------------------------------------------------------------------------------------------

    def _normalize_names(self, given: Schema, path: str) -> Schema:
        """The keywords in the wire's spelling; annotations without effect are left out."""
        schema: Schema = {}
        for name, value in given.items():
            wire_name = {"definitions": "$defs", "defs": "$defs", "ref": "$ref"}.get(name) or camel_case(name)
            if wire_name == "$defs":
                continue
            if wire_name in _ANNOTATIONS:
                self._conversion.add_change(f'"{name}" was left out; it does not limit the answer')
            elif wire_name in schema:
                self._conversion.add_fault(f'At {path}, "{wire_name}" is given in two spellings.', "Keep one.")
            else:
                schema[wire_name] = value
        return schema

    # -- references ------------------------------------------------------------------------------------------------

    def _expand_reference(self, schema: Schema, path: str, depth: int, followed_references: tuple[str, ...]) -> Schema:
        name = schema.pop("$ref")
        target = self._resolve_reference(name)
        if target is None:
            self._conversion.add_fault(
                f"At {path}, the reference {_shorten_json(name)} leads nowhere.", 'References look like "#/$defs/Name".'
            )
            return {}
        if name in followed_references:
            self._conversion.add_fault(
                f"At {path}, the reference {_shorten_json(name)} leads back to itself.",
                "Recursive schemas cannot be written out; limit the depth by hand.",
            )
            return {}
        self._conversion.add_change("references ($ref) were written out")
        inner = self.convert_node(target, path, depth, (*followed_references, str(name)))
        if set(schema) - {"title", "description", "default", "example", "nullable"}:
            self._conversion.add_fault(
                f"At {path}, a reference has further keywords beside it.", "Move them into the definition."
            )
        return {**inner, **{k: v for k, v in schema.items() if v is not None or k == "default"}}

    def _resolve_reference(self, name: object) -> object:
        if not isinstance(name, str) or not name.startswith("#"):
            return None
        node: object = self._root
        for step in name[1:].split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")
            node = node.get(step) if isinstance(node, dict) else None
        return node

    # -- what JSON Schema says in other words ----------------------------------------------------------------------

    def _rewrite_equivalents(self, schema: Schema, path: str) -> None:
        """Rewrite, in place, keywords that have an exact equivalent."""
        if "oneOf" in schema and "anyOf" not in schema:
            schema["anyOf"] = schema.pop("oneOf")
            self._conversion.add_change("oneOf is sent as anyOf, which is how Gemini understands it")
        options = schema.get("allOf")
        if isinstance(options, list) and len(options) == 1 and isinstance(options[0], dict):
            inner = self._normalize_names(options[0], path)
            if "$ref" in inner:
                inner = self._normalize_target(inner)
            if not set(inner) & (set(schema) - {"title", "description", "default"}):
                del schema["allOf"]
                schema.update({k: v for k, v in inner.items() if k not in schema})
                self._conversion.add_change("allOf of one schema was written out")
        self._rewrite_type_list(schema)
        self._rewrite_const(schema, path)
        self._rewrite_nullable_options(schema, path)
        self._rewrite_enum(schema, path)
        self._rewrite_exclusive_bounds(schema, path)
        additional = schema.get("additionalProperties")
        if additional is False or (additional is True and schema.get("properties")):
            del schema["additionalProperties"]
            self._conversion.add_change(
                '"additionalProperties" was left out; Gemini answers with the listed properties only'
            )

    def _normalize_target(self, inner: Schema) -> Schema:
        target = self._resolve_reference(inner["$ref"])
        return self._normalize_names(target, "") if isinstance(target, dict) else inner

    def _rewrite_type_list(self, schema: Schema) -> None:
        """["string", "null"] is a nullable string; several types are several schemas."""
        types = schema.get("type")
        if not isinstance(types, list) or not all(isinstance(t, str) for t in types):
            return
        non_null_types = [t for t in types if t.lower() != "null"]
        if len(non_null_types) < len(types):
            schema["nullable"] = True
            self._conversion.add_change('"null" among the types is sent as nullable')
        if len(non_null_types) == 1:
            schema["type"] = non_null_types[0]
        elif non_null_types and "anyOf" not in schema:
            del schema["type"]
            schema["anyOf"] = [{"type": t} for t in non_null_types]
            self._conversion.add_change("a list of types is sent as anyOf")

    def _rewrite_const(self, schema: Schema, path: str) -> None:
        if "const" not in schema:
            return
        value = schema["const"]
        if isinstance(value, str):
            schema.pop("const")
            schema["enum"] = [value]
            self._conversion.add_change("const is sent as an enum of one")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            schema.pop("const")
            schema["minimum"] = schema["maximum"] = value
            self._conversion.add_change("a constant number is sent as equal minimum and maximum")

    def _rewrite_nullable_options(self, schema: Schema, path: str) -> None:
        """anyOf with a null option is nullable; one remaining option is the schema itself."""
        options = schema.get("anyOf")
        if not isinstance(options, list):
            return
        non_null_options = [o for o in options if not (isinstance(o, dict) and str(o.get("type")).lower() == "null")]
        if len(non_null_options) < len(options):
            schema["nullable"] = True
            self._conversion.add_change("an optional value (anyOf with null) is sent as nullable")
        if len(non_null_options) == 1 and isinstance(non_null_options[0], dict):
            inner = self._normalize_names(non_null_options[0], path)
            if not set(inner) & (set(schema) - {"anyOf", "title", "description", "default", "nullable"}):
                del schema["anyOf"]
                schema.update({k: v for k, v in inner.items() if k not in schema})
                return
        schema["anyOf"] = non_null_options

    def _rewrite_enum(self, schema: Schema, path: str) -> None:
        values = schema.get("enum")
        if not isinstance(values, list):
            return
        if None in values:
            schema["nullable"] = True
            schema["enum"] = values = [v for v in values if v is not None]
            self._conversion.add_change("null in an enum is sent as nullable")
        if not all(isinstance(v, str) for v in values):
            self._conversion.add(broken("schema_enum_type", path=path, what="the enum has values that are not texts"))
        elif not values:
            self._conversion.add_fault(f"At {path}, the enum is empty.", "List the allowed values.")
        elif "type" not in schema:
            schema["type"] = "STRING"

    def _rewrite_exclusive_bounds(self, schema: Schema, path: str) -> None:
        """An exclusive bound of a whole number is the next whole number; of other numbers there is no equivalent."""
        for name, inclusive, step in (("exclusiveMinimum", "minimum", 1), ("exclusiveMaximum", "maximum", -1)):
            if name not in schema:
                continue
            value = schema.pop(name)
            if value is False:
                continue
            is_integer = isinstance(value, int) and not isinstance(value, bool)
            if is_integer and str(schema.get("type")).lower() == "integer" and inclusive not in schema:
                schema[inclusive] = value + step
                self._conversion.add_change(f"{name} of a whole number is sent as {inclusive}")
            else:
                self._conversion.add_fault(f'At {path}, Gemini does not take "{name}".', f'Use "{inclusive}".')

    # -- the result ------------------------------------------------------------------------------------------------

    def _convert_keywords(self, schema: Schema, path: str, depth: int, followed_references: tuple[str, ...]) -> Schema:
        if "$ref" in schema:  # uncovered by a rewriting, such as an optional reference
            nullable = {"nullable": True} if schema.get("nullable") else {}
            return {**self._expand_reference(schema, path, depth, followed_references), **nullable}
        out: Schema = {}
        for name, value in schema.items():
            if name in _KEYWORDS:
                out[name] = self._convert_keyword(name, value, path, depth, followed_references)
            else:
                self._reject_keyword(name, path)
        self._check_consistency(out, path)
        return out

    def _convert_keyword(
        self, name: str, value: Any, path: str, depth: int, followed_references: tuple[str, ...]
    ) -> Any:
        if name == "type":
            return self._type(value, path)
        if name == "items":
            return self.convert_node(value, f"{path} › items", depth + 1, followed_references)
        if name == "additionalProperties":
            return self.convert_node(value, f"{path} › additionalProperties", depth + 1, followed_references)
        if name == "properties":
            return self._properties(value, path, depth, followed_references)
        if name == "anyOf":
            return self._options(value, path, depth, followed_references)
        if not _VALIDATORS[_KEYWORDS[name]](value):
            self._conversion.add_fault(
                f'At {path}, "{name}" must be {_KIND_LABELS[_KEYWORDS[name]]}, not {_shorten_json(value)}.',
                "Correct it.",
            )
        return value

    def _type(self, value: object, path: str) -> object:
        type_name = value.upper() if isinstance(value, str) else ""
        if type_name in TYPES:
            return type_name
        close = difflib.get_close_matches(type_name, TYPES, n=1, cutoff=0.5)
        remedy = f'Did you mean "{close[0]}"?' if close else f"The types are {quoted_list(TYPES)}."
        self._conversion.add_fault(f"At {path}, {_shorten_json(value)} is not a type.", remedy)
        return value

    def _properties(self, value: object, path: str, depth: int, followed_references: tuple[str, ...]) -> Schema:
        if not isinstance(value, dict):
            self._conversion.add_fault(
                f'At {path}, "properties" must be an object.', 'Write {"name": {"type": "STRING"}}.'
            )
            return {}
        return {
            name: self.convert_node(inner, f"{path} › {name}", depth + 1, followed_references)
            for name, inner in value.items()
        }

    def _options(self, value: object, path: str, depth: int, followed_references: tuple[str, ...]) -> list[Schema]:
        if not isinstance(value, list) or not value:
            self._conversion.add_fault(f'At {path}, "anyOf" must be a list of schemas.', "List the allowed schemas.")
            return []
        return [
            self.convert_node(inner, f"{path} › option {n}", depth + 1, followed_references)
            for n, inner in enumerate(value, 1)
        ]

    def _reject_keyword(self, name: str, path: str) -> None:
        if name in _UNSUPPORTED_KEYWORDS:
            self._conversion.add_fault(
                f'At {path}, Gemini does not take the keyword "{name}".', f"Instead, {_UNSUPPORTED_KEYWORDS[name]}."
            )
            return
        close = difflib.get_close_matches(name, _KEYWORDS, n=1, cutoff=0.7)
        remedy = f'Did you mean "{close[0]}"?' if close else f"The keywords are {quoted_list(tuple(_KEYWORDS), 30)}."
        self._conversion.add_fault(f'At {path}, there is no keyword "{name}".', remedy)

    def _check_consistency(self, out: Schema, path: str) -> None:
        """Check what keywords say of each other."""
        properties = out.get("properties")
        if "type" not in out and "anyOf" not in out:
            if isinstance(properties, dict):
                out["type"] = "OBJECT"
            elif "items" in out:
                out["type"] = "ARRAY"
        if out.get("type") == "ARRAY" and "items" not in out:
            self._conversion.add_fault(
                f"At {path}, a list does not say what it holds.", 'Add "items": {"type": "STRING"}.'
            )
        for fault in schema_faults(out, path):
            self._conversion.add(fault)
        self._conversion.is_large = self._conversion.is_large or is_large(out)
        if not isinstance(properties, dict):
            properties = {}
        for keyword in ("required", "propertyOrdering"):
            listing = out.get(keyword)
            missing = [n for n in listing if n not in properties] if _VALIDATORS[_TEXTS](listing) and listing else []
            if missing:
                self._conversion.add_fault(
                    f'At {path}, "{keyword}" names {quoted_list(missing)}, which "properties" does not describe.',
                    f'Add the property or take it out of "{keyword}".',
                )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: object) -> bool:
    """The wire writes these 64-bit numbers as texts too."""
    return (isinstance(value, int) and not isinstance(value, bool) and value >= 0) or (
        isinstance(value, str) and value.isdecimal()
    )


_VALIDATORS: dict[str, Callable[[Any], bool]] = {
    _COUNT: _is_count,
    _NUMBER: _is_number,
    _TEXT: lambda v: isinstance(v, str),
    _TEXTS: lambda v: isinstance(v, list) and all(isinstance(t, str) for t in v),
    _FLAG: lambda v: isinstance(v, bool),
    _ANY: lambda v: True,
}
_KIND_LABELS = {
    _COUNT: "a whole number",
    _NUMBER: "a number",
    _TEXT: "a text",
    _TEXTS: "a list of texts",
    _FLAG: "true or false",
}


def _shorten_json(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "…"
