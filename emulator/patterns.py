"""Texts that match the simple regular expressions people write into schemas: classes, groups of words, counts."""

import re
from collections.abc import Callable

_PIECE = re.compile(r"(\[[^\]]+\]|\\[dwsDWS.\-+/]|\((?:\?:)?[^()]*\)|[^\\\[\](){}^$*+?|])(\{\d+(?:,\d*)?\}|[*+?])?")
Choose = Callable[[int], int]


def matching(pattern: str, choose: Choose) -> str:
    """A text for a pattern; `choose(n)` gives a number below n."""
    out = ""
    for atom, times in _PIECE.findall(pattern):
        count = int(re.findall(r"\d+", times)[0]) if times.startswith("{") else 1
        out += "".join(_atom(atom, choose) for _ in range(count))
    return out


def _atom(atom: str, choose: Choose) -> str:
    if atom.startswith("("):
        options = atom[1:-1].removeprefix("?:").split("|")
        return matching(options[choose(len(options))], choose)
    if atom.startswith("["):
        letters = _letters(atom[1:-1])
        return letters[choose(len(letters))]
    return {"\\d": str(choose(10)), "\\w": "a", "\\s": " ", ".": "x"}.get(atom, atom[-1])


def _letters(inside: str) -> str:
    """The letters of a class such as `A-Z0-9_`."""
    spread = re.sub(r"(.)-(.)", lambda m: "".join(map(chr, range(ord(m[1]), ord(m[2]) + 1))), inside)
    return spread.replace("\\d", "0123456789").replace("\\w", "abc").replace("\\", "") or "x"
