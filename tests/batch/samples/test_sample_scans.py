"""The pile of scans is small, the same every time, and as scans are: turned, converted, there twice, of many pages."""

from __future__ import annotations

import io

import pypdfium2
from PIL import Image

from batch.samples.sample_scans import DESCRIPTION, scan_files


def test_the_files_are_few_and_small_and_the_same_every_time() -> None:
    files = dict(scan_files())
    assert files == dict(scan_files()) and DESCRIPTION.startswith(f"{len(files)} files")
    assert sum(map(len, files.values())) < 400_000


def test_one_lies_on_its_side_one_is_there_twice_and_some_have_pages() -> None:
    files = dict(scan_files())
    turned = Image.open(io.BytesIO(files["letters/letter-08.jpg"]))
    assert turned.width > turned.height and turned.getexif()[0x0112] == 6
    assert files["letters/copy of letter-03.png"] == files["letters/letter-03.png"]
    assert len(pypdfium2.PdfDocument(files["minutes-spring.pdf"])) == 3
    assert Image.open(io.BytesIO(files["map.tif"])).format == "TIFF"
