"""Values that satisfy a JSON schema: the service's own dialect (`responseSchema`) and plain JSON schema.

The first free string says that the answer is simulated; numbers, enums and lengths follow the schema and a seed.
Not followed: `pattern` beyond the commonest, `not`, `if`, `uniqueItems`, `multipleOf` of fractions.
"""

import re
from collections.abc import Callable
from typing import Any

from emulator.errors import invalid
from emulator.moods import mood_of
from emulator.patterns import matching
from emulator.phrases import MARK, named_text

_FORMATS = {
    "date-time": "2026-03-14T09:26:53Z",
    "date": "2026-03-14",
    "time": "09:26:53",
    "duration": "PT5M",
    "email": "sam.rivers@example.com",
    "uri": "https://example.com/simulated",
    "hostname": "example.com",
    "ipv4": "192.0.2.7",
    "uuid": "6f1c2b1e-3d55-4c57-9a5b-2f1c0de0a001",
}
_ENUMERATION = re.compile(r"\b[\w']+(?: [\w']+){0,2}(?:, [\w']+(?: [\w']+){0,2})+?,? (?:and|or) [\w']+")
_MONEY = re.compile(r"[$€£]\s?(\d+(?:\.\d+)?)")
_DEEP = 4  # from here on, only what is required, and short lists
_SIMPLE = ("null", "boolean", "integer", "number", "string", "array", "object")


def made_up(schema: Any, seed: int, about: str) -> Any:
    """A value for a schema, the same for the same seed. Raises the service's 400 for what is not a schema."""
    try:
        return _Maker(schema, seed, about).value()
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError, re.error):
        raise invalid("Request contains an invalid argument.") from None


