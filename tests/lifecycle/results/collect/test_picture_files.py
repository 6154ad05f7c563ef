"""Pictures are files of the run, each once; drafts are left out, and what is no picture is no answer."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

from PIL import Image

from batch.kinds.image import IMAGE
from lifecycle.results.collect.picture_files import UNREADABLE
from tests.lifecycle.run_fixture import RunFixture


def picture(colour: str, kind: str = "JPEG", **more: Any) -> dict[str, Any]:
    file = io.BytesIO()
    Image.new("RGB", (30, 20), colour).save(file, kind)
    # The declared type is not looked at.
    return {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(file.getvalue()).decode()}, **more}


def answer(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"response": {"candidates": [{"finishReason": "STOP", "content": {"parts": list(parts)}}]}}


def collect(folder: Path, lines: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    run = RunFixture(folder).send(list(lines))
    run.receive([{"key": key, **line} for key, line in lines.items()])
    run.build(kind=IMAGE)
    return run.rows()


def test_pictures_of_a_row_are_kept_in_order_and_drafts_are_not(tmp_path: Path) -> None:
    parts = [picture("red", thought=True), {"text": "One"}, picture("blue"), {"text": "two"}, picture("green", "PNG")]
    (row,) = collect(tmp_path / "r", {"a": answer(*parts)})
    first, second = row["pictures"]
    assert (first["mime_type"], second["mime_type"]) == ("image/jpeg", "image/png")
    assert (first["width"], first["height"]) == (30, 20)
    files = sorted(path.name for path in (tmp_path / "r" / "pictures").iterdir())
    assert files == sorted(Path(one["file"]).name for one in row["pictures"])
    saved = (tmp_path / "r" / first["file"]).read_bytes()
    assert saved == base64.b64decode(parts[2]["inlineData"]["data"]) and first["size_bytes"] == len(saved)
    assert row["text"] == "Onetwo"


def test_equal_pictures_are_one_file(tmp_path: Path) -> None:
    rows = collect(tmp_path / "r", {"a": answer(picture("red")), "b": answer(picture("red"))})
    assert rows[0]["pictures"] == rows[1]["pictures"]
    assert len(list((tmp_path / "r" / "pictures").iterdir())) == 1


def test_what_is_no_picture_is_no_answer(tmp_path: Path) -> None:
    broken = {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(b"<html>").decode()}}
    (row,) = collect(tmp_path / "r", {"a": answer(broken)})
    assert (row["outcome"], row["error_message"], row["pictures"]) == ("invalid_output", UNREADABLE, None)


def test_a_row_without_a_picture_says_why(tmp_path: Path) -> None:
    refused = {"candidates": [{"content": {}, "finishReason": "IMAGE_SAFETY", "finishMessage": "Try rephrasing."}]}
    none = {"candidates": [{"content": {}, "finishReason": "NO_IMAGE"}]}
    rows = collect(tmp_path / "r", {"a": {"response": refused}, "b": {"response": none}})
    assert [row["outcome"] for row in rows] == ["answer_blocked", "empty"]
    assert rows[0]["error_message"] == "the picture was blocked for safety (IMAGE_SAFETY): Try rephrasing."
    assert rows[1]["error_message"] == "no picture was made (NO_IMAGE)"
