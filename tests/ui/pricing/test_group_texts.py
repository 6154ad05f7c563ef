"""What a group shares, as text."""

from __future__ import annotations

import json

from ui.pricing.group_texts import request_text


def test_the_text_of_shared_content_is_in_the_order_in_which_it_is_read() -> None:
    body = {
        "contents": [
            {"role": "user", "parts": [{"fileData": {"fileUri": "files/1", "mimeType": "a/b"}}, {"text": "T"}]}
        ],
        "tools": [{"functionDeclarations": [{"name": "look_up"}]}],
        "systemInstruction": {"parts": [{"text": "S"}]},
    }
    assert request_text(json.dumps(body).encode()).split("\n") == ["S", "[look_up]", "[files/1]", "[a/b]", "T"]
