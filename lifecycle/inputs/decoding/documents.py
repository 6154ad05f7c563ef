"""PDFs: how many pages they have, and each page as a PDF of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pypdfium2
import pypdfium2.raw
from PIL import Image

from lifecycle.inputs.decoding.messages import DecodedFile, DecodingReply

RENDER_DPI = 200
MOST_RENDERED_EDGE = 3_072  # pixels; larger pages are made smaller by the service (page on documents)
_POINTS = 72
_COMPARED_DPI = 50
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


def split(path: Path, folder: Path, first: int, last: int, light_bytes: int) -> DecodingReply:
    """Write the pages from `first` up to `last`; those of more than `light_bytes` are made lighter, 0 makes none so."""
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        return _fault(error)
    try:
        pages = [_write_page(document, number, folder, light_bytes) for number in range(first, last)]
    except pypdfium2.PdfiumError:
        return DecodingReply("has a page that cannot be read", _BROKEN.remedy)
    finally:
        document.close()
    return DecodingReply(files=tuple(pages))


def _write_page(document: pypdfium2.PdfDocument, number: int, folder: Path, light_bytes: int) -> DecodedFile:
    """Write one page; a heavy one without what it does not show, or drawn where that is smaller still."""
    target, other = folder / f"{number:04d}.pdf", folder / f"{number:04d}.other"
    _save_alone(document, number, target)
    if not light_bytes or target.stat().st_size <= light_bytes:
        return DecodedFile(str(target), "application/pdf")
    _save_without_unused(target, other)
    if _replaces(other, target) and target.stat().st_size <= light_bytes:
        return DecodedFile(str(target), "application/pdf")
    _draw(document[number]).save(other, "PDF", resolution=RENDER_DPI, quality=_QUALITY, creationDate=None, modDate=None)
    return DecodedFile(str(target), "application/pdf", rendered=_replaces(other, target))


def _replaces(other: Path, target: Path) -> bool:
    """Put the smaller of two files in the place of `target`; whether that is the other one."""
    smaller = other.exists() and other.stat().st_size < target.stat().st_size
    if smaller:
        other.replace(target)
    return smaller


def _save_alone(document: pypdfium2.PdfDocument, number: int, target: Path) -> None:
    alone = pypdfium2.PdfDocument.new()
    try:
        alone.import_pages(document, [number])
        alone.save(target)
    finally:
        alone.close()
    _forget_when(target)


def _save_without_unused(page: Path, target: Path) -> None:
    """Write a page without the fonts and pictures that it names and does not show; only if it looks the same.

    PDFium drops them when it writes content anew, and writes only what was added: here a path that is not drawn.
    """
    document = pypdfium2.PdfDocument(page)
    try:
        before = _small_picture(document)
        only = document[0]
        path = pypdfium2.raw.FPDFPageObj_CreateNewRect(0, 0, 0, 0)
        pypdfium2.raw.FPDFPath_SetDrawMode(path, pypdfium2.raw.FPDF_FILLMODE_NONE, False)
        pypdfium2.raw.FPDFPage_InsertObject(only, path)
        only.gen_content()
        _save_alone(document, 0, target)
    finally:
        document.close()
    with pypdfium2.PdfDocument(target) as lighter:
        if _small_picture(lighter) != before:
            target.unlink()


def _small_picture(document: pypdfium2.PdfDocument) -> bytes:
    image: Image.Image = document[0].render(scale=_COMPARED_DPI / _POINTS).to_pil()
    return image.tobytes()


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
