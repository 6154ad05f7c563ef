"""Lines told apart by their bytes: only where decoding them would say the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import UNSET

from batch.arrangement.frames import Frames, Led, LedFrames
from tests.shared_layouts import batch, user


def line_of(text: str, key: str = "r1", **more: Any) -> bytes:
    request = {"contents": user(text), **more}
    return json.dumps({"key": key, "request": request}, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


@pytest.fixture
def frames() -> Frames:
    found = Frames()
    line = line_of("One.")
    found.learn(line, b'{"text":"One."}')
    return found


@pytest.mark.parametrize("text", ["", "Two\nlines", 'He said "no" to it', "C:\\\\new", "Größe", "[[emulate: ok]]"])
def test_a_text_is_found_and_can_be_replaced(frames: Frames, text: str) -> None:
    found = frames.find(line_of(text, key="some other key"))
    assert found is not None and json.loads(b'"%b"' % found.body) == text
    moved = json.loads(found.with_parts(line_of(text, key="some other key"), b'{"text":"a"},{"text":"b"}'))
    assert moved == {"key": "some other key", "request": {"contents": user("a", "b")}}


@pytest.mark.parametrize(
    "line",
    [
        line_of("x", generationConfig={"temperature": 0}),
        line_of('quoted after a backslash \\"'),
        line_of("x", key='a"b'),
        batch([{"contents": user("one", "two")}])[0],
        batch([{"contents": [*user("one"), {"role": "model", "parts": [{"text": "two"}]}]}])[0],
        line_of("x").replace(b'"text":"x"', b'"text":"\\u0041"'),
        b"no json",
    ],
)
def test_every_other_line_is_left_to_be_decoded(frames: Frames, line: bytes) -> None:
    assert frames.find(line) is None


def test_other_settings_are_another_frame(frames: Frames) -> None:
    line = line_of("Three.", generationConfig={"temperature": 0})
    frames.learn(line, b'{"text":"Three."}')
    found = frames.find(line_of("Four.", generationConfig={"temperature": 0}))
    assert found is not None and found.body == b"Four." and frames.find(line_of("Five.")) is not None


def test_a_last_text_is_found_behind_what_all_lines_have() -> None:
    frames, led = LedFrames(), Led(UNSET, (), 7)
    line = line_of("one").replace(b"[{", b'["0",{')
    frames.learn(line, b'{"text":"one"}', led)
    assert frames.find(line.replace(b"one", b"two \\n")) == (b"two \\n", led)
    for other in (
        line_of("one"),
        line.replace(b"one", b"a\t1\tb"),
        line.replace(b"one", b"\\u00e9"),
        line.replace(b"one", b'a"},{"text":"b'),
        line.replace(b'"0"', b'"1"'),
        line.replace(b"r1", b'a\\"b'),
    ):
        assert frames.find(other) is None


def test_a_last_text_that_stands_elsewhere_too_or_is_not_there_teaches_nothing() -> None:
    frames, part = LedFrames(), b'{"text":"one"}'
    for line in (line_of("one").replace(b"[{", b"[%b,{" % part), line_of("two"), line_of("one", key="\\")):
        frames.learn(line, part, Led(UNSET, (), 0))
    assert frames.find(line_of("x")) is None
