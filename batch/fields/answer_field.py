"""One wanted column of the answers, and what a reading of many brought to light. Pure values, told in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from batch.errors import Fault

MAX_FIELDS = 100  # typed columns of results at most
MAX_NAME_CHARS = 80
MAX_BOUND = 1e15  # of a range; beyond it whole numbers are not exact everywhere
MAX_DEPTH = 5  # levels of groups; deeper schemas are refused by the service


class FieldType(StrEnum):
    """What a field holds, in the words that people read and type. A group holds fields of its own."""

    TEXT = "text"
    NUMBER = "number"
    WHOLE = "whole number"
    YES_NO = "yes/no"
    CHOICE = "choice"
    LIST = "list"
    DATE = "date"
    GROUP = "group"


@dataclass(frozen=True)
class AnswerField:
    """One field of the answer.

    `choices` are those of a CHOICE; `minimum` and `maximum` bound a number, or count the items of a LIST; `items` is
    what a LIST holds (None: texts; its name is ""); `fields` are those of a GROUP. A field that is not `required` may
    come back empty.
    """

    name: str
    type: FieldType = FieldType.TEXT
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    note: str = ""
    required: bool = True
    items: AnswerField | None = None
    fields: tuple[AnswerField, ...] = ()

    def describe(self) -> str:
        """The field in words: "urgency: whole number from 1 to 5, may be empty (5 is the worst)"."""
        empty = "" if self.required else ", may be empty"
        return f"{self.name}: {self.kind_in_words()}{empty}{f' ({self.note})' if self.note else ''}"

    def kind_in_words(self) -> str:
        """What the field holds, in words: "list of text", "one of positive, negative"."""
        match self.type:
            case FieldType.CHOICE:
                return f"one of {', '.join(self.choices)}"
            case FieldType.LIST:
                held = self.items.kind_in_words() if self.items else FieldType.TEXT.value
                return f"list{_range_in_words(self.minimum, self.maximum, 'with ')} of {held}"
            case FieldType.DATE:
                return "date (YYYY-MM-DD)"
            case FieldType.GROUP:
                return f"group of {', '.join(one.name for one in self.fields)}"
        return self.type.value + _range_in_words(self.minimum, self.maximum, "")


@dataclass(frozen=True)
class FieldsReading:
    """What was understood of a text: `form` names what it was taken for, `notes` say in words how it was read, and
    `problems` what could not be (then nothing should be sent).

    `schema` is what is sent, {} with problems. It is made of the `fields`, unless a schema was given that says more
    than fields can.
    """

    fields: tuple[AnswerField, ...] = ()
    form: str = ""
    notes: tuple[str, ...] = ()
    problems: tuple[Fault, ...] = ()
    schema: dict[str, Any] = field(default_factory=dict)

    def describe(self) -> list[str]:
        """What was understood, a line a field, then the notes."""
        return [*(one.describe() for one in self.fields), *self.notes]


def field_faults(fields: Sequence[AnswerField], place: str = "", depth: int = 1) -> Iterator[Fault]:
    """What is wrong with fields as such, wherever they came from. `place` names the group that they are in."""
    inside = f' in "{place}"' if place else ""
    if len(fields) > MAX_FIELDS:
        yield Fault(f"There are {len(fields)} fields{inside}.", f"Ask for {MAX_FIELDS} at most.")
        return
    if depth > MAX_DEPTH:
        yield Fault(f'The groups are more than {MAX_DEPTH} levels deep at "{place}".', "Flatten them.")
        return
    seen: set[str] = set()
    for position, one in enumerate(fields, 1):
        yield from _name_faults(one.name, position, inside, seen)
        seen.add(one.name.casefold())
        yield from _value_faults(one, depth)


def _name_faults(name: str, position: int, inside: str, seen: set[str]) -> Iterator[Fault]:
    if not name.strip():
        yield Fault(f"Field {position}{inside} has no name.", "Write a name before the colon.")
    elif len(name) > MAX_NAME_CHARS:
        yield Fault(f'The name of field {position}{inside} is too long: "{name[:40]}…".', "Put it into a note.")
    elif not name.isprintable():
        yield Fault(f"The name of field {position}{inside} holds a character that cannot be seen.", "Type it again.")
    elif name.casefold() in seen:
        yield Fault(f'Two fields{inside} are called "{name}".', "Rename one of them.")


def _value_faults(one: AnswerField, depth: int) -> Iterator[Fault]:
    if max(abs(one.minimum or 0), abs(one.maximum or 0)) >= MAX_BOUND:
        yield Fault(f'A bound of "{one.name}" is too large.', "Leave it out, or write a smaller number.")
        return
    if one.minimum is not None and one.maximum is not None and one.minimum > one.maximum:
        low, high = number_text(one.minimum), number_text(one.maximum)
        yield Fault(f'"{one.name}" goes from {low} down to {high}.', f"Write {high}..{low}.")
    if one.type is FieldType.CHOICE:
        yield from _choice_faults(one)
    elif one.type is FieldType.GROUP and not one.fields:
        yield Fault(f'"{one.name}" is a group without fields.', "Say what it holds, or make it a text.")
    elif one.type is FieldType.GROUP:
        yield from field_faults(one.fields, one.name, depth + 1)
    elif one.type is FieldType.LIST and one.items is not None:
        yield from _value_faults(replace(one.items, name=one.name), depth)


def _choice_faults(one: AnswerField) -> Iterator[Fault]:
    if not one.choices or not all(choice.strip() for choice in one.choices):
        yield Fault(f'A choice of "{one.name}" is empty.', f"Write {one.name}: first | second.")
    repeated = [choice for choice, times in Counter(one.choices).items() if times > 1]
    if repeated:
        yield Fault(f'"{one.name}" has the choice "{repeated[0]}" twice.', "Keep one.")


def number_text(value: float) -> str:
    """A number as people write it: 5 rather than 5.0."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def _range_in_words(low: float | None, high: float | None, before: str) -> str:
    if low is not None and high is not None:
        return (
            f" {before}{number_text(low)} to {number_text(high)}"
            if before
            else (f" from {number_text(low)} to {number_text(high)}")
        )
    if low is not None:
        return f" {before}at least {number_text(low)}"
    return f" {before}at most {number_text(high)}" if high is not None else ""
