"""Plain schemas out of composed ones: references followed, and allOf, a choice of anyOf, and if with then put together
with what stands beside them.

`oneOf` is taken as `anyOf`, as the service does (google-genai 3.4.0, the description of `response_json_schema`).
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

Json = dict[str, Any]
Choose = Callable[[list[Any], int], Any]  # the variants of a choice and how deep it stands -> one of them
_COMBINATORS = frozenset({"allOf", "anyOf", "oneOf", "if", "then", "else"})
_TIGHTEN: dict[str, Callable[[Any, Any], Any]] = {
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), min),
    "required": lambda one, other: list(dict.fromkeys([*one, *other])),
    "enum": lambda one, other: [value for value in one if value in other],
    "items": lambda one, other: {"allOf": [one, other]},
    "additionalProperties": lambda one, other: other if one is True else one,
}


class SchemaResolver:
    """The schemas of one document. `pick` chooses where the document leaves a choice."""

    def __init__(self, root: Any, choose: Choose) -> None:
        self.root = root
        self.choose = choose

    def resolve(self, schema: Json, depth: int) -> Json:
        """A schema that says in its own words what this one says. Raises RecursionError if it contains itself."""
        schema = self.follow_references(schema)
        if _COMBINATORS.isdisjoint(schema):
            return schema
        resolved = {word: item for word, item in schema.items() if word not in _COMBINATORS}
        for part in self._subschemas(schema, depth):
            if isinstance(part, dict):
                resolved = merge_schemas(resolved, self.resolve(part, depth))
        return resolved

    def _subschemas(self, schema: Json, depth: int) -> list[Any]:
        parts = list(schema.get("allOf") or ())
        parts += [self.choose(schema[word], depth) for word in ("anyOf", "oneOf") if schema.get(word)]
        return [*parts, schema["if"], schema.get("then")] if "if" in schema else parts

    def follow_references(self, schema: Json) -> Json:
        """A schema with its reference replaced by what it points to, through as many references as there are."""
        for _ in range(20):
            ref = schema.get("$ref") or schema.get("ref")
            if not isinstance(ref, str):
                break
            rest = {word: item for word, item in schema.items() if word not in ("$ref", "ref")}
            schema = merge_schemas(self._target(ref), rest)
        return schema

    def _target(self, ref: str) -> Json:
        """What a reference points to: a place in the document, or an anchor; {} if there is none."""
        name = ref.removeprefix("#")
        if name and not name.startswith("/"):
            return _find_anchor(self.root, name) or self._target(f"#/{name}")
        target: Any = self.root
        for step in name.strip("/").split("/") if name else ():
            key = unquote(step).replace("~1", "/").replace("~0", "~")
            alias = {"$defs": "defs", "defs": "$defs"}.get(key, key)
            target = target.get(key, target.get(alias, {})) if isinstance(target, dict) else {}
        return target if isinstance(target, dict) else {}


def merge_schemas(first: Json, second: Json) -> Json:
    """A schema that holds what both hold; where two words cannot both be kept, the second one's."""
    result = {**first, **second}
    for keyword in first.keys() & second.keys():
        if keyword == "properties":
            both = {
                p: {"allOf": [first[keyword][p], second[keyword][p]]}
                for p in first[keyword].keys() & second[keyword].keys()
            }
            result[keyword] = {**first[keyword], **second[keyword], **both}
        elif keyword in _TIGHTEN and first[keyword] is not None and second[keyword] is not None:
            result[keyword] = _TIGHTEN[keyword](first[keyword], second[keyword])
    return result


def _find_anchor(schema: Any, name: str) -> Json | None:
    if isinstance(schema, dict) and schema.get("$anchor") == name:
        return schema
    inner = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    return next((found for item in inner if (found := _find_anchor(item, name))), None)
