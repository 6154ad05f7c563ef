"""A thumbnail is made once; a process that dies or hangs is replaced."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ui.thumbnails.pictures import picture
from ui.thumbnails import maker


def test_a_thumbnail_is_made_once(tmp_path: Path) -> None:
    source = tmp_path / "a.png"
    source.write_bytes(picture())
    made = maker.thumbnail(source, tmp_path / "small", 360)
    assert made and made.name == "a-360.jpg"
    before = made.stat().st_mtime_ns
    assert maker.thumbnail(source, tmp_path / "small", 360) == made and made.stat().st_mtime_ns == before


def test_what_cannot_be_drawn_is_tried_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "a.png"
    source.write_bytes(b"no picture")
    assert maker.thumbnail(source, tmp_path / "small", 360) is None
    monkeypatch.setattr(maker.DrawingProcess, "draw", lambda *_: pytest.fail("drawn again"))
    assert maker.thumbnail(source, tmp_path / "small", 360) is None


def test_a_process_that_hangs_is_ended_and_the_next_picture_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "a.png"
    source.write_bytes(picture())
    drawing = maker.DrawingProcess()
    assert drawing.draw(source, tmp_path / "one", 360) == ""
    monkeypatch.setattr(maker, "SECONDS_PER_PICTURE", 0.0)
    assert "ended" in drawing.draw(source, tmp_path / "two", 360)
    monkeypatch.undo()
    assert drawing.draw(source, tmp_path / "three", 360) == ""
    drawing.close()
