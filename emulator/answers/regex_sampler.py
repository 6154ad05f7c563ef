"""Texts that match the regular expressions people write into schemas: classes, groups, choices, counts.

A pattern is read once into functions that write. Lookarounds and back references are not followed; the caller's check
sees whether a text matches all the same.
"""

import re
import string
import warnings
from collections.abc import Callable
from functools import lru_cache

Choose = Callable[[int], int]  # a number below the one given
Writer = Callable[[Choose, int], str]  # the second number: how many repetitions beyond the least are wanted
MAX_TRIES = 30
MAX_LENGTH = 4000  # characters of a repetition beyond its least count
MAX_FORCED_LENGTH = 20_000  # characters of any repetition; longer ones end there, and match no more
_LETTERS = string.ascii_lowercase + string.ascii_uppercase
_ANY_CHARACTERS = _LETTERS + string.digits + "_-.,:;!?@#%&*()+=/ "
_CLASSES = {
    "d": string.digits,
    "w": _LETTERS + string.digits + "_",
    "s": " ",
    "D": _LETTERS,
    "W": "-.,:!?",
    "S": _LETTERS + string.digits,
    "p": _LETTERS,
    "P": string.digits,
    **dict(zip("ntrf", "\n\t\r\f", strict=True)),
}
_EMPTY_ESCAPES = frozenset("bBAZzG")
_COUNT = re.compile(r"(?:([*+?])|\{(\d*)(,?)(\d*)\})[?+]?")
_GROUP = re.compile(r"\?(?:P?<\w+>|[a-zA-Z-]*:)")
_LOOKAROUND = re.compile(r"\?(?:<?[=!]|#)")
_CHARACTER_CODE = re.compile(r"x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})")


def sample_matching(pattern: str, choose: Choose, min_length: int = 0, max_length: int | None = None) -> str:
    """A text for a pattern and for bounds of its length: the first of some tries that fits, else the last."""
    write, text = _writer(pattern), ""
    for extra_repeats in range(MAX_TRIES + min(min_length, 300)):
        text = write(choose, extra_repeats)
        if len(text) >= min_length and (max_length is None or len(text) <= max_length) and _matches(pattern, text):
            break
        if len(text) > MAX_FORCED_LENGTH:
            break  # more repetitions do not make it shorter
    return text


def _matches(pattern: str, text: str) -> bool:
    check = _compiled(pattern)
    return check is None or bool(check.search(text))


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> "re.Pattern[str] | None":
    """The pattern as Python reads it; None for a dialect that it does not, such as \\p{L}."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of sets that may one day be nested
        try:
            return re.compile(pattern)
        except re.error:
            return None


@lru_cache(maxsize=256)
def _writer(pattern: str) -> Writer:
    return _PatternParser(pattern).alternatives()


class _PatternParser:
    """Reads one pattern from left to right."""

    def __init__(self, pattern: str) -> None:
        self.text = pattern
        self.at = 0

    def alternatives(self) -> Writer:
        """Alternatives, up to the end of the group or of the pattern."""
        options = [self._sequence()]
        while self._accept("|"):
            options.append(self._sequence())
        return lambda choose, extra: options[choose(len(options))](choose, extra)

    def _sequence(self) -> Writer:
        writers = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            writers.append(self._repeated(self._atom()))
        return lambda choose, extra: "".join(write(choose, extra) for write in writers)

    def _repeated(self, write: Writer) -> Writer:
        match = _COUNT.match(self.text, self.at)
        if match is None:
            return write
        self.at = match.end()
        minimum, maximum = _repeat_bounds(match)

        def repeat(choose: Choose, extra: int) -> str:
            room = extra // 2 + 3 if maximum is None else min(maximum - minimum, extra // 2 + 3)
            fewest = min(room, extra // 2)
            text = ""
            for count in range(1, minimum + fewest + choose(room - fewest + 1) + 1):
                piece = write(choose, extra)
                text += piece
                if not piece or len(text) > (MAX_LENGTH if count >= minimum else MAX_FORCED_LENGTH):
                    break
            return text

        return repeat

    def _atom(self) -> Writer:
        char = self._next_character()
        if char == "(":
            return self._group()
        if char in "^$":
            return _one_of("")
        if char == "\\":
            return _one_of(self._escaped())
        return _one_of(self._character_class() if char == "[" else _ANY_CHARACTERS if char == "." else char)

    def _group(self) -> Writer:
        """A group; a lookaround is read and writes nothing."""
        lookaround = _LOOKAROUND.match(self.text, self.at)
        head = lookaround or _GROUP.match(self.text, self.at)
        self.at = head.end() if head else self.at
        inner = self.alternatives()
        self._accept(")")
        return _one_of("") if lookaround else inner

    def _character_class(self) -> str:
        """The letters of a class such as `A-Z0-9_`, or those outside of `^…`."""
        negated, letters = self._accept("^"), ""
        while self.at < len(self.text) and (self.text[self.at] != "]" or not letters):
            piece = self._class_member()
            if len(piece) == 1 and self.text[self.at : self.at + 1] == "-" and self.text[self.at + 1 :][:1] != "]":
                self.at += 1
                piece = "".join(map(chr, range(ord(piece), min(ord(self._class_member()[-1:]), ord(piece) + 500) + 1)))
            letters += piece
        self._accept("]")
        return "".join(letter for letter in _ANY_CHARACTERS if letter not in letters) if negated else letters

    def _class_member(self) -> str:
        char = self._next_character()
        return self._escaped() if char == "\\" else char

    def _escaped(self) -> str:
        """What an escape stands for: its letters, "" for a place or a back reference."""
        if code := _CHARACTER_CODE.match(self.text, self.at):
            self.at = code.end()
            return chr(int(code[1] or code[2], 16))
        char = self._next_character()
        if char in "pP" and self._accept("{"):
            self.at = self.text.find("}", self.at) + 1 or len(self.text)
        return "" if char in _EMPTY_ESCAPES or char.isdigit() else _CLASSES.get(char, char)

    def _next_character(self) -> str:
        char = self.text[self.at : self.at + 1]
        self.at += 1
        return char

    def _accept(self, char: str) -> bool:
        accepted = self.text.startswith(char, self.at)
        self.at += accepted
        return accepted


def _repeat_bounds(match: "re.Match[str]") -> tuple[int, int | None]:
    """The least and the most repetitions of a count."""
    if match[1]:
        return {"*": (0, None), "+": (1, None), "?": (0, 1)}[match[1]]
    minimum = int(match[2] or 0)
    return minimum, (int(match[4]) if match[4] else None) if match[3] else minimum


def _one_of(letters: str) -> Writer:
    return lambda choose, extra: letters[choose(len(letters))] if letters else ""
