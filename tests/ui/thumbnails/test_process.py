"""The process that draws answers a line for a line."""

from __future__ import annotations

import json
from pathlib import Path

from tests.ui.thumbnails.pictures import picture
from ui.thumbnails import process


def test_a_fault_is_an_answer_and_not_the_end(tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(b"no picture")
    (tmp_path / "good").write_bytes(picture())
    assert "UnidentifiedImageError" in process.answer(json.dumps([str(tmp_path / "bad"), str(tmp_path / "t"), 360]))
    assert process.answer(json.dumps([str(tmp_path / "good"), str(tmp_path / "t"), 360])) == ""
    assert (tmp_path / "t").stat().st_size
