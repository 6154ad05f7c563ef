"""PDFs are counted, and cut into pages that stand alone."""

from __future__ import annotations

from pathlib import Path

import pypdfium2
import pytest
from PIL import Image

from lifecycle.inputs.decoding import documents


@pytest.fixture
def document(tmp_path: Path) -> Path:
    pages = [Image.effect_noise((300, 400), 50 + n).convert("RGB") for n in range(3)]
    pages[0].save(tmp_path / "a.pdf", save_all=True, append_images=pages[1:])
    return tmp_path / "a.pdf"


def test_pages_are_counted(document: Path) -> None:
    assert documents.look(document).pages == 3


def test_each_page_becomes_a_pdf_of_one_page(document: Path, tmp_path: Path) -> None:
    files = documents.split(document, tmp_path, 1, 3, 0).files
    assert [Path(file.path).name for file in files] == ["0001.pdf", "0002.pdf"]
    for file in files:
        with pypdfium2.PdfDocument(file.path) as page:
            assert len(page) == 1
        assert Path(file.path).stat().st_size < document.stat().st_size * 0.6


def test_a_page_is_the_same_bytes_whenever_it_is_cut_out(document: Path, tmp_path: Path) -> None:
    cut_out = []
    for name in ("today", "tomorrow"):
        (tmp_path / name).mkdir()
        files = [*documents.split(document, tmp_path / name, 0, 1, 0).files]
        files += documents.split(document, tmp_path / name, 1, 2, 10_000).files  # a page that is drawn
        cut_out.append([Path(file.path).read_bytes() for file in files])
    assert cut_out[0] == cut_out[1]
    assert b"20000101000000" in cut_out[0][0]


def test_a_page_that_is_too_large_alone_is_drawn(document: Path, tmp_path: Path) -> None:
    (file,) = documents.split(document, tmp_path, 0, 1, 10_000).files
    assert file.rendered and file.mime_type == "application/pdf"
    with pypdfium2.PdfDocument(file.path) as page:
        assert (len(page), round(page[0].get_width())) == (1, 300)


@pytest.mark.parametrize("data", [b"%PDF-1.4 nothing", b""])
def test_a_broken_pdf_is_refused_with_a_remedy(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "b.pdf"
    path.write_bytes(data)
    for reply in (documents.look(path), documents.split(path, tmp_path, 0, 1, 0)):
        assert reply.fault == "cannot be read as a PDF" and reply.remedy


def test_a_pdf_without_pages_is_refused(tmp_path: Path) -> None:
    empty = pypdfium2.PdfDocument.new()
    empty.save(tmp_path / "empty.pdf")
    empty.close()
    assert documents.look(tmp_path / "empty.pdf").fault


def test_a_password_is_told_from_damage(document: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(path: Path) -> pypdfium2.PdfDocument:
        raise pypdfium2.PdfiumError("Failed to load document (PDFium: Incorrect password error).")

    monkeypatch.setattr(pypdfium2, "PdfDocument", locked)
    assert documents.look(document).fault == "is locked by a password"
