"""A pile of scans, drawn here: letters, minutes of several pages, a map, and what happens to scans in real life.

Nothing in it is a real document. Among the files are one that lies on its side, one of a type that has to be converted
and one that is there twice.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

from PIL import Image, ImageDraw, ImageFont

from batch.samples.sample_texts import COMPLAINTS, CUSTOMER_REQUESTS, DETAILS

INSTRUCTION = "Transcribe this page exactly. Keep line breaks; write [?] where a word cannot be read."
TITLE = "A pile of scans"
DESCRIPTION = "12 files → their text, page by page"
PAGE_SIZE = (496, 702)  # A4 at 60 dots an inch: small, and still to be read
INK, PAPER = 40, 246
LETTERS = 7
_ON_ITS_SIDE = 6  # EXIF: to be turned by a quarter


def scan_files() -> Iterator[tuple[str, bytes]]:
    """The files with their names, the same on every computer."""
    for number in range(1, LETTERS + 1):
        yield f"letters/letter-{number:02d}.png", _encode(_letter(number), "PNG")
    yield "letters/letter-08.jpg", _encode(_letter(8).transpose(Image.Transpose.ROTATE_90), "JPEG", _ON_ITS_SIDE)
    yield "letters/copy of letter-03.png", _encode(_letter(3), "PNG")
    yield "minutes-spring.pdf", _pdf([_minutes("Spring", page) for page in (1, 2, 3)])
    yield "minutes-autumn.pdf", _pdf([_minutes("Autumn", page) for page in (1, 2)])
    yield "map.tif", _encode(_map(), "TIFF")


def _letter(number: int) -> Image.Image:
    opening = ["To the Tool Library", f"Our sign: {1900 + number} / {number * 7}", "", "Dear Sir or Madam,", ""]
    body = [COMPLAINTS[number], DETAILS[number], CUSTOMER_REQUESTS[number % len(CUSTOMER_REQUESTS)]]
    return _page([*opening, *body, "", "Yours faithfully,", "the borrower"])


def _minutes(season: str, page: int) -> Image.Image:
    points = [f"{page}.{n}  {DETAILS[(page * 4 + n) % len(DETAILS)]}" for n in range(1, 8)]
    return _page([f"Minutes of the {season} meeting", f"Page {page}", "", *points])


def _page(lines: list[str]) -> Image.Image:
    image = Image.new("L", PAGE_SIZE, PAPER)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(15)
    for number, line in enumerate(_wrap(lines)):
        draw.text((40, 50 + number * 24), line, INK, font)
    return image


def _wrap(lines: list[str], width: int = 52) -> Iterator[str]:
    for line in lines:
        while len(line) > width:
            cut = line.rfind(" ", 0, width) + 1
            yield line[:cut]
            line = line[cut:]
        yield line


def _map() -> Image.Image:
    image = Image.new("L", PAGE_SIZE, PAPER)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(15)
    draw.text((40, 40), "Map of the yard", INK, font)
    for name, box in {
        "Shed": (60, 120, 200, 240),
        "Workshop": (260, 160, 440, 420),
        "Gate": (60, 520, 160, 560),
    }.items():
        draw.rectangle(box, outline=INK, width=2)
        draw.text((box[0] + 8, box[1] + 8), name, INK, font)
    draw.arc((80, 260, 380, 620), 200, 350, INK, 2)
    return image


def _encode(image: Image.Image, form: str, orientation: int = 0) -> bytes:
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    buffer = io.BytesIO()
    options = {"compression": "tiff_lzw"} if form == "TIFF" else {"optimize": True}
    image.save(buffer, form, exif=exif, **options)
    return buffer.getvalue()


def _pdf(pages: list[Image.Image]) -> bytes:
    buffer = io.BytesIO()
    pages[0].save(buffer, "PDF", save_all=True, append_images=pages[1:], resolution=60, creationDate=None, modDate=None)
    return buffer.getvalue()