class _Maker:
    """Makes one value. `said` remembers whether some string has admitted to the simulation yet."""

    def __init__(self, schema: dict[str, Any], seed: int, about: str = "") -> None:
        self.root = schema
        self.seed = seed
        self.about = about
        self.said = False
        self.step = 0

    def value(self) -> Any:
        return self._value(self.root, "", 0)

    def _next(self, choices: int) -> int:
        """A number below `choices` that depends on the seed and on how much has been made."""
        self.step += 1
        return ((self.seed + self.step * 40503) * 2654435761 >> 7) % max(choices, 1)

    def _value(self, schema: Any, name: str, depth: int) -> Any:
        if not isinstance(schema, dict):
            return self._string({}, name, depth)
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self._chosen(schema["enum"])
        for word in ("anyOf", "oneOf"):
            if schema.get(word):
                return self._value(self._variant(schema[word], depth), name, depth + 1)
        if schema.get("allOf"):
            return self._value(_merged([self._resolved(s) for s in schema["allOf"]], schema), name, depth + 1)
        make = _TYPES.get(kind_of(schema))
        return make(self, schema, name, depth) if make else None

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        """A schema with its reference replaced by what it points to, through as many references as there are."""
        for _ in range(20):
            ref = schema.get("$ref") or schema.get("ref")
            if not isinstance(ref, str):
                break
            rest = {key: item for key, item in schema.items() if key not in ("$ref", "ref")}
            schema = {**self._target(ref), **rest}
        return schema

    def _target(self, ref: str) -> dict[str, Any]:
        target: Any = self.root
        for step in ref.removeprefix("#").strip("/").split("/") if ref != "#" else ():
            other = {"$defs": "defs", "defs": "$defs"}.get(step, step)
            target = target.get(step, target.get(other, {})) if isinstance(target, dict) else {}
        return target if isinstance(target, dict) else {}

    def _variant(self, variants: list[Any], depth: int) -> Any:
        """One of several, null only if nothing else is offered; the simplest when deep, so that recursion ends."""
        known = [self._resolved(v) for v in variants if isinstance(v, dict)]
        if depth > _DEEP:
            return min(known, key=lambda v: _SIMPLE.index(kind_of(v)))
        solid = [v for v in known if kind_of(v) != "null"] or known
        return solid[self._next(len(solid))]

    def _chosen(self, values: list[Any]) -> Any:
        """An enum's value: the one that the prompt's mood suggests, or one by seed."""
        mood = mood_of(self.about)
        suggested = (v for v in values if mood and str(v).lower().startswith(mood[:3]))
        return next(suggested, None) or values[self._next(len(values))]

    def _object(self, schema: dict[str, Any], name: str, depth: int) -> dict[str, Any]:
        properties: dict[str, Any] = schema.get("properties") or {}
        required = schema.get("required") or []
        order = dict.fromkeys([*(schema.get("propertyOrdering") or ()), *properties])
        wanted = [p for p in order if p in properties and (p in required or depth < _DEEP)]
        made = {p: self._value(properties[p], p, depth + 1) for p in wanted}
        made |= {p: self._string({}, p, depth) for p in required if p not in properties}
        extra = schema.get("additionalProperties")
        least = int(schema.get("minProperties") or (isinstance(extra, dict) and not properties))
        for index in range(len(made), least):
            made[f"extra_{index}"] = self._value(extra if isinstance(extra, dict) else {}, "extra", depth + 1)
        return made

    def _array(self, schema: dict[str, Any], name: str, depth: int) -> list[Any]:
        prefix = [self._value(item, name, depth + 1) for item in schema.get("prefixItems") or ()]
        items = schema.get("items")
        if prefix and not isinstance(items, dict):
            return prefix
        return prefix + [self._value(items, name, depth + 1) for _ in range(self._size(schema, depth) - len(prefix))]

    def _size(self, schema: dict[str, Any], depth: int) -> int:
        """How many items: at the top as many as the prompt enumerates, else one to three; none needless when deep."""
        least = int(schema.get("minItems") or 0)
        most = int(schema["maxItems"]) if schema.get("maxItems") is not None else 1_000
        wanted = enumerated(self.about) if depth == 0 else 0
        return max(least, min(most, wanted or 1 + self._next(3))) if depth <= _DEEP else least

    def _integer(self, schema: dict[str, Any], name: str, depth: int) -> int:
        low, high = _bounds(schema, name, whole=True)
        unit = int(schema.get("multipleOf") or 1)
        first = -int(-low // unit)
        return (first + self._next(int(high // unit) - first + 1)) * unit

    def _number(self, schema: dict[str, Any], name: str, depth: int) -> float:
        if re.search("amount|price|total|cost", name.lower()) and (said := self._amount(schema)) is not None:
            return said
        low, high = _bounds(schema, name, whole=False)
        if unit := schema.get("multipleOf"):
            first = -int(-low // unit)
            return float((first + self._next(int(high // unit) - first + 1)) * unit)
        return round(low + (high - low) * self._next(1001) / 1000, 3)

    def _amount(self, schema: dict[str, Any]) -> float | None:
        """The sum of money that the prompt names, if the schema allows it."""
        found = _MONEY.search(self.about)
        said = float(found[1]) if found else None
        free = not schema.keys() & {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
        return said if free else None

    def _boolean(self, schema: dict[str, Any], name: str, depth: int) -> bool:
        return self._next(3) != 0

    def _string(self, schema: dict[str, Any], name: str, depth: int) -> str:
        if schema.get("format") in _FORMATS:
            return _FORMATS[schema["format"]]
        if schema.get("pattern"):
            return matching(schema["pattern"], self._next)
        text = named_text(name, self._next, self.about)
        most = schema.get("maxLength")
        if not self.said and (most is None or int(most) > len(MARK)):
            self.said = True
            text = f"{MARK} {text}"
        missing = int(schema.get("minLength") or 0) - len(text)
        text += " simulated" * (-(-missing // 10) if missing > 0 else 0)
        return text if most is None else text[: int(most)]


_TYPES: dict[str, Callable[[_Maker, dict[str, Any], str, int], Any]] = {
    "object": _Maker._object,
    "array": _Maker._array,
    "integer": _Maker._integer,
    "number": _Maker._number,
    "boolean": _Maker._boolean,
    "string": _Maker._string,
}


def enumerated(text: str) -> int:
    """How many things a prompt names in a row ("Oslo, Quito and Perth" is three); 0 if it names none."""
    found = _ENUMERATION.search(text[:2000])
    return len(re.split(r",? and |,? or |, ", found[0])) if found else 0


def kind_of(schema: dict[str, Any]) -> str:
    """The type of a schema in lower case, also where it is only implied or one of several."""
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((k for k in kind if k != "null"), "null")
    if kind:
        return str(kind).lower() if str(kind).lower() in _SIMPLE else "string"
    if "properties" in schema or "additionalProperties" in schema:
        return "object"
    return "array" if "items" in schema or "prefixItems" in schema else "string"


def _bounds(schema: dict[str, Any], name: str, whole: bool) -> tuple[float, float]:
    """The closed range a number may come from; a score without bounds is from 0 to 1, a count from 1 to 100."""
    edge = 1 if whole else 0.001
    low = schema.get("minimum", schema["exclusiveMinimum"] + edge if "exclusiveMinimum" in schema else None)
    high = schema.get("maximum", schema["exclusiveMaximum"] - edge if "exclusiveMaximum" in schema else None)
    span = 1.0 if not whole and re.search(r"confidence|score|probab|ratio", name.lower()) else 100.0
    if low is None:
        low = float(high) - span if high is not None else (0.0 if span == 1.0 else 1.0)
    return float(low), float(high) if high is not None else float(low) + span - (span > 1.0)


def _merged(schemas: list[dict[str, Any]], outer: dict[str, Any]) -> dict[str, Any]:
    merged: dict[str, Any] = {key: item for key, item in outer.items() if key != "allOf"}
    properties, required = dict(merged.get("properties") or {}), list(merged.get("required") or [])
    for schema in schemas:
        properties |= schema.get("properties") or {}
        required += schema.get("required") or []
        merged |= schema
    return {**merged, **({"properties": properties, "required": required} if properties else {})}
