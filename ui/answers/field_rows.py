"""Answer fields as rows of a small table: name, type, choices or range, note. Pure; what cannot be read is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from batch.errors import Fault, InputError
from batch.fields import line_scanner
from batch.fields.answer_field import AnswerField, FieldType, number_text
from batch.fields.type_words import TYPE_WORDS, choice_of, read_range

NAME, TYPE, VALUES, NOTE = "Name", "Type", "Choices or range", "Note for Gemini"
COLUMNS = (NAME, TYPE, VALUES, NOTE)
Row = dict[str, str]
_NUMBERS = (FieldType.NUMBER, FieldType.WHOLE)
_SEPARATORS = frozenset(",;|\"'`“”„«»")


def row_of(field: AnswerField) -> Row:
    """A field as a row."""
    return {NAME: field.name, TYPE: field.type.value, VALUES: _values(field), NOTE: field.note}


def edited(rows: Sequence[Row], edits: Mapping[str, Any]) -> list[tuple[Row, int | None]]:
    """The rows as Streamlit's table editor says they were edited, each with the place that it had before."""
    changed: Mapping[str, Mapping[str, Any]] = {str(n): cells for n, cells in edits.get("edited_rows", {}).items()}
    deleted = {int(n) for n in edits.get("deleted_rows", ())}
    kept = [(_clean({**row, **changed.get(str(n), {})}), n) for n, row in enumerate(rows) if n not in deleted]
    added = [(_clean(cells), None) for cells in edits.get("added_rows", ())]
    return [(row, place) for row, place in [*kept, *added] if any(row.values())]


def fields_of(
    rows: Sequence[Row], originals: Sequence[AnswerField | None]
) -> tuple[tuple[AnswerField, ...], tuple[Fault, ...]]:
    """The fields of the rows, and what is wrong with others. An original keeps what a row does not show of it."""
    fields, faults = [], []
    for row, original in zip(rows, originals, strict=True):
        try:
            fields.append(_field(row, original))
        except InputError as error:
            faults.append(Fault(str(error), error.remedy))
    return tuple(fields), tuple(faults)


def _clean(cells: Mapping[str, Any]) -> Row:
    return {name: " ".join(str(cells.get(name) or "").split()) for name in COLUMNS}


def _field(row: Row, original: AnswerField | None) -> AnswerField:
    shown = row_of(original) if original else None
    if original and shown and (shown[TYPE], shown[VALUES]) == (row[TYPE], row[VALUES]):
        return replace(original, name=row[NAME], note=row[NOTE])
    read = _typed(row[TYPE], row[VALUES], row[NAME] or "The field")
    required = read.required and (original is None or original.required)
    return replace(read, name=row[NAME], note=row[NOTE], required=required)


def _typed(type_: str, values: str, name: str) -> AnswerField:
    if not type_:
        return _guessed(values)
    kind = FieldType(type_)
    if kind is FieldType.CHOICE:
        return AnswerField("", kind, choices=tuple(_split(values)))
    if kind is FieldType.LIST:
        return _list(values)
    if not values:
        return AnswerField("", kind)
    if kind not in _NUMBERS:
        raise InputError(
            f'"{name}" is of the type "{kind.value}", which has no choices or range.',
            'Choose the type "choice" or "whole number", or clear the cell.',
        )
    span = read_range(values.casefold())
    if span is None:
        raise InputError(f'The range of "{name}" cannot be read: "{values[:40]}".', "Write for instance 1 to 5.")
    return replace(span, type=kind)


def _guessed(values: str) -> AnswerField:
    """The type of a row that names none, by its choices or range; a text without them."""
    if not values:
        return AnswerField("")
    return read_range(values.casefold()) or choice_of([_quoted_if_needed(word) for word in _split(values)])


def _list(values: str) -> AnswerField:
    span = read_range(values.casefold()) if values else None
    if span is not None:
        return AnswerField("", FieldType.LIST, minimum=span.minimum, maximum=span.maximum)
    held = TYPE_WORDS.get(values.casefold())
    if held is not None:
        return AnswerField("", FieldType.LIST, items=None if held is FieldType.TEXT else AnswerField("", held))
    words = tuple(_split(values))
    return AnswerField("", FieldType.LIST, items=AnswerField("", FieldType.CHOICE, choices=words) if words else None)


def _split(values: str) -> list[str]:
    """The choices of a cell: parted by bars, else by semicolons, else by commas."""
    separator = next((sign for sign in "|;," if line_scanner.find(values, sign) >= 0), ",")
    return [line_scanner.unquote(word).strip() for word in line_scanner.split(values, separator) if word.strip()]


def _values(field: AnswerField) -> str:
    if field.type is FieldType.CHOICE:
        return _joined(field.choices)
    if field.type is FieldType.LIST and field.items is not None:
        held = field.items
        return _joined(held.choices) if held.type is FieldType.CHOICE else held.type.value
    if field.type is FieldType.GROUP:
        return ", ".join(inner.name for inner in field.fields)
    return _range(field.minimum, field.maximum)


def _joined(choices: Sequence[str]) -> str:
    return ", ".join(map(_quoted_if_needed, choices))


def _quoted_if_needed(word: str) -> str:
    return f'"{word}"' if _SEPARATORS & set(word) and '"' not in word else word


def _range(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"{number_text(low)} to {number_text(high)}"
    if low is not None:
        return f"at least {number_text(low)}"
    return f"at most {number_text(high)}" if high is not None else ""
