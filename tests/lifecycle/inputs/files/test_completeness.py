"""A glance at the end of a picture tells whether it may be cut short."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from lifecycle.inputs.files.completeness import may_be_cut_short


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_whole_pictures_end_as_they_should_and_cut_ones_do_not(tmp_path: Path, form: str) -> None:
    path, mime_type = tmp_path / "a", f"image/{form.lower()}"
    Image.effect_noise((300, 300), 90).convert("RGB").save(path, form)
    data = path.read_bytes()
    assert not may_be_cut_short(path, mime_type, len(data))
    path.write_bytes(data[: len(data) // 2])
    assert may_be_cut_short(path, mime_type, len(data) // 2)
