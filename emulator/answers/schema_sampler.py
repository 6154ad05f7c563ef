"""Values that satisfy a JSON schema: the service's own dialect (`responseSchema`) and plain JSON schema.

The first free string says that the answer is simulated; numbers, enums and lengths follow the schema and a seed.
Not followed: `not`, `else`, `contains`, `dependentRequired`, and `oneOf` where several of its schemas fit at once.
"""

import math
import re
from collections.abc import Callable
from typing import Any

from emulator.answers.regex_sampler import matching
from emulator.answers.schema_resolver import Composition
from emulator.answers.sentiment import mood_of
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
_MOST = 65_536  # the longest answer of any model, in tokens; nothing longer is made
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
        self.schemas = Composition(schema, self._variant)
        self.seed = seed
        self.about = about
        self.said = False
        self.made = 0
        self.step = 0

    def value(self) -> Any:
        return self._value(self.root, "", 0)

    def _next(self, choices: int) -> int:
        """A number below `choices` that depends on the seed and on how much has been made."""
        self.step += 1
        return ((self.seed + self.step * 40503) * 2654435761 >> 7) % max(choices, 1)

    def _value(self, schema: Any, name: str, depth: int) -> Any:
        self.made += 1
        if self.made > _MOST:
            raise ValueError("more values than an answer can hold")
        if not isinstance(schema, dict):
            return self._string({}, name, depth)
        schema = self.schemas.plain(schema, depth)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self._chosen(schema["enum"])
        make = _TYPES.get(kind_of(schema))
        return make(self, schema, name, depth) if make else None

    def _variant(self, variants: list[Any], depth: int) -> Any:
        """One of several, null only if nothing else is offered; the simplest when deep, so that recursion ends."""
        known = [self.schemas.followed(v) for v in variants if isinstance(v, dict)]
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
        properties = {p: s for p, s in (schema.get("properties") or {}).items() if s is not False}
        required = list(dict.fromkeys(schema.get("required") or ()))
        made = {p: self._value(properties[p], p, depth + 1) for p in self._wanted(schema, properties, required, depth)}
        extra = schema.get("additionalProperties")
        for p in required:
            if p not in properties:
                made[p] = self._value(_by_pattern(schema, p, extra), p, depth + 1)
        least = _least(schema, "minProperties") or (isinstance(extra, dict) and not properties)
        for index in range(len(made), least):
            made[self._key(schema, index)] = self._value(extra, "extra", depth + 1)
        return made

    def _wanted(self, schema: dict[str, Any], properties: dict[str, Any], required: list[str], depth: int) -> list[str]:
        """Which properties to make, in order: what is required, and, unless deep, as many others as may be."""
        order = dict.fromkeys([*(schema.get("propertyOrdering") or ()), *properties])
        known = [p for p in order if p in properties]
        room = int(schema.get("maxProperties", len(known) + len(required))) - len(required)
        others = [p for p in known if p not in required][: max(0, room) if depth < _DEEP else 0]
        return [p for p in known if p in required or p in others]

    def _key(self, schema: dict[str, Any], index: int) -> str:
        """A name for a property that the schema does not name."""
        names = schema.get("propertyNames")
        if isinstance(names, dict):
            return str(self._value({"type": "string", **names}, "extra", _DEEP))
        return f"extra_{index}"

    def _array(self, schema: dict[str, Any], name: str, depth: int) -> list[Any]:
        made = [self._value(item, name, depth + 1) for item in schema.get("prefixItems") or ()]
        items, size = schema.get("items"), self._size(schema, depth)
        if made and not isinstance(items, dict):
            size = 0 if items is False else _least(schema, "minItems")
        while len(made) < size:
            item = self._value(items, name, depth + 1)
            if schema.get("uniqueItems") and item in made:
                found, item = self._another(items, made, name, depth)
                if not found:
                    break
            made.append(item)
        return made

    def _another(self, items: Any, made: list[Any], name: str, depth: int) -> tuple[bool, Any]:
        """Whether there seems to be an item that is not yet in a list of different ones, and it."""
        plain = self.schemas.plain(items, depth) if isinstance(items, dict) else {}
        left = [value for value in plain.get("enum") or () if value not in made]
        tries = left[:1] or (self._value(plain, name, depth + 1) for _ in range(200))
        return next(((True, item) for item in tries if item not in made), (False, None))

    def _size(self, schema: dict[str, Any], depth: int) -> int:
        """How many items: at the top as many as the prompt enumerates, else one to three; none needless when deep."""
        least = _least(schema, "minItems")
        most = int(schema["maxItems"]) if schema.get("maxItems") is not None else 1_000
        wanted = enumerated(self.about) if depth == 0 else 0
        return max(least, min(most, wanted or 1 + self._next(3))) if depth <= _DEEP else least

    def _integer(self, schema: dict[str, Any], name: str, depth: int) -> int:
        low, high = _bounds(schema, name, whole=True)
        unit = int(schema.get("multipleOf") or 1)
        first, last = math.ceil(low / unit), math.floor(high / unit)
        return (first + self._next(last - first + 1)) * unit

    def _number(self, schema: dict[str, Any], name: str, depth: int) -> float:
        if re.search("amount|price|total|cost", name.lower()) and (said := self._amount(schema)) is not None:
            return said
        low, high = _bounds(schema, name, whole=False)
        if unit := schema.get("multipleOf"):
            return self._multiple(float(unit), low, high)
        value = low + (high - low) * self._next(1001) / 1000
        short = (round(value, digits) for digits in (3, 6, 9, 12))
        return float(next((number for number in short if low <= number <= high), value))

    def _multiple(self, unit: float, low: float, high: float) -> float:
        """A multiple of a unit; one that stays it in binary, where there is one nearby."""
        first, last = math.ceil(low / unit - 1e-9), math.floor(high / unit + 1e-9)
        for _ in range(50):
            number = round((first + self._next(last - first + 1)) * unit, 12)
            if (number / unit).is_integer():
                break
        return number

    def _amount(self, schema: dict[str, Any]) -> float | None:
        """The sum of money that the prompt names, if the schema allows it."""
        found = _MONEY.search(self.about)
        said = float(found[1]) if found else None
        free = not schema.keys() & {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
        return said if free else None

    def _boolean(self, schema: dict[str, Any], name: str, depth: int) -> bool:
        return self._next(3) != 0

    def _string(self, schema: dict[str, Any], name: str, depth: int) -> str:
        most = schema.get("maxLength")
        if schema.get("pattern"):
            return matching(schema["pattern"], self._next, _least(schema, "minLength"), most)
        if schema.get("format") in _FORMATS:
            return _FORMATS[schema["format"]]
        text = named_text(name, self._next, self.about)
        if not self.said and (most is None or int(most) > len(MARK)):
            self.said = True
            text = f"{MARK} {text}"
        missing = _least(schema, "minLength") - len(text)
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


def _least(schema: dict[str, Any], word: str) -> int:
    """A lower limit. Raises ValueError for one that no answer could reach."""
    least = int(schema.get(word) or 0)
    if least > _MOST:
        raise ValueError(f"{word} is more than an answer can hold")
    return least


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
    low, high = _edge(schema, "inimum", max, whole), _edge(schema, "aximum", min, whole)
    span = 1.0 if not whole and re.search(r"confidence|score|probab|ratio", name.lower()) else 100.0
    if low is None:
        low = high - span if high is not None else (0.0 if span == 1.0 else 1.0)
    if high is None:
        high = low + span - (span > 1.0)
    if whole:
        return low, high
    margin = (high - low) / 1000
    return low + margin * ("exclusiveMinimum" in schema), high - margin * ("exclusiveMaximum" in schema)


def _edge(schema: dict[str, Any], word: str, tighter: Callable[[float, float], float], whole: bool) -> float | None:
    """The lower or the upper end of a range; the next whole number where the end itself is excluded."""
    closed, open_ = schema.get(f"m{word}"), schema.get(f"exclusiveM{word}")
    if open_ is not None and whole:
        open_ = math.floor(open_) + 1 if word == "inimum" else math.ceil(open_) - 1
    ends = [float(end) for end in (closed, open_) if end is not None]
    return tighter(*ends) if len(ends) == 2 else ends[0] if ends else None


def _by_pattern(schema: dict[str, Any], name: str, extra: Any) -> Any:
    """The schema of a property that is required but not named: by the pattern of its name, else what all others get."""
    patterns = schema.get("patternProperties") or {}
    return next((s for pattern, s in patterns.items() if re.search(pattern, name)), extra)
