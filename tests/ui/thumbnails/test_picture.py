"""Pictures and first pages are drawn small and upright."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image, UnidentifiedImageError

from tests.ui.thumbnails.pictures import pdf, picture
from ui.thumbnails.picture import write_thumbnail


def draw(folder: Path, data: bytes) -> Image.Image:
    source, target = folder / "source", folder / "target"
    source.write_bytes(data)
    write_thumbnail(source, target, 100)
    return Image.open(target, formats=["JPEG"])


def colour(image: Image.Image, x: int, y: int) -> tuple[int, ...]:
    found = image.getpixel((x, y))
    assert isinstance(found, tuple)
    return found


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"])
def test_every_form_of_picture_becomes_a_small_jpeg(tmp_path: Path, form: str) -> None:
    small = draw(tmp_path, picture(form=form))
    assert small.size == (100, 75)
    red, green, _ = colour(small, 10, 10)
    assert red > 200 and green < 60


def test_a_picture_that_lies_on_its_side_is_turned(tmp_path: Path) -> None:
    small = draw(tmp_path, picture(form="JPEG", orientation=6))
    assert small.size == (75, 100)
    assert colour(small, 65, 10)[1] < 60 and colour(small, 10, 10)[1] > 200


def test_what_is_transparent_lies_on_paper(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (100, 100), (0, 0, 0, 0)).save(buffer, "PNG")
    data = buffer.getvalue()
    assert colour(draw(tmp_path, data), 50, 50) == (255, 255, 255)


def test_the_first_page_of_a_pdf_is_drawn(tmp_path: Path) -> None:
    small = draw(tmp_path, pdf(3))
    assert small.size == (72, 100) and colour(small, 36, 50)[0] > 240


@pytest.mark.parametrize("data", [b"", b"text", b"%PDF-1.7 broken", b"\x89PNG\r\n\x1a\n", b"<svg xmlns='x'/>"])
def test_what_cannot_be_read_is_an_error(tmp_path: Path, data: bytes) -> None:
    with pytest.raises((UnidentifiedImageError, OSError, RuntimeError)):
        draw(tmp_path, data)
