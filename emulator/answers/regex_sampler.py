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
TRIES = 30
MOST = 4000  # characters of a repetition; longer ones end there, and match no more
_LETTERS = string.ascii_lowercase + string.ascii_uppercase
_ANY = _LETTERS + string.digits + "_-.,:;!?@#%&*()+=/ "
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
_NOTHING = frozenset("bBAZzG")
_COUNT = re.compile(r"(?:([*+?])|\{(\d*)(,?)(\d*)\})[?+]?")
_GROUP = re.compile(r"\?(?:P?<\w+>|[a-zA-Z-]*:)")
_LOOKAROUND = re.compile(r"\?(?:<?[=!]|#)")
_CODE = re.compile(r"x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})")


def matching(pattern: str, choose: Choose, shortest: int = 0, longest: int | None = None) -> str:
    """A text for a pattern and for bounds of its length: the first of some tries that fits, else the last."""
    write, text = _writer(pattern), ""
    for extra in range(TRIES + min(shortest, 300)):
        text = write(choose, extra)
        if len(text) >= shortest and (longest is None or len(text) <= longest) and _fits(pattern, text):
            break
    return text


def _fits(pattern: str, text: str) -> bool:
    check = _check(pattern)
    return check is None or bool(check.search(text))


@lru_cache(maxsize=256)
def _check(pattern: str) -> "re.Pattern[str] | None":
    """The pattern as Python reads it; None for a dialect that it does not, such as \\p{L}."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of sets that may one day be nested
        try:
            return re.compile(pattern)
        except re.error:
            return None


@lru_cache(maxsize=256)
def _writer(pattern: str) -> Writer:
    return _Reader(pattern).choice()


class _Reader:
    """Reads one pattern from left to right."""

    def __init__(self, pattern: str) -> None:
        self.text = pattern
        self.at = 0

    def choice(self) -> Writer:
        """Alternatives, up to the end of the group or of the pattern."""
        options = [self._row()]
        while self._take("|"):
            options.append(self._row())
        return lambda choose, extra: options[choose(len(options))](choose, extra)

    def _row(self) -> Writer:
        writers = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            writers.append(self._counted(self._atom()))
        return lambda choose, extra: "".join(write(choose, extra) for write in writers)

    def _counted(self, write: Writer) -> Writer:
        found = _COUNT.match(self.text, self.at)
        if found is None:
            return write
        self.at = found.end()
        least, most = _bounds(found)

        def repeat(choose: Choose, extra: int) -> str:
            room = extra // 2 + 3 if most is None else min(most - least, extra // 2 + 3)
            fewest = min(room, extra // 2)
            text = ""
            for _ in range(least + fewest + choose(room - fewest + 1)):
                piece = write(choose, extra)
                text += piece
                if not piece or len(text) > MOST:
                    break
            return text

        return repeat

    def _atom(self) -> Writer:
        char = self._next()
        if char == "(":
            return self._group()
        if char in "^$":
            return _one_of("")
        if char == "\\":
            return _one_of(self._escaped())
        return _one_of(self._class() if char == "[" else _ANY if char == "." else char)

    def _group(self) -> Writer:
        """A group; a lookaround is read and writes nothing."""
        unseen = _LOOKAROUND.match(self.text, self.at)
        head = unseen or _GROUP.match(self.text, self.at)
        self.at = head.end() if head else self.at
        inner = self.choice()
        self._take(")")
        return _one_of("") if unseen else inner

    def _class(self) -> str:
        """The letters of a class such as `A-Z0-9_`, or those outside of `^…`."""
        outside, letters = self._take("^"), ""
        while self.at < len(self.text) and (self.text[self.at] != "]" or not letters):
            piece = self._member()
            if len(piece) == 1 and self.text[self.at : self.at + 1] == "-" and self.text[self.at + 1 :][:1] != "]":
                self.at += 1
                piece = "".join(map(chr, range(ord(piece), min(ord(self._member()[-1:]), ord(piece) + 500) + 1)))
            letters += piece
        self._take("]")
        return "".join(letter for letter in _ANY if letter not in letters) if outside else letters

    def _member(self) -> str:
        char = self._next()
        return self._escaped() if char == "\\" else char

    def _escaped(self) -> str:
        """What an escape stands for: its letters, "" for a place or a back reference."""
        if code := _CODE.match(self.text, self.at):
            self.at = code.end()
            return chr(int(code[1] or code[2], 16))
        char = self._next()
        if char in "pP" and self._take("{"):
            self.at = self.text.find("}", self.at) + 1 or len(self.text)
        return "" if char in _NOTHING or char.isdigit() else _CLASSES.get(char, char)

    def _next(self) -> str:
        char = self.text[self.at : self.at + 1]
        self.at += 1
        return char

    def _take(self, char: str) -> bool:
        found = self.text.startswith(char, self.at)
        self.at += found
        return found


def _bounds(found: "re.Match[str]") -> tuple[int, int | None]:
    """The least and the most repetitions of a count."""
    if found[1]:
        return {"*": (0, None), "+": (1, None), "?": (0, 1)}[found[1]]
    least = int(found[2] or 0)
    return least, (int(found[4]) if found[4] else None) if found[3] else least


def _one_of(letters: str) -> Writer:
    return lambda choose, extra: letters[choose(len(letters))] if letters else ""
