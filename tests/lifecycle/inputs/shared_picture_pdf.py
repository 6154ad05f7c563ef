"""A PDF whose pages all name one large picture, as letterheads and fonts are named, and show it or not."""

from __future__ import annotations

import random

SIDE = 500  # pixels of the picture, which is noise and cannot be packed


def shared_picture_pdf(pages: int, shown_on: int) -> bytes:
    """A PDF with this many pages, of which the first `shown_on` show the picture that all of them name."""
    noise = random.Random(1).randbytes(SIDE * SIDE * 3)
    kids = b" ".join(b"%d 0 R" % (6 + 2 * n) for n in range(pages))
    picture = b"<</Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceRGB/BitsPerComponent 8" % (SIDE, SIDE)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count %d/Kids[%b]>>" % (pages, kids),
        b"<</XObject<</Logo 4 0 R>>/Font<</F 5 0 R>>>>",
        _stream(picture, noise),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    for number in range(pages):
        text = b"BT /F 24 Tf 72 700 Td (Page %d) Tj ET" % (number + 1)
        shown = b" q 300 0 0 300 100 100 cm /Logo Do Q" if number < shown_on else b""
        objects.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources 3 0 R/Contents %d 0 R>>" % (7 + 2 * number)
        )
        objects.append(_stream(b"<<", text + shown))
    return _with_index(objects)


def _stream(head: bytes, data: bytes) -> bytes:
    return b"%b/Length %d>>stream\n%b\nendstream" % (head, len(data), data)


def _with_index(objects: list[bytes]) -> bytes:
    out, offsets = bytearray(b"%PDF-1.7\n"), []
    for number, text in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, text)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    end = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(out))
    return bytes(out) + b"xref\n0 %d\n0000000000 65535 f \n%b%b" % (len(objects) + 1, table, end)
