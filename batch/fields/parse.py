"""Whatever a person gives for his fields: a line, an example, a JSON Schema, Python classes or TypeScript."""

from __future__ import annotations

import json
import re
from typing import Any

from batch.errors import Fault, InputError
from batch.fields.answer_field import AnswerField, FieldsReading, field_faults
from batch.fields.example_object import read_example
from batch.fields.field_line import read_line
from batch.fields.python_classes import read_classes
from batch.fields.schema_reader import is_schema, read_schema
from batch.fields.schema_writer import schema_of
from batch.fields.typescript import read_typescript

MAX_CHARS = 200_000  # of a schema; of the other forms MAX_TYPED_CHARS
MAX_TYPED_CHARS = 20_000
LINE, EXAMPLE, SCHEMA, PYTHON, TYPESCRIPT = "a line of fields", "an example", "a JSON schema", "Python", "TypeScript"

_CLASS = re.compile(r"^[ \t]*class[ \t]+\w+[ \t]*[:(]", re.MULTILINE)
_DECLARED = re.compile(
    r"^[ \t]*(?:export[ \t]+)?(?:default[ \t]+)?(?:declare[ \t]+)?(?:interface|type|enum)[ \t]+\w+[^\n:]*[{=]", re.M
)
_EMPTY = Fault("There are no fields.", 'Write for instance "sentiment: positive | negative; product".')


def parse_fields(text: str) -> FieldsReading:
    """Read fields in whichever form they are given. Never raises: what is wrong is in `problems`."""
    body = _without_fence(text.strip())
    try:
        if len(body) > MAX_CHARS or (len(body) > MAX_TYPED_CHARS and body[:1] not in "{["):
            raise InputError(f"The fields are {len(body):,} characters long.", "Give only the fields.")
        return _checked(_read(body))
    except InputError as error:
        return FieldsReading(problems=(Fault(str(error), error.remedy),))
    except RecursionError:
        return FieldsReading(problems=(Fault("The fields are nested too deeply to be read.", "Flatten them."),))


def reading_of(fields: tuple[AnswerField, ...]) -> FieldsReading:
    """Fields that were put together elsewhere, such as in a table of the page, checked and with their schema."""
    return _checked(FieldsReading(fields))


def _checked(reading: FieldsReading) -> FieldsReading:
    if reading.problems:
        return reading
    faults = tuple(field_faults(reading.fields)) if reading.fields else (_EMPTY,)
    schema = {} if faults else reading.schema or schema_of(reading.fields)
    return FieldsReading(reading.fields, reading.form, reading.notes, faults, schema)


def _read(text: str) -> FieldsReading:
    if text.startswith(("{", "[")):
        return _read_braces(text)
    if _CLASS.search(text):
        return FieldsReading(tuple(read_classes(text)), PYTHON)
    if _DECLARED.search(text):
        return FieldsReading(tuple(read_typescript(text)), TYPESCRIPT)
    fields, notes = read_line(text)
    return FieldsReading(tuple(fields), LINE, tuple(notes))


def _read_braces(text: str) -> FieldsReading:
    try:
        value = json.loads(text, parse_constant=lambda name: None)
    except ValueError as error:
        if text.startswith("{") and not re.match(r'\{\s*"', text):
            return FieldsReading(tuple(read_typescript(text)), TYPESCRIPT)
        where = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        said = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise InputError(f"The example or schema is not valid JSON: {said}{where}.", "Correct it there.") from None
    return _read_json(value)


def _read_json(value: Any) -> FieldsReading:
    notes: list[str] = []
    if isinstance(value, list) and value and isinstance(value[0], dict):
        notes.append("Of the list, the first object was taken for the example.")
        value = value[0]
    if not isinstance(value, dict):
        raise InputError("The example is not an object.", 'Give one such as {"sentiment": "positive", "urgency": 3}.')
    if not is_schema(value):
        fields, said = read_example(value)
        return FieldsReading(tuple(fields), EXAMPLE, (*notes, *said))
    reading = read_schema(value)
    return FieldsReading(tuple(reading.fields), SCHEMA, tuple(reading.notes), tuple(reading.faults), reading.schema)


def _without_fence(text: str) -> str:
    """A text without the code fence around it."""
    if text.startswith("```") and text.endswith("```") and len(text) > 6 and "\n" in text:
        return text[text.index("\n") : -3].strip()
    return text
