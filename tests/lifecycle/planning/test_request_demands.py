"""What requests ask for beside tokens in is read from them as they are sent."""

from __future__ import annotations

import base64
import json
import struct
from pathlib import Path
from typing import Any

import pytest

from batch.media.scale import MediaScale
from lifecycle.planning.request_demands import OwnDemands


def wav(seconds: int) -> str:
    """A recording of silence, 100 bytes a second."""
    size = 100 * seconds
    head = b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 100, 100, 1, 8)
    return base64.b64encode(head + b"data" + struct.pack("<I", size) + bytes(size)).decode()


def request(*parts: dict[str, Any], tools: Any = None, **config: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"contents": [{"role": "user", "parts": list(parts) or [{"text": "Hi"}]}]}
    return made | ({"tools": tools} if tools else {}) | ({"generationConfig": config} if config else {})


DEMANDS = [
    pytest.param(request(), (65_536, 1, False, 0, False, ""), id="plain"),
    pytest.param(request(candidateCount=4, maxOutputTokens=1_000), (1_000, 4, False, 0, False, ""), id="candidates"),
    pytest.param(request(imageConfig={"imageSize": "2K"}), (65_536, 1, False, 0, False, "2K"), id="size"),
    pytest.param(request(maxOutputTokens=1_000_000), (65_536, 1, False, 0, False, ""), id="beyond-the-model"),
    pytest.param(
        request({"inlineData": {"mimeType": "audio/wav", "data": wav(10)}}, {"text": "?"}),
        (65_536, 1, True, 250, False, ""),
        id="sound",
    ),
    pytest.param(
        request({"inlineData": {"mimeType": "audio/mp3", "data": "AAAA"}}),
        (65_536, 1, True, 0, False, ""),
        id="no-length",
    ),
    pytest.param(
        request({"inlineData": {"mimeType": "image/png", "data": "AAAA"}}, {"text": '{"type":"audio/wav"}'}),
        (65_536, 1, True, 0, False, ""),
        id="picture",
    ),
    pytest.param(request(tools=[{"googleSearch": {}}]), (65_536, 1, False, 0, True, ""), id="search"),
    pytest.param(request({"text": '{"googleSearch":{}}'}), (65_536, 1, False, 0, False, ""), id="search-in-a-text"),
]


@pytest.mark.parametrize(("sent", "demand"), DEMANDS)
def test_demands_of_a_request(tmp_path: Path, sent: dict[str, Any], demand: tuple[Any, ...]) -> None:
    path = tmp_path / "requests.jsonl"
    path.write_text(json.dumps({"key": "a", "request": sent}, separators=(",", ":")) + "\n", encoding="utf-8")
    assert OwnDemands(path, 1, MediaScale()).under(path, 65_536).tolist() == [demand]


def test_without_any_limit_the_most_is_not_known(tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    path.write_text(json.dumps({"key": "a", "request": request()}) + "\n", encoding="utf-8")
    assert OwnDemands(path, 1, MediaScale()).under(path, None)["cap"].tolist() == [-1]
