"""What can be read out of an answer's text: a refusal in words, and JSON in the form that was asked for. Pure."""

from __future__ import annotations

import datetime
import json
import re
from typing import Any, NamedTuple

import orjson

from batch.responses.schema_checks import compile_schema, single_type
from batch.rules.schema_equivalents import DATE_PATTERN

_OPENING = re.compile(
    r"\W*(?:(?:i['’]?m|i am|we['’]?re|we are) (?:\w+ )?(?:sorry|afraid|unable|not able|not comfortable)"
    r"|sorry|unfortunately|(?:my )?apolog|[iw]e? apolog"
    r"|as an? (?:ai|artificial|language|large language|virtual)\b"
    r"|(?:i|we) (?:can['’]?t|cannot|can not|won['’]?t|will not|(?:must|have to) decline|do(?: not|n['’]t) feel))",
    re.IGNORECASE,
)
_DECLINE = re.compile(
    r"\b(?:i|we)(?: am|['’]?m| are|['’]re)? ?(?:can['’]?t|cannot|can not|won['’]?t|will not|unable to|not able to"
    r"|must decline to|have to decline to|not comfortable)"
    r" (?:(?!wait)\w+ ){0,3}?(?:help|assist|provid|comply|fulfil|answer|generat|creat|writ|produc|support|engag|discuss"
    r"|shar|offer|complet|process|continu|do (?:that|this)|respond|participat|give|tell|translat|describ|summari[sz]"
    r"|speculat|identif)",
    re.IGNORECASE,
)


def looks_like_refusal(text: str) -> bool:
    """Guess from its first words whether a text declines the task. A heuristic, to be labelled as one.

    Only texts of up to 1,000 characters that open with an apology or an inability, and decline something in the
    first person within their first 300, count.
    """
    if len(text) > 1000 or _OPENING.match(text) is None:
        return False
    return _DECLINE.search(text, 0, 300) is not None


_COLUMNS = {"string": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN"}


class ParsedAnswer(NamedTuple):
    """A text read as JSON. `form` is "strict" (exactly what was asked for), "lenient" (only after repair), or "failed".

    `json` is the JSON found, as text; `problem` says why the reading is not strict.
    """

    form: str
    json: str = ""
    problem: str = ""

    @property
    def kind(self) -> str:
        """The problem without its details."""
        return self.problem.partition(":")[0]


class AnswerSchema:
    """The form that was asked of an answer: a schema in Gemini's or JSON Schema's spelling, or just JSON.

    `enum` is for the MIME type text/x.enum, whose answers are one bare word of the schema's `enum`.
    """

    def __init__(self, schema: Any = None, *, enum: bool = False) -> None:
        self.schema = schema if isinstance(schema, dict) else {}
        self.enum = enum
        self._check = compile_schema(self.schema)

    def read(self, text: str) -> ParsedAnswer:
        """Read a text strictly; failing that, leniently. Only a strict reading is in the form asked for."""
        if self.enum:
            problem = self._check(text.strip(), "the answer")
            return ParsedAnswer("failed", problem=problem) if problem else ParsedAnswer("strict")
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            problem = f"not JSON: {error}"
        else:
            problem = self._check(value, "$")
            return ParsedAnswer("failed", problem=problem) if problem else ParsedAnswer("strict", text)
        repaired = repair_json(text)
        repaired_json = None if repaired is None else _to_json(repaired)
        if repaired_json is not None and self._check(repaired, "$"):
            repaired_json = None
        return (
            ParsedAnswer("failed", problem=problem)
            if repaired_json is None
            else ParsedAnswer("lenient", repaired_json, problem)
        )

    def columns(self) -> dict[str, str]:
        """The top-level properties in the order of answering, and the DuckDB type of each; nested: JSON text."""
        properties = self.schema.get("properties")
        if self.enum or not isinstance(properties, dict):
            return {}
        ordering = self.schema.get("propertyOrdering")
        first = (
            [name for name in ordering if isinstance(name, str) and name in properties]
            if isinstance(ordering, list)
            else []
        )
        return {name: _column_type(properties[name]) for name in dict.fromkeys([*first, *properties])}


def _column_type(schema: Any) -> str:
    kind = _COLUMNS.get(single_type(schema), "JSON")
    return "DATE" if kind == "VARCHAR" and schema.get("pattern") == DATE_PATTERN else kind


def coerce(value: Any, kind: str) -> Any:
    """A property's value as a column of this DuckDB type holds it; None if it is not of that type."""
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    if value is None:
        return None
    if kind == "BIGINT":
        return (
            int(value)
            if (is_integer or (isinstance(value, float) and value.is_integer())) and abs(value) < 2**63
            else None
        )
    if kind == "DOUBLE":
        return float(value) if is_integer or isinstance(value, float) else None
    if kind == "JSON":
        return _to_json(value)
    if kind == "DATE":
        return _to_date(value)
    return value if isinstance(value, bool if kind == "BOOLEAN" else str) else None


def _to_date(value: Any) -> datetime.date | None:
    """A text that is a date; not every one that looks like it is one, such as the 30th of February."""
    try:
        return datetime.date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
    except ValueError:
        return None


def _to_json(value: Any) -> str | None:
    """A value as JSON text; None for what other readers would trip over: hundreds of levels, numbers beyond 64 bits,
    halves of characters.
    """
    try:
        return orjson.dumps(value, default=str).decode()
    except TypeError:
        return None


def repair_json(text: str) -> Any:
    """The JSON in a text that is not quite JSON: in a code fence, amid prose, with raw control characters or
    trailing commas. None if there is none.
    """
    fence = _FENCE.search(text)
    body = fence[1] if fence else text
    for start in sorted(at for at in (body.find("{"), body.find("[")) if at >= 0):
        for candidate in (body[start:], _COMMAS.sub(r"\1", body[start:])):
            try:
                return _LENIENT.raw_decode(candidate)[0]
            except (json.JSONDecodeError, RecursionError):
                continue
    return None


# Possessive, and a string without an end is taken whole: each character is looked at once, whatever the text.
_FENCE = re.compile(r"```\w*+[^\S\n]*+\n(.*?)```", re.DOTALL)
_COMMAS = re.compile(r'("(?:\\.|[^"\\])*+(?:"|\\?\Z))|,(?=\s*[}\]])', re.DOTALL)
_LENIENT = json.JSONDecoder(strict=False)
