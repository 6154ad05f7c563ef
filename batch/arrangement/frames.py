"""Lines that differ in their key and one text alone, told apart by their bytes: decoding them costs more than the rest.

A frame is what stands between the key and the text of such a line, and what stands behind the text. Most batches have
one. Lines of no known frame are decoded, and may teach one. Pure.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Raw

from batch.prefixes.partial_lines import STANDS_IN
from batch.prefixes.request_parts import Field, is_escaped

MOST_FRAMES = 8
_KEY, _TEXT = b'{"key":"', b'{"text":"'


class Framed(NamedTuple):
    """Where the body of the one text of a line begins and ends, and the body."""

    start: int
    end: int
    body: bytes

    def with_parts(self, line: bytes, parts: bytes) -> bytes:
        """The line with other parts, as JSON, in the place of its one."""
        return b"".join((line[: self.start - len(_TEXT)], parts, line[self.end + 2 :]))


class _Frame(NamedTuple):
    before: bytes
    behind: bytes


class Frames:
    """The frames that were met."""

    def __init__(self) -> None:
        self._frames: list[_Frame] = []

    def find(self, line: bytes) -> Framed | None:
        """The text of a line of a known frame; None for any other line, and where escapes ask for a closer look."""
        if not line.startswith(_KEY):
            return None
        key_end = line.find(b'"', len(_KEY))
        for before, behind in self._frames:
            if line.startswith(before, key_end) and line.endswith(behind):
                start, end = key_end + len(before), len(line) - len(behind)
                if end < start or line[key_end - 1] == 0x5C:
                    return None
                body = line[start:end]
                return Framed(start, end, body) if _is_whole(body) else None
        return None

    def learn(self, line: bytes, part: bytes) -> None:
        """Learn the frame of a line whose only part, as it stands there, is this."""
        start = line.find(part)
        key_end = line.find(b'"', len(_KEY))
        if len(self._frames) >= MOST_FRAMES or not part.startswith(_TEXT) or not part.endswith(b'"}'):
            return
        if line.startswith(_KEY) and line[key_end - 1] != 0x5C and 0 < key_end < start:
            self._frames.append(_Frame(line[key_end : start + len(_TEXT)], line[start + len(part) - 2 :]))


class Led(NamedTuple):
    """What rows have in common that differ in their key and last text alone.

    `leading` are the parts before that text, with their names; `more` the bytes that a row has beyond its line.
    """

    system: Field
    leading: tuple[tuple[Raw, int], ...]
    more: int


class LedFrames:
    """Frames of lines that leave something out and end with one text; what that is in front of is the same for all."""

    def __init__(self) -> None:
        self._frames: list[tuple[_Frame, Led]] = []

    def find(self, line: bytes) -> tuple[bytes, Led] | None:
        """The last text of a line of a known frame, and what is known of it; None for any other."""
        if not self._frames or not line.startswith(_KEY):
            return None
        key_end = line.find(b'"', len(_KEY))
        for (before, behind), led in self._frames:
            if line.startswith(before, key_end) and line.endswith(behind):
                body = line[key_end + len(before) : len(line) - len(behind)]
                is_told = line[key_end - 1] != 0x5C and STANDS_IN not in body and _is_whole(body)
                return (body, led) if is_told and key_end + len(before) <= len(line) - len(behind) else None
        return None

    def learn(self, line: bytes, last: bytes, led: Led) -> None:
        """Learn the frame of a line, given as it lies on the disk, whose last part is a text."""
        start, key_end = line.rfind(last), line.find(b'"', len(_KEY))
        if len(self._frames) >= MOST_FRAMES or not line.startswith(_KEY) or line[key_end - 1] == 0x5C:
            return
        is_text = last.startswith(_TEXT) and last.endswith(b'"}') and STANDS_IN not in last
        if is_text and 0 < key_end < start and line.find(last) == start:
            frame = _Frame(line[key_end : start + len(_TEXT)], line[start + len(last) - 2 :])
            if all(frame != known for known, _ in self._frames):
                self._frames.append((frame, led))


def _is_whole(body: bytes) -> bool:
    """Whether a body goes on to its end, and is spelled as texts are compared."""
    if b'"' in body and (b'\\\\"' in body or body.count(b'"') != body.count(b'\\"')):
        return False
    if body.endswith(b"\\"):
        return False
    return not is_escaped(body)
