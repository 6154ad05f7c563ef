"""A text as its lines, each known by a hash. Pure.

A text is the body of its JSON string (without the quotes), a line ends at an escaped newline. Cuts never fall into an
escape.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate

NEWLINE = b"\\n"
LABEL_BYTES = 80
"""A line longer than that is no label."""
_FENCE = rb"`{3}.*|(?:\\\"){3}|[-=_*~]{3,}"
_LABEL = re.compile(
    rb"^[ #*=_-]{0,6}(?:.*(?::|\xef\xbc\x9a)|<[^/<>]+>|#{1,6} .*|" + _FENCE + rb"|\[[^/\]]+\])[ *_]{0,3}(?:\\r)?$"
)
_CLOSER = re.compile(rb"^\s{0,4}(?:</[^<>]+>|" + _FENCE + rb"|\[/[^\]]+\])\s{0,3}(?:\\r)?$")
_NEWLINES = re.compile(rb"(?:\\[nr])*")
_WORDS = re.compile(rb"[^\W\d_]{2,}")
_MOSTLY_DATA = re.compile(rb"\d")
WIDE_QUESTION_MARK = b"\xef\xbc\x9f"
MOST_DATA_LINES, MOST_DATA_BYTES, MOST_DATA_WORDS = 3, 120, 5


def split_lines(body: bytes) -> list[bytes]:
    """The lines of a text, without the two bytes that part them."""
    lines = body.split(NEWLINE)
    return lines if b"\\\\" not in body else _join_false_ends(lines)


def line_starts(lines: Sequence[bytes]) -> list[int]:
    """Where each line begins in the body, and where one behind the last would."""
    return list(accumulate((len(line) + len(NEWLINE) for line in lines), initial=0))


def is_label(line: bytes) -> bool:
    """Whether a line only says what follows, or opens it: `Context:`, `<document>`, `## Text`, three backticks."""
    return len(line) <= LABEL_BYTES and _LABEL.match(line) is not None


def is_closer(line: bytes) -> bool:
    """Whether a line only closes what stands before it: `</document>`, three backticks, `---`."""
    return len(line) <= LABEL_BYTES and _CLOSER.match(line) is not None


def is_data(text: bytes) -> bool:
    """Whether some lines are a date, a number or a name of the row rather than something to be read as a question."""
    lines = [line for line in text.split(NEWLINE) if line.strip()]
    return 0 < len(lines) <= MOST_DATA_LINES and all(map(_is_data_line, lines))


def strip_newlines(text: bytes) -> bytes:
    """A text without newlines at its ends."""
    if text.startswith(b"\\"):
        text = text[_NEWLINES.match(text).end() :]  # type: ignore[union-attr]
    while text.endswith((b"\\n", b"\\r")) and _backslashes(text[:-1]) % 2:
        text = text[:-2]
    return text


def _is_data_line(line: bytes) -> bool:
    if len(line) > MOST_DATA_BYTES or b"?" in line or WIDE_QUESTION_MARK in line or line.endswith((b".", b"!")):
        return False
    return _MOSTLY_DATA.search(line) is not None and len(_WORDS.findall(line)) <= MOST_DATA_WORDS


def _backslashes(text: bytes) -> int:
    """How many stand at the end."""
    return len(text) - len(text.rstrip(b"\\"))


def _join_false_ends(lines: list[bytes]) -> list[bytes]:
    """The lines, where an escaped backslash before an `n` was no newline."""
    joined: list[bytes] = []
    pending = b""
    for line in lines:
        whole = pending + NEWLINE + line if pending else line
        if _backslashes(line) % 2:
            pending = whole
        else:
            joined.append(whole)
            pending = b""
    if pending:
        joined.append(pending)
    return joined
