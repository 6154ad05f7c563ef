"""JSON that is not one object a line: the elements of an array, or objects that are written over several lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TextIO

import msgspec

from batch.errors import Fault

ARRAY, LINES, VALUES = "array", "lines", "values"
CHUNK_CHARS = 1 << 20
_SPACE = " \t\r\n\ufeff"
_TOO_LARGE = Fault("The element is too large.", "Make it smaller.")
_decoder = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)


def json_form(start: str) -> str:
    """How the JSON that begins with `start` is written: `ARRAY`, `LINES` or `VALUES`; "" if it is no JSON."""
    text = start.lstrip(_SPACE)
    if text.startswith("["):
        return ARRAY if text[1:].lstrip(_SPACE)[:1] in ("{", "[", '"', "]", "") else ""
    if not text.startswith("{") or text[1:].lstrip(_SPACE)[:1] not in ('"', "}", ""):
        return ""
    first, _, rest = text.partition("\n")
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        return VALUES if rest and _opens_object(text) else LINES
    return LINES


def _opens_object(text: str) -> bool:
    """Whether the first line is a piece of an object that goes on, as where it is printed for people."""
    first = text.partition("\n")[0].strip()
    return first == "{" or first.endswith((",", "{", "["))


def json_values(text: TextIO, form: str, limit: int) -> Iterator[tuple[int, bytes | Fault]]:
    """The elements of an array, or the values of a text one after the other, each on one line, with their number.

    After a value that cannot be read there is nothing more.
    """
    window = _Window(text, limit)
    number = 0
    if form == ARRAY:
        window.skip(_SPACE)
        window.place += 1
    while True:
        window.skip(_SPACE + ("," if form == ARRAY else ""))
        following = window.peek()
        if not following or (form == ARRAY and following == "]"):
            if not following and form == ARRAY:
                yield number + 1, Fault("The array is not closed.", "The file seems to be cut off; get it again.")
            return
        number += 1
        value = window.take()
        yield number, value
        if isinstance(value, Fault) and not window.passed:
            return


class _Window:
    """The part of a text that is looked at."""

    def __init__(self, text: TextIO, limit: int) -> None:
        self._text = text
        self._limit = limit
        self._held = ""
        self._at_end = False
        self.place = 0
        self.passed = False  # whether the last value was read to its end

    def _extend(self) -> None:
        more = self._text.read(max(CHUNK_CHARS, len(self._held) - self.place))
        self._at_end = not more
        self._held = self._held[self.place :] + more
        self.place = 0

    def skip(self, signs: str) -> None:
        """Go past some signs."""
        while True:
            held = len(self._held)
            while self.place < held and self._held[self.place] in signs:
                self.place += 1
            if self.place < held or self._at_end:
                return
            self._extend()

    def peek(self) -> str:
        return self._held[self.place : self.place + 1]

    def take(self) -> bytes | Fault:
        """The value that begins here, on one line."""
        while True:
            try:
                _, end = _decoder.raw_decode(self._held, self.place)
            except RecursionError:
                return Fault("The element is nested too deeply.", "Make it flatter.")
            except ValueError as error:
                if self._at_end:
                    return Fault(f"The JSON cannot be read: {_reason(error)}.", "Correct it, or export it again.")
                end = -1
            self.passed = end >= 0 and (end < len(self._held) or self._at_end)
            if self.passed:
                raw = self._held[self.place : end]
                self.place = end
                return _on_one_line(raw) if len(raw) <= self._limit else _TOO_LARGE
            if len(self._held) - self.place > self._limit:
                return _TOO_LARGE
            self._extend()


def _on_one_line(raw: str) -> bytes | Fault:
    data = raw.encode("utf-8", "surrogatepass")
    try:
        return msgspec.json.format(data, indent=-1)
    except (msgspec.MsgspecError, RecursionError) as error:
        return Fault(f"The JSON cannot be read: {error}.", "Correct it, or export it again.")


def _reason(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg[:1].lower()}{error.msg[1:].rstrip(':')}"
    return "a value has no meaning"
