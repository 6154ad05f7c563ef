"""Lines that name files on this computer get the files; lines that name blobs of their own invention are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from batch.errors import Fault
from lifecycle.core.run_files import REQUESTS
from lifecycle.inputs.attachments import Attached, FileAccess
from lifecycle.inputs.drafts import Draft, prepare
from lifecycle.inputs.local_parts import attach_local_files


def line(key: str, *parts: dict[str, Any]) -> str:
    return json.dumps({"key": key, "request": {"contents": [{"role": "user", "parts": list(parts)}]}}) + "\n"


def draft_of(folder: Path, text: str, access: FileAccess | None = None) -> Draft:
    (folder / "q.jsonl").write_text(text)
    return prepare(folder / "q.jsonl", folder / "d", kind="jsonl", access=access or FileAccess(folder))


def test_files_beside_the_lines_are_taken_over(tmp_path: Path) -> None:
    Image.new("RGB", (40, 30)).save(tmp_path / "a.png")
    frames = [Image.new("1", (40, 30), n) for n in range(2)]
    frames[0].save(tmp_path / "b.tif", save_all=True, append_images=frames[1:])
    own = {"mediaResolution": {"level": "MEDIA_RESOLUTION_LOW"}}
    text = line("k1", {"file_data": {"file_uri": "file:a.png"}, **own}, {"text": "What is it?"})
    text += line("k2", {"fileData": {"fileUri": "file:b.tif"}}, {"text": '"file:x" is no file'})
    draft = draft_of(tmp_path, text)
    assert (draft.rows, draft.problem_count) == (2, 0)
    lines = (draft.folder / REQUESTS).read_text("utf-8").splitlines()
    first, second = (json.loads(one)["request"]["contents"][0]["parts"] for one in lines)
    assert first[0]["fileData"]["fileUri"].startswith("blob:") and first[0]["mediaResolution"] == own["mediaResolution"]
    assert [part.get("text", "file") for part in second] == ["file", "file", '"file:x" is no file']


def test_on_the_page_no_local_file_is_read(tmp_path: Path) -> None:
    draft = draft_of(tmp_path, line("k", {"fileData": {"fileUri": "file:/etc/hostname"}}), FileAccess())
    assert draft.rows == 0 and "only what was uploaded" in draft.problems[0].fault


def test_a_line_cannot_name_bytes_that_are_not_its_own(tmp_path: Path) -> None:
    blob = {"fileData": {"fileUri": f"blob:{'ab' * 32}", "mimeType": "image/png"}}
    draft = draft_of(tmp_path, line("k", blob, {"text": "x"}))
    assert draft.rows == 0 and "not in this input" in draft.problems[0].fault


@pytest.mark.parametrize("raw", [b'{"x": "file:', b'{"text": "\\"file:"}', b'["file:a"]'])
def test_other_lines_stay_as_they_are(raw: bytes) -> None:
    assert attach_local_files(raw, lambda files: []) is raw


def test_a_file_that_cannot_be_had_is_the_lines_fault() -> None:
    fault = Fault("a.png is not there.", "Check the path.")
    raw = line("k", {"fileData": {"fileUri": "file:a.png"}}).encode()
    assert attach_local_files(raw, lambda files: [Attached(fault=fault)]) == fault
