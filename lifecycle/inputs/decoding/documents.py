"""PDFs: how many pages they have, and each page as a PDF of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pypdfium2
from PIL import Image

from lifecycle.inputs.decoding.messages import DecodedFile, DecodingReply

RENDER_DPI = 200
MOST_RENDERED_EDGE = 3_072  # pixels; larger pages are made smaller by the service (page on documents)
_POINTS = 72
_QUALITY = 90
_EDGE_BYTES = 1_024  # of the beginning and the end of a file, where PDFium writes down when it was made
_DATE = re.compile(rb"/CreationDate\(D:([0-9]{14})"), b"20000101000000"
_ID = re.compile(rb"/ID\[<([0-9A-F]{32}><[0-9A-F]{32})>\]"), b"0" * 32 + b"><" + b"0" * 32
_PASSWORD = DecodingReply("is locked by a password", "Save it without its password.")
_BROKEN = DecodingReply("cannot be read as a PDF", "Open it in a viewer, and save or print it as PDF again.")


def look(path: Path) -> DecodingReply:
    """The number of pages."""
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        return _fault(error)
    try:
        pages = len(document)
        return DecodingReply(pages=pages) if pages else DecodingReply("has no pages", _BROKEN.remedy)
    finally:
        document.close()


def split(path: Path, folder: Path, first: int, last: int, render_over: int) -> DecodingReply:
    """Write the pages from `first` up to `last`; those that are larger than `render_over` bytes are drawn instead."""
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        return _fault(error)
    try:
        pages = [_write_page(document, number, folder, render_over) for number in range(first, last)]
    except pypdfium2.PdfiumError:
        return DecodingReply("has a page that cannot be read", _BROKEN.remedy)
    finally:
        document.close()
    return DecodingReply(files=tuple(pages))


def _write_page(document: pypdfium2.PdfDocument, number: int, folder: Path, render_over: int) -> DecodedFile:
    target = folder / f"{number:04d}.pdf"
    alone = pypdfium2.PdfDocument.new()
    try:
        alone.import_pages(document, [number])
        alone.save(target)
    finally:
        alone.close()
    _forget_when(target)
    if not render_over or target.stat().st_size <= render_over:
        return DecodedFile(str(target), "application/pdf")
    _draw(document[number]).save(
        target, "PDF", resolution=RENDER_DPI, quality=_QUALITY, creationDate=None, modDate=None
    )
    return DecodedFile(str(target), "application/pdf", rendered=True)


def _forget_when(path: Path) -> None:
    """Make the same page the same bytes whenever it is cut out, so that a copy is known as one and uploaded once."""
    with path.open("r+b") as file:
        for start, (pattern, constant) in ((0, _DATE), (max(0, path.stat().st_size - _EDGE_BYTES), _ID)):
            file.seek(start)
            if found := pattern.search(file.read(_EDGE_BYTES)):
                file.seek(start + found.start(1))
                file.write(constant)


def _draw(page: pypdfium2.PdfPage) -> Image.Image:
    longest = max(page.get_width(), page.get_height(), 1.0)
    image: Image.Image = page.render(scale=min(RENDER_DPI / _POINTS, MOST_RENDERED_EDGE / longest)).to_pil()
    return image.convert("RGB")


def _fault(error: pypdfium2.PdfiumError) -> DecodingReply:
    return _PASSWORD if "password" in str(error).lower() else _BROKEN
