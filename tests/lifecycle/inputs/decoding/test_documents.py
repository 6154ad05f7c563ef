"""PDFs are counted, and cut into pages that stand alone."""

from __future__ import annotations

from pathlib import Path

import pypdfium2
import pytest
from PIL import Image

from lifecycle.inputs.decoding import documents
from tests.lifecycle.inputs.shared_picture_pdf import shared_picture_pdf


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
    (tmp_path / "shown.pdf").write_bytes(shared_picture_pdf(2, 2))
    for name in ("today", "tomorrow"):
        (tmp_path / name).mkdir()
        files = [*documents.split(document, tmp_path / name, 0, 1, 0).files]
        files += documents.split(tmp_path / "shown.pdf", tmp_path / name, 1, 2, 1_000).files
        cut_out.append([Path(file.path).read_bytes() for file in files])
    assert files[-1].rendered and cut_out[0] == cut_out[1]
    assert b"20000101000000" in cut_out[0][0]


def test_a_heavy_page_leaves_out_what_it_does_not_show(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(shared_picture_pdf(3, 0))
    plain, light = (documents.split(tmp_path / "a.pdf", tmp_path, 1, 2, limit).files[0] for limit in (0, 10_000))
    assert not light.rendered and plain.path == light.path and Path(light.path).stat().st_size < 5_000
    with pypdfium2.PdfDocument(light.path) as page:
        assert page[0].get_textpage().get_text_range() == "Page 2"


def test_a_page_that_shows_what_is_heavy_is_drawn_where_that_is_smaller(document: Path, tmp_path: Path) -> None:
    (tmp_path / "b.pdf").write_bytes(shared_picture_pdf(1, 1))
    (file,) = documents.split(tmp_path / "b.pdf", tmp_path, 0, 1, 1_000).files
    assert file.rendered and Path(file.path).stat().st_size < (tmp_path / "b.pdf").stat().st_size
    with pypdfium2.PdfDocument(file.path) as page:
        assert (len(page), round(page[0].get_width())) == (1, 595)
    (kept,) = documents.split(document, tmp_path, 0, 1, 1_000).files
    assert not kept.rendered, "a drawing of a scan would be larger than the scan"


def test_a_page_that_would_look_different_keeps_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.pdf").write_bytes(shared_picture_pdf(3, 0))
    pictures = iter([b"before", b"after"])
    monkeypatch.setattr(documents, "_small_picture", lambda document: next(pictures))
    (file,) = documents.split(tmp_path / "a.pdf", tmp_path, 1, 2, 10_000).files
    assert file.rendered


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
