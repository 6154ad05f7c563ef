"""Pictures and documents made by code, for tests."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw


def picture(size: tuple[int, int] = (800, 600), form: str = "PNG", orientation: int = 0, mode: str = "RGB") -> bytes:
    """A picture whose upper left quarter is red; `orientation` is that of EXIF."""
    image = Image.new(mode, size, "white")
    ImageDraw.Draw(image).rectangle((0, 0, size[0] // 2, size[1] // 2), fill="red")
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    buffer = io.BytesIO()
    image.save(buffer, form, exif=exif)
    return buffer.getvalue()


def pdf(pages: int = 1) -> bytes:
    """A PDF of red pages."""
    images = [Image.new("RGB", (100, 140), "red") for _ in range(pages)]
    buffer = io.BytesIO()
    images[0].save(buffer, "PDF", save_all=True, append_images=images[1:])
    return buffer.getvalue()
