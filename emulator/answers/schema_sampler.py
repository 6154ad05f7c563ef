"""Values that satisfy a JSON schema: the service's own dialect (`responseSchema`) and plain JSON schema.

The first free string says that the answer is simulated; numbers, enums and lengths follow the schema and a seed.
Not followed: `not`, `else`, `contains`, `dependentRequired`, and `oneOf` where several of its schemas fit at once.
"""

import math
import re
from collections.abc import Callable
from typing import Any

from emulator.answers.regex_sampler import sample_matching
from emulator.answers.schema_resolver import SchemaResolver
from emulator.answers.sentiment import sentiment
from emulator.answers.stock_text import MARK, named_text
from emulator.core.errors import invalid

_FORMATS = {
    "date-time": "2026-03-14T09:26:53Z",
    "date": "2026-03-14",
    "time": "09:26:53",
    "duration": "PT5M",
    "email": "sam.rivers@example.com",
    "uri": "https://example.com/simulated",
    "hostname": "example.com",
    "ipv4": "192.0.2.7",
    "ipv6": "2001:db8::7",
    "uuid": "6f1c2b1e-3d55-4c57-9a5b-2f1c0de0a001",
}
_ENUMERATION = re.compile(r"\b[\w']+(?: [\w']+){0,2}(?:, [\w']+(?: [\w']+){0,2})+?,? (?:and|or) [\w']+")
_MONEY = re.compile(r"[$€£]\s?(\d+(?:\.\d+)?)")
_MAX_SIZE = 65_536  # the longest answer of any model, in tokens; nothing longer is made
_MAX_OPTIONAL_DEPTH = 4  # from here on, only what is required, and short lists
_TYPES_BY_SIMPLICITY = ("null", "boolean", "integer", "number", "string", "array", "object")


def sample(schema: Any, seed: int, prompt: str) -> Any:
    """A value for a schema, the same for the same seed. Raises the service's 400 for what is not a schema."""
    try:
        return _Sampler(schema, seed, prompt).value()
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError, re.error):
        raise invalid("Request contains an invalid argument.") from None


