"""Stand-ins: what is shared is held once, put back exactly, and nothing that a row says is taken for one."""

from __future__ import annotations

import json

import pytest
from msgspec import Raw

from batch.arrangement import stand_ins
from batch.arrangement.stand_ins import StandIns

LONG = b'{"text":"%b"}' % (b"shared " * 400)


def line_with(*parts: bytes, system: bytes = b"") -> bytes:
    header = b'"systemInstruction":%b,' % system if system else b""
    return b'{"key":"k","request":{%b"contents":[{"role":"user","parts":[%b]}]}}\n' % (header, b",".join(parts))


def test_what_was_put_is_resolved_and_the_line_is_whole_again() -> None:
    reader = StandIns()
    system = b'{"parts":[%b]}' % LONG
    written = line_with(reader.put(LONG), b'{"text":"q"}', system=reader.put(system))
    assert len(written) < 200
    request = reader.decode(written).request
    part, last = map(bytes, request.contents[0].parts)
    assert reader.resolve(part) == LONG and last == b'{"text":"q"}'
    assert isinstance(request.systemInstruction, Raw)
    assert reader.resolve(bytes(request.systemInstruction)) == system
    assert reader.whole(written) == line_with(LONG, b'{"text":"q"}', system=system)


def test_a_row_cannot_say_a_stand_in() -> None:
    reader = StandIns()
    name = reader.put(LONG)
    texts = [b'{"text":%b}' % json.dumps(f"[{name.decode()}]").encode(), b'"@0123456789abcdef"', b'{"text":"q"}']
    said = line_with(*texts)
    assert reader.whole(said) == said
    assert list(map(bytes, reader.decode(said).request.contents[0].parts)) == texts


def test_short_texts_and_those_without_room_stand_for_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stand_ins, "MOST_BYTES", len(LONG))
    reader = StandIns()
    assert reader.put(b'{"text":"short"}') == b'{"text":"short"}'
    assert reader.put(LONG) != LONG
    other = LONG.replace(b"shared", b"others")
    assert reader.put(other) == other
    assert reader.put(LONG) != LONG
