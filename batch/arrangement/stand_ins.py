"""Arranged lines as they are read for their price: a long text that rows share is stood in for by its name.

Such a line is as short as what is the row's own, and what is shared is read once. A stand-in is a JSON string with the
hash of what it stands in for, where a part or a system instruction is an object; only what was put here is taken for
one.
"""

from __future__ import annotations

import re

from msgspec import UNSET, Raw
from xxhash import xxh3_64_hexdigest as digest

from batch.arrangement.shared_blocks import MIN_BLOCK_BYTES
from batch.prefixes.partial_lines import STANDS_IN
from batch.prefixes.request_parts import RawLine, decode_line

MOST_BYTES = 1 << 25
"""So much is held; what comes later stands in the lines themselves."""
_STAND_IN = re.compile(rb'"@[0-9a-f]{16}"')
_NAMED = STANDS_IN + b'{"text":'


class StandIns:
    """Reads lines that leave out what was put here; see `batch.prefixes.partial_lines`."""

    def __init__(self) -> None:
        self._held: dict[bytes, bytes] = {}
        self._bytes = 0

    def put(self, value: bytes) -> bytes:
        """What stands in for a shared text part, or a system instruction: itself if it is short, or has no room."""
        if len(value) < MIN_BLOCK_BYTES:
            return value
        name = b'"@%b"' % digest(value).encode()
        if name not in self._held:
            if self._bytes + len(value) > MOST_BYTES:
                return value
            self._bytes += len(value)
            self._held[name] = value
        return name

    def decode(self, line: bytes) -> RawLine:
        """A line with stand-ins as a scan knows them. Raises MsgspecError."""
        row = decode_line(line)
        if b'"@' in line:
            request = row.request
            for turn in request.contents:
                for place, part in enumerate(turn.parts):
                    if (name := bytes(part)) in self._held:
                        turn.parts[place] = Raw(_NAMED + name + b"}")
            system = request.systemInstruction
            if system is not UNSET and (name := bytes(system)) in self._held:
                request.systemInstruction = Raw(_NAMED + name + b"}")
        return row

    def resolve(self, stand_in: bytes) -> bytes:
        """What something stands in for."""
        return self._held[stand_in[len(_NAMED) : -1]]

    def whole(self, line: bytes) -> bytes:
        """The line as it would be sent."""
        return _STAND_IN.sub(lambda found: self._held.get(found.group(), found.group()), line)
