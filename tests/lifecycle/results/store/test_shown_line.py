"""Lines with pictures are shown without their base64."""

from __future__ import annotations

import orjson

from lifecycle.results.store.shown_line import without_pictures


def test_a_line_is_shown_with_names_in_the_place_of_base64() -> None:
    blob = {"mimeType": "image/png", "data": "AAAA"}
    parts = [{"inlineData": blob, "thought": True}, {"text": "x"}, {"inlineData": blob}, {"inlineData": blob}]
    line = orjson.dumps({"key": "a", "response": {"candidates": [{"content": {"parts": parts}}, {"content": None}]}})
    shown = orjson.loads(without_pictures(line, [{"file": "pictures/x.jpg"}]))
    told = [
        part["inlineData"]["data"]
        for part in shown["response"]["candidates"][0]["content"]["parts"]
        if "text" not in part
    ]
    assert told == ["(an interim picture)", "(pictures/x.jpg)", "(unreadable)"]
    assert shown["key"] == "a"


def test_what_cannot_be_read_stays_as_it_is() -> None:
    for line in (b"{", b'{"response":null}', b"[]"):
        assert without_pictures(line, []) == line
