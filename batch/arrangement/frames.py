"""Lines that differ in their key and one text alone, told apart by their bytes: decoding them costs more than the rest.

A frame is what stands between the key and the text of such a line, and what stands behind the text. Most batches have
one. Lines of no known frame are decoded, and may teach one. Pure.
"""

from __future__ import annotations

from typing import NamedTuple

from batch.prefixes.request_parts import is_escaped

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


def _is_whole(body: bytes) -> bool:
    """Whether a body goes on to its end, and is spelled as texts are compared."""
    if b'"' in body and (b'\\\\"' in body or body.count(b'"') != body.count(b'\\"')):
        return False
    if body.endswith(b"\\"):
        return False
    return not is_escaped(body)
