"""Fields back to the line that they can be typed as; `read_line` reads the same fields from it."""

from __future__ import annotations

from collections.abc import Sequence

from batch.fields.answer_field import AnswerField, FieldType, number_text
from batch.fields.type_words import LIST_OF, ONE_OF, TYPE_WORDS

_UNSAFE = frozenset("\"'`“”„«»:;,|=/()[]{}<>?*\n\t-–—•.")

_TYPES_OF = ("or ", "list", "array", *(words.rstrip(" :") for words in (*LIST_OF, *ONE_OF)))  # no choice begins so


def write_line(fields: Sequence[AnswerField]) -> str:
    """The fields as one line. Groups cannot be written so; of them, only the name and the fields' names are said."""
    return "; ".join(map(_write, fields))


def _write(field: AnswerField) -> str:
    name = _quote(field.name)
    optional = "" if field.required else "?"
    kind = _kind(field)
    note = f" - {' '.join(field.note.replace(';', ',').split())}" if field.note.strip() else ""
    return f"{name}{optional}{f': {kind}' if kind else ''}{note}"


def _kind(field: AnswerField) -> str:
    bounds = _bounds(field)
    match field.type:
        case FieldType.TEXT:
            return ""
        case FieldType.CHOICE:
            return _choices(field.choices)
        case FieldType.LIST:
            held = _kind(field.items) if field.items else ""
            held = f"({held})" if field.items and field.items.type is FieldType.CHOICE else held
            return f"list of {held or 'text'}{f', {bounds}' if bounds else ''}"
        case FieldType.GROUP:
            return f"text ({', '.join(inner.name for inner in field.fields)})"
    return f"{field.type.value} {bounds}".rstrip()


def _choices(choices: tuple[str, ...]) -> str:
    return " | ".join(_quote(choice) if len(choices) > 1 else f'"{choice}"' for choice in choices)


def _bounds(field: AnswerField) -> str:
    low, high = field.minimum, field.maximum
    if low is None and high is None:
        return ""
    return f"{'' if low is None else number_text(low)}..{'' if high is None else number_text(high)}"


def _quote(word: str) -> str:
    """A word as it stands, in quotation marks if its characters or its meaning could be read otherwise."""
    plain = not _UNSAFE & set(word) and word == " ".join(word.split()) and word.casefold() not in TYPE_WORDS
    if plain and word[:1].isalpha() and not f"{word.casefold()} ".startswith(_TYPES_OF):
        return word
    quote = '"' if '"' not in word else "`" if "`" not in word else "«"
    return f"{quote}{word}{'»' if quote == '«' else quote}"
