"""Small piles of files for tests: drawn here, a few hundred bytes each."""

from __future__ import annotations

import io

from PIL import Image

from batch.media.facts import MediaFacts
from lifecycle.inputs.files.file_entry import FileEntry


def scan(shade: int = 200, form: str = "PNG", turned: bool = False) -> bytes:
    """A picture of one shade; `turned` lies on its side."""
    exif = Image.Exif()
    if turned:
        exif[0x0112] = 6
    out = io.BytesIO()
    Image.new("L", (120, 180), shade).save(out, form, exif=exif)
    return out.getvalue()


def document(pages: int) -> bytes:
    """A PDF of so many pages."""
    out = io.BytesIO()
    first, *others = [Image.new("L", (120, 180), 250 - 9 * n) for n in range(pages)]
    first.save(out, "PDF", save_all=True, append_images=others)
    return out.getvalue()


BROKEN = b"%PDF-1.7 and nothing more"
WORD = b"PK\x03\x04 word/document.xml"
PAGE = FileEntry(
    name="a.pdf", kind="PDF", size_bytes=900, pages=3, rows=3, blobs=("a" * 64,) * 3,
    facts=(MediaFacts("application/pdf", 300, pages=1),) * 3,
)  # fmt: skip
PICTURE = FileEntry(name="b.png", kind="picture", size_bytes=500, rows=1, blobs=("b" * 64,),
                    facts=(MediaFacts("image/png", 500, 40, 60),))  # fmt: skip
LOST = FileEntry(
    name="c.pdf", kind="PDF", size_bytes=25, state="problem", words="cannot be read as a PDF.", remedy="Print it anew."
)
