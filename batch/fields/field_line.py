"""Fields typed as one line: `sentiment: positive | negative; urgency: 1..5 (5 is the worst); product - its name`.

A semicolon or a new line ends a field, a colon its name. What stands in round brackets or behind a dash is a note.
Commas work where they can only mean one thing, and what they were taken for is said.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import NamedTuple

from batch.errors import InputError
from batch.fields import line_scanner
from batch.fields.answer_field import AnswerField, FieldType
from batch.fields.type_words import OPTIONAL, REQUIRED, choice_of, read_range, read_type, refuse_misspelt

_BULLET = re.compile(r"(?:[-*•–]|\d{1,3}[.)])\s+")
MAX_NAME_WORDS = 4


class _Part(NamedTuple):
    """One field as it was typed: its name, the type (None without a colon), and further pieces after commas."""

    name: str
    spec: str | None
    more: list[str]


def read_line(text: str) -> tuple[list[AnswerField], list[str]]:
    """The fields of a typed text, and notes on how it was read. Raises InputError that names the place."""
    fields: list[AnswerField] = []
    notes: list[str] = []
    for segment in line_scanner.split(text, ";\n"):
        bullet = _BULLET.match(segment)
        segment = segment[bullet.end() :] if bullet else segment
        if "\t" in segment and ":" not in segment:  # the header of a table, as it is copied from one
            segment = ", ".join(name.strip() for name in segment.split("\t"))
        if segment:
            fields += _read_segment(segment, notes)
    return fields, notes


def _read_segment(segment: str, notes: list[str]) -> list[AnswerField]:
    dash = line_scanner.find_dash(segment)
    head, note = (segment, "") if dash < 0 else (segment[:dash].strip(), segment[dash:].lstrip("-–— \t"))
    parts = _parts(head)
    fields = [_read_part(part, notes) for part in parts]
    if note and fields:
        fields[-1] = replace(fields[-1], note=_join(fields[-1].note, note))
        if _names_a_field(note):
            notes.append(f'What follows the dash is the note of "{fields[-1].name}"; end a field with ";".')
    return fields


def _names_a_field(note: str) -> bool:
    """Whether a note seems to hold a field that a comma was to separate."""
    return any(0 < len(piece.partition(":")[0].split()) <= 2 and ":" in piece for piece in note.split(",")[1:])


def _parts(head: str) -> list[_Part]:
    """Cut the text of one or more fields at its commas, and tell which piece begins a field."""
    parts: list[_Part] = []
    for piece in line_scanner.split(head, ","):
        colon = line_scanner.find(piece, ":")
        if colon < 0 and (equals := line_scanner.find(piece, "=")) > 0 and piece[equals - 1] not in "<>":
            colon = equals
        if colon >= 0:
            parts.append(_Part(piece[:colon].strip(), piece[colon + 1 :].strip(), []))
        elif not piece:
            continue
        elif parts and not _begins_field(piece, parts[-1]):
            parts[-1].more.append(piece)
        else:
            parts.append(_Part(piece, None, []))
    return parts


def _begins_field(piece: str, before: _Part) -> bool:
    """Whether a piece without a colon is a name, rather than something said of the field before it."""
    if piece.casefold() in OPTIONAL | REQUIRED or read_range(piece.casefold()):
        return False
    if before.spec is None or _cut_range(piece)[1] is not None:
        return True
    if "|" in before.spec or read_type(before.spec) is not None:
        return len(piece.split()) <= MAX_NAME_WORDS and "|" not in piece
    return False


def _read_part(part: _Part, notes: list[str]) -> AnswerField:
    name, spec, note, required = part.name, part.spec, "", True
    if spec is None:
        name, spec = _cut_range(name)
    bare, inner = line_scanner.cut_brackets(name)
    if inner and bare:
        name = bare
        if spec is None and (read_type(inner) is not None and not _is_prose(inner)):
            spec = inner
        elif inner.casefold() in OPTIONAL:
            required = False
        else:
            note = inner
    if name.endswith("?"):
        name, required = name[:-1].rstrip(), False
    if line_scanner.find(name, "|") >= 0 and spec is None:
        raise InputError(f'The choices "{name[:60]}" have no name.', f"Write a name before them: name: {name[:60]}")
    name = line_scanner.unquote(name.rstrip("*").strip())
    if not name:
        raise InputError(f'There is no name before ": {(spec or "")[:60]}".', "Write a name before the colon.")
    field = replace(_read_spec(name, spec or "", part.more, notes), name=name)
    return replace(field, note=_join(note, field.note), required=field.required and required)


def _cut_range(name: str) -> tuple[str, str | None]:
    """A name and the range that stands behind it without a colon: "urgency 1..5"."""
    words = name.split()
    for length in (1, 2, 3):
        if len(words) > length and read_range(" ".join(words[-length:]).casefold()) is not None:
            return " ".join(words[:-length]), " ".join(words[-length:])
    return name, None


def _is_prose(text: str) -> bool:
    """Whether a text in brackets is a remark although its first word is a type's name, such as "day of delivery"."""
    kind = read_type(text)
    return kind is not None and bool(kind.note) and kind.type is not FieldType.CHOICE


def _read_spec(name: str, spec: str, more: list[str], notes: list[str]) -> AnswerField:
    if not spec and not more:
        return AnswerField(name)
    choices_noted = "|" in spec and ")" in spec.rsplit("|", 1)[0]
    bare, note = (spec, "") if choices_noted else line_scanner.cut_brackets(spec)
    if bare.casefold().endswith((" of", "list", "array", "enum")) or not bare:
        bare, note = (spec, "") if bare else (note, "")
    spec = bare
    required = not spec.endswith("?")
    spec = spec.removesuffix("?").rstrip()
    if note.casefold() in OPTIONAL:
        note, required = "", False
    field = read_type(spec)
    if spec and 0 < len(more) < 3 and (span := read_range(",".join([spec, *more]).casefold())):  # decimal commas
        field, more = span, []
    if field is None and more and spec:
        return _choices_by_commas(name, spec, more, note, notes)
    if field is None:
        field = _free_text(name, spec, notes)
    field = replace(field, note=_join(field.note, note), required=field.required and required)
    for piece in more:
        field = _refine(field, piece)
    return field


def _choices_by_commas(name: str, spec: str, more: list[str], note: str, notes: list[str]) -> AnswerField:
    words = [piece for piece in more if piece.casefold() not in OPTIONAL | REQUIRED]
    field = choice_of([spec, *words]) if words else _free_text(name, spec, notes)
    if words:
        notes.append(f'The words after "{name}:" are its choices; write "|" between them to be sure.')
    required = field.required and not any(piece.casefold() in OPTIONAL for piece in more)
    return replace(field, note=_join(field.note, note), required=required)


def _free_text(name: str, spec: str, notes: list[str]) -> AnswerField:
    refuse_misspelt(name, spec)
    if spec:
        notes.append(f'"{name}" is a text; "{spec[:60]}" is its note.')
    return AnswerField(name, note=spec)


def _refine(field: AnswerField, piece: str) -> AnswerField:
    """What a piece after a comma says of a field: that it may be empty, its range, or a note."""
    folded = piece.casefold()
    if folded in OPTIONAL:
        return replace(field, required=False)
    if folded in REQUIRED:
        return replace(field, required=True)
    span = read_range(folded)
    if span is not None and field.type in (FieldType.NUMBER, FieldType.WHOLE, FieldType.LIST):
        return replace(field, minimum=span.minimum, maximum=span.maximum)
    return replace(field, note=_join(field.note, piece))


def _join(first: str, second: str) -> str:
    return f"{first}; {second}" if first and second else first or second
