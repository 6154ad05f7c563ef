"""What kind of input a file is, by its name and by what is in it."""

from __future__ import annotations

import itertools
from pathlib import Path

from batch.errors import InputError
from batch.requests.input_formats import CSV, JSONL, PARQUET, RECORDS, TABLE_KINDS, TXT, XLSX, kind_of
from batch.sniffing.json_values import LINES
from lifecycle.inputs.tables.forms import GZIP, JSON, TEXT, WORKBOOK, ZIP, form_of
from lifecycle.inputs.tables.forms import PARQUET as PARQUET_FORM
from lifecycle.inputs.tables.packed import unpacked
from lifecycle.inputs.tables.records import are_requests, json_objects

_PROMPT_FIELDS = frozenset({"key", "id", "custom_id", "prompt"})


def file_kind(path: Path, name: str = "") -> str:
    """The kind of a file, which the bytes decide where they say something else than the name.

    Raises InputError for what is no input, or a known form of something else.
    """
    name = name or path.name
    form = form_of(path)
    if form.name == PARQUET_FORM:
        return PARQUET
    if form.name == WORKBOOK:
        return XLSX
    if form.name in (GZIP, ZIP):
        with unpacked(path, form.name, glance=True) as inner:
            return file_kind(inner, inner.name if form.name == ZIP else name.removesuffix(".gz"))
    if form.name == JSON and not name.casefold().endswith(".txt"):
        return json_kind(path, form.json)
    kind = kind_of(name)
    return CSV if form.name == TEXT and kind in (PARQUET, XLSX) else kind


def json_kind(source: Path | str, written: str) -> str:
    """Whether JSON holds requests or records: by the first objects in it. Mere prompts are requests as well."""
    first = [record for record in itertools.islice(json_objects(source, written), 3) if record]
    only_prompts = bool(first) and all("prompt" in record and set(record) <= _PROMPT_FIELDS for record in first)
    return JSONL if not first or only_prompts or are_requests(source, written) else RECORDS


def settled_kind(source: Path | str, kind: str, template: str) -> tuple[str, str]:
    """The kind that an input said to be `kind` is to be read as, and how its JSON is written ("" if it has none).

    Objects and plain text with a template are a table. Raises InputError for a template without a table.
    """
    if kind == TXT and template.strip():
        return CSV, ""
    if kind != JSONL:
        if template.strip() and kind not in TABLE_KINDS:
            raise InputError("A template needs a table.", "Give a CSV, TSV, Parquet or XLSX file, or no template.")
        return kind, ""
    written = _written(source)
    if template.strip():
        if not written or are_requests(source, written):
            raise InputError("A template needs a table.", "Give a CSV, TSV, Parquet or XLSX file, or no template.")
        return RECORDS, written
    if written and written != LINES and json_kind(source, written) == RECORDS:
        return RECORDS, written
    return JSONL, written


def _written(source: Path | str) -> str:
    try:
        form = form_of(source)
    except InputError:
        return ""  # the lines themselves tell better what is wrong
    return form.json if form.name == JSON else ""