class _Sampler:
    """Makes one value. `said` remembers whether some string has admitted to the simulation yet."""

    def __init__(self, schema: dict[str, Any], seed: int, prompt: str = "") -> None:
        self.root = schema
        self.resolver = SchemaResolver(schema, self._choose_variant)
        self.seed = seed
        self.prompt = prompt
        self.mark_placed = False
        self.value_count = 0
        self.step = 0

    def value(self) -> Any:
        return self._value(self.root, "", 0)

    def _choose(self, choices: int) -> int:
        """A number below `choices` that depends on the seed and on how much has been made."""
        self.step += 1
        return ((self.seed + self.step * 40503) * 2654435761 >> 7) % max(choices, 1)

    def _value(self, schema: Any, name: str, depth: int) -> Any:
        self.value_count += 1
        if self.value_count > _MAX_SIZE:
            raise ValueError("more values than an answer can hold")
        if not isinstance(schema, dict):
            return self._string({}, name, depth)
        schema = self.resolver.resolve(schema, depth)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self._enum_value(schema["enum"])
        make = _SAMPLERS.get(schema_type(schema))
        return make(self, schema, name, depth) if make else None

    def _choose_variant(self, variants: list[Any], depth: int) -> Any:
        """One of several, null only if nothing else is offered; the simplest when deep, so that recursion ends."""
        schemas = [self.resolver.follow_references(v) for v in variants if isinstance(v, dict)]
        if depth > _MAX_OPTIONAL_DEPTH:
            return min(schemas, key=lambda v: _TYPES_BY_SIMPLICITY.index(schema_type(v)))
        non_null = [v for v in schemas if schema_type(v) != "null"] or schemas
        return non_null[self._choose(len(non_null))]

    def _enum_value(self, values: list[Any]) -> Any:
        """An enum's value: the one that the prompt's mood suggests, or one by seed."""
        label = sentiment(self.prompt)
        suggested = (v for v in values if label and str(v).lower().startswith(label[:3]))
        return next(suggested, None) or values[self._choose(len(values))]

    def _object(self, schema: dict[str, Any], name: str, depth: int) -> dict[str, Any]:
        properties = {p: s for p, s in (schema.get("properties") or {}).items() if s is not False}
        required = list(dict.fromkeys(schema.get("required") or ()))
        result = {
            p: self._value(properties[p], p, depth + 1)
            for p in self._selected_properties(schema, properties, required, depth)
        }
        extra = schema.get("additionalProperties")
        for p in required:
            if p not in properties:
                result[p] = self._value(_pattern_schema(schema, p, extra), p, depth + 1)
        minimum = _lower_limit(schema, "minProperties") or (isinstance(extra, dict) and not properties)
        for index in range(len(result), minimum):
            result[self._extra_key(schema, index)] = self._value(extra, "extra", depth + 1)
        return result

    def _selected_properties(
        self, schema: dict[str, Any], properties: dict[str, Any], required: list[str], depth: int
    ) -> list[str]:
        """Which properties to make, in order: what is required, and, unless deep, as many others as may be."""
        order = dict.fromkeys([*(schema.get("propertyOrdering") or ()), *properties])
        ordered = [p for p in order if p in properties]
        room = int(schema.get("maxProperties", len(ordered) + len(required))) - len(required)
        others = [p for p in ordered if p not in required][: max(0, room) if depth < _MAX_OPTIONAL_DEPTH else 0]
        return [p for p in ordered if p in required or p in others]

    def _extra_key(self, schema: dict[str, Any], index: int) -> str:
        """A name for a property that the schema does not name."""
        names = schema.get("propertyNames")
        if isinstance(names, dict):
            return str(self._value({"type": "string", **names}, "extra", _MAX_OPTIONAL_DEPTH))
        return f"extra_{index}"

    def _array(self, schema: dict[str, Any], name: str, depth: int) -> list[Any]:
        values = [self._value(item, name, depth + 1) for item in schema.get("prefixItems") or ()]
        items, size = schema.get("items"), self._array_length(schema, depth)
        if values and not isinstance(items, dict):
            size = 0 if items is False else _lower_limit(schema, "minItems")
        while len(values) < size:
            item = self._value(items, name, depth + 1)
            if schema.get("uniqueItems") and item in values:
                has_distinct, item = self._distinct_item(items, values, name, depth)
                if not has_distinct:
                    break
            values.append(item)
        return values

    def _distinct_item(self, items: Any, values: list[Any], name: str, depth: int) -> tuple[bool, Any]:
        """Whether there seems to be an item that is not yet in a list of different ones, and it."""
        item_schema = self.resolver.resolve(items, depth) if isinstance(items, dict) else {}
        unused = [value for value in item_schema.get("enum") or () if value not in values]
        candidates = unused[:1] or (self._value(item_schema, name, depth + 1) for _ in range(200))
        return next(((True, item) for item in candidates if item not in values), (False, None))

    def _array_length(self, schema: dict[str, Any], depth: int) -> int:
        """How many items: at the top as many as the prompt enumerates, else one to three; none needless when deep."""
        minimum = _lower_limit(schema, "minItems")
        maximum = int(schema["maxItems"]) if schema.get("maxItems") is not None else 1_000
        enumerated_count = count_enumerated(self.prompt) if depth == 0 else 0
        return (
            max(minimum, min(maximum, enumerated_count or 1 + self._choose(3)))
            if depth <= _MAX_OPTIONAL_DEPTH
            else minimum
        )

    def _integer(self, schema: dict[str, Any], name: str, depth: int) -> int:
        low, high = _number_range(schema, name, integral=True)
        unit = int(schema.get("multipleOf") or 1)
        first, last = math.ceil(low / unit), math.floor(high / unit)
        return (first + self._choose(last - first + 1)) * unit

    def _number(self, schema: dict[str, Any], name: str, depth: int) -> float:
        if (
            re.search("amount|price|total|cost", name.lower())
            and (amount := self._amount_in_prompt(schema)) is not None
        ):
            return amount
        low, high = _number_range(schema, name, integral=False)
        if unit := schema.get("multipleOf"):
            return self._multiple(float(unit), low, high)
        value = low + (high - low) * self._choose(1001) / 1000
        short = (round(value, digits) for digits in (3, 6, 9, 12))
        return float(next((number for number in short if low <= number <= high), value))

    def _multiple(self, unit: float, low: float, high: float) -> float:
        """A multiple of a unit; one that stays it in binary, where there is one nearby."""
        first, last = math.ceil(low / unit - 1e-9), math.floor(high / unit + 1e-9)
        for _ in range(50):
            number = round((first + self._choose(last - first + 1)) * unit, 12)
            if (number / unit).is_integer():
                break
        return number

    def _amount_in_prompt(self, schema: dict[str, Any]) -> float | None:
        """The sum of money that the prompt names, if the schema allows it."""
        match = _MONEY.search(self.prompt)
        amount = float(match[1]) if match else None
        is_unbounded = not schema.keys() & {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
        return amount if is_unbounded else None

    def _boolean(self, schema: dict[str, Any], name: str, depth: int) -> bool:
        return self._choose(3) != 0

    def _string(self, schema: dict[str, Any], name: str, depth: int) -> str:
        maximum = schema.get("maxLength")
        if schema.get("pattern"):
            return sample_matching(schema["pattern"], self._choose, _lower_limit(schema, "minLength"), maximum)
        if schema.get("format") in _FORMATS:
            return _FORMATS[schema["format"]]
        text = named_text(name, self._choose, self.prompt)
        if not self.mark_placed and (maximum is None or int(maximum) > len(MARK)):
            self.mark_placed = True
            text = f"{MARK} {text}"
        missing = _lower_limit(schema, "minLength") - len(text)
        text += " simulated" * (-(-missing // 10) if missing > 0 else 0)
        return text if maximum is None else text[: int(maximum)]


_SAMPLERS: dict[str, Callable[[_Sampler, dict[str, Any], str, int], Any]] = {
    "object": _Sampler._object,
    "array": _Sampler._array,
    "integer": _Sampler._integer,
    "number": _Sampler._number,
    "boolean": _Sampler._boolean,
    "string": _Sampler._string,
}


def _lower_limit(schema: dict[str, Any], keyword: str) -> int:
    """A lower limit. Raises ValueError for one that no answer could reach."""
    minimum = int(schema.get(keyword) or 0)
    if minimum > _MAX_SIZE:
        raise ValueError(f"{keyword} is more than an answer can hold")
    return minimum


def count_enumerated(text: str) -> int:
    """How many things a prompt names in a row ("Oslo, Quito and Perth" is three); 0 if it names none."""
    match = _ENUMERATION.search(text[:2000])
    return len(re.split(r",? and |,? or |, ", match[0])) if match else 0


def schema_type(schema: dict[str, Any]) -> str:
    """The type of a schema in lower case, also where it is only implied or one of several."""
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((k for k in kind if k != "null"), "null")
    if kind:
        return str(kind).lower() if str(kind).lower() in _TYPES_BY_SIMPLICITY else "string"
    if "properties" in schema or "additionalProperties" in schema:
        return "object"
    return "array" if "items" in schema or "prefixItems" in schema else "string"


def _number_range(schema: dict[str, Any], name: str, integral: bool) -> tuple[float, float]:
    """The closed range a number may come from; a score without bounds is from 0 to 1, a count from 1 to 100."""
    low, high = _range_end(schema, "inimum", max, integral), _range_end(schema, "aximum", min, integral)
    span = 1.0 if not integral and re.search(r"confidence|score|probab|ratio", name.lower()) else 100.0
    if low is None:
        low = high - span if high is not None else (0.0 if span == 1.0 else 1.0)
    if high is None:
        high = low + span - (span > 1.0)
    if integral:
        return low, high
    margin = (high - low) / 1000
    return low + margin * ("exclusiveMinimum" in schema), high - margin * ("exclusiveMaximum" in schema)


def _range_end(
    schema: dict[str, Any], suffix: str, tighter: Callable[[float, float], float], integral: bool
) -> float | None:
    """The lower or the upper end of a range; the next whole number where the end itself is excluded."""
    inclusive, exclusive = schema.get(f"m{suffix}"), schema.get(f"exclusiveM{suffix}")
    if exclusive is not None and integral:
        exclusive = math.floor(exclusive) + 1 if suffix == "inimum" else math.ceil(exclusive) - 1
    ends = [float(end) for end in (inclusive, exclusive) if end is not None]
    return tighter(*ends) if len(ends) == 2 else ends[0] if ends else None


def _pattern_schema(schema: dict[str, Any], name: str, extra: Any) -> Any:
    """The schema of a property that is required but not named: by the pattern of its name, else what all others get."""
    patterns = schema.get("patternProperties") or {}
    return next((s for pattern, s in patterns.items() if re.search(pattern, name)), extra)
