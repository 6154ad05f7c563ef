"""One picture or first page, drawn small. Only `process.py` runs this: what strangers made may break a decoder."""

from __future__ import annotations

from pathlib import Path

import pypdfium2
from PIL import Image, ImageOps

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "AVIF")  # no vector formats, which may refer to other files
JPEG_QUALITY = 82
PAPER = (255, 255, 255)


def write_thumbnail(source: Path, target: Path, edge: int) -> None:
    """Write a JPEG of at most `edge` pixels a side: of a picture, upright, or of the first page of a PDF.

    Raises whatever the decoders raise for what they cannot read.
    """
    with source.open("rb") as file:
        is_pdf = b"%PDF-" in file.read(1024)
    image = _render_first_page(source, edge) if is_pdf else _load_picture(source, edge)
    image.save(target, "JPEG", quality=JPEG_QUALITY, optimize=True)


def _load_picture(source: Path, edge: int) -> Image.Image:
    with Image.open(source, formats=FORMATS) as opened:
        opened.draft("RGB", (edge, edge))  # JPEG is then decoded at about that size
        upright = ImageOps.exif_transpose(opened)
    upright.thumbnail((edge, edge))
    if not upright.has_transparency_data:
        return upright.convert("RGB")
    paper = Image.new("RGB", upright.size, PAPER)
    paper.paste(upright.convert("RGBA"), mask=upright.convert("RGBA").getchannel("A"))
    return paper


def _render_first_page(source: Path, edge: int) -> Image.Image:
    document = pypdfium2.PdfDocument(source)
    try:
        page = document[0]
        scale = edge / max(page.get_width(), page.get_height(), 1)
        image: Image.Image = page.render(scale=scale).to_pil().convert("RGB")
        return image
    finally:
        document.close()
