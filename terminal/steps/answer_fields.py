"""The columns of the answer that a command line asks for, by `--fields` or as a schema by `--schema`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from batch.errors import InputError
from batch.fields.answer_field import FieldsReading
from batch.fields.parse import parse_fields
from terminal.steps.files import read_option_file

MAX_PATH_CHARS = 1000
_SUFFIXES = (".json", ".py", ".ts", ".txt")


def read_answer_fields(options: argparse.Namespace) -> FieldsReading:
    """What was understood of `--fields`; nothing without it. Raises InputError for the first problem."""
    if options.fields is None:
        return FieldsReading()
    if options.schema:
        raise InputError("--fields and --schema both say what the answer holds.", "Give one of them.")
    given = options.fields
    is_file = (
        len(given) <= MAX_PATH_CHARS and "\n" not in given and (given.endswith(_SUFFIXES) or Path(given).is_file())
    )
    reading = parse_fields(read_option_file(given, "file of fields") if is_file else given)
    for problem in reading.problems:
        raise InputError(f"--fields: {problem.fault}", problem.remedy)
    return reading


def response_schema(options: argparse.Namespace) -> str:
    """The response schema as JSON text, "" if none is asked for."""
    schema = read_answer_fields(options).schema
    return json.dumps(schema, ensure_ascii=False) if schema else read_option_file(options.schema, "response schema")
