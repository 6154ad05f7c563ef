"""Each file becomes what Gemini takes, or is refused by name with the remedy."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from PIL import Image

from lifecycle.inputs.decoding.decoders import Decoders
from lifecycle.inputs.files import examine
from lifecycle.inputs.files.blobs import BlobStore, read_index
from lifecycle.inputs.files.examine import Examined, Examiner
from lifecycle.inputs.files.found_file import FoundFile
from tests.lifecycle.inputs.shared_picture_pdf import shared_picture_pdf


@pytest.fixture
def examiner(tmp_path: Path) -> Iterator[Examiner]:
    with Decoders(1) as decoders:
        yield Examiner(BlobStore(tmp_path / "draft"), decoders, tmp_path / "draft")


def given(examiner: Examiner, name: str, data: bytes) -> Examined:
    path = examiner.folder.parent / name
    path.write_bytes(data)
    return examiner.examine(FoundFile(name, len(data), path))


def picture(form: str, mode: str = "RGB", frames: int = 1) -> bytes:
    out = io.BytesIO()
    images = [Image.new(mode, (40, 30), n * 99) for n in range(frames)]
    images[0].save(out, form, **({"save_all": True, "append_images": images[1:]} if frames > 1 else {}))
    return out.getvalue()


def types(found: Examined) -> list[str]:
    parts = [msgspec.json.decode(part) for unit in found.units for part in unit.parts]
    return [part["fileData"]["mimeType"] for part in parts]


def test_what_gemini_takes_is_sent_as_it_is(examiner: Examiner) -> None:
    data = picture("PNG")
    found = given(examiner, "photo.jpeg", data)
    assert (found.entry.state, found.entry.kind, types(found)) == ("fine", "picture", ["image/png"])
    assert (examiner.blobs.folder / found.entry.blobs[0]).read_bytes() == data
    examiner.blobs.close()
    (_, facts, source) = next(read_index(examiner.folder))
    assert (facts.width, facts.height, source) == (40, 30, "photo.jpeg")


@pytest.mark.parametrize(
    ("form", "mode", "frames", "sent", "words"),
    [
        ("TIFF", "1", 2, ["image/png", "image/png"], "TIFF was converted"),
        ("GIF", "L", 3, ["image/png"], "only its first frame"),
        ("BMP", "RGB", 1, ["image/jpeg"], "BMP was converted"),
        ("AVIF", "RGB", 1, ["image/jpeg"], "AVIF was converted"),
    ],
)
def test_what_gemini_does_not_take_is_converted(
    examiner: Examiner, form: str, mode: str, frames: int, sent: list[str], words: str
) -> None:
    found = given(examiner, "a", picture(form, mode, frames))
    assert (found.entry.state, types(found)) == ("mended", sent)
    assert words in found.entry.words and len(found.units) == 1


def test_frames_and_pages_become_requests_of_their_own_where_each_is_asked_for(examiner: Examiner) -> None:
    examiner.pages = "each"
    scans, document = (
        given(examiner, "a.tif", picture("TIFF", "1", 2)),
        given(examiner, "a.pdf", picture("PDF", frames=4)),
    )
    assert [unit.page for unit in scans.units] == [1, 2]
    assert [unit.page for unit in document.units] == [1, 2, 3, 4]
    assert document.entry.state == "fine" and len(set(document.entry.blobs)) == 4


def test_a_whole_pdf_is_one_request_and_too_many_pages_are_refused(
    examiner: Examiner, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = picture("PDF", frames=4)
    found = given(examiner, "a.pdf", data)
    assert (found.entry.pages, found.entry.rows, types(found)) == (4, 1, ["application/pdf"])
    monkeypatch.setattr(examine, "PDF_PAGES", 3)
    assert "--pages each" in given(examiner, "a.pdf", data).entry.remedy


def test_pages_do_not_take_along_what_the_others_use(examiner: Examiner) -> None:
    examiner.pages = "each"
    data = shared_picture_pdf(12, 3)
    found = given(examiner, "a.pdf", data)
    sizes = [(examiner.blobs.folder / sha256).stat().st_size for sha256 in found.entry.blobs]
    assert max(sizes) < len(data) and max(sizes[3:]) < 5_000
    assert (found.entry.state, found.entry.rows) == ("mended", 12)
    assert found.entry.words.startswith("3 of 12 pages were drawn at 200 dpi")


@pytest.mark.parametrize(
    ("data", "words", "remedy"),
    [
        (b"", "is empty", "Copy"),
        (b"%PDF-1.4 nothing", "cannot be read as a PDF", "viewer"),
        (b"\x89PNG\r\n\x1a\n nothing", "", ""),
        (b"\0\1\2\3" * 20, "of a kind that is not known", "Gemini takes"),
        (picture("JPEG")[:300], "cut short", "Copy"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_the_remedy(
    examiner: Examiner, data: bytes, words: str, remedy: str
) -> None:
    found = given(examiner, "a", data)
    assert (found.entry.state, found.units) == ("problem", ())
    assert words in found.entry.words and remedy in found.entry.remedy and found.entry.remedy


def test_an_office_document_is_refused_by_name(examiner: Examiner) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("word/document.xml", "x")
    found = given(examiner, "letter.pdf", out.getvalue())
    assert found.entry.fault[:2] == ("letter.pdf is a Word document.", "Save it as PDF.")


def test_text_stands_in_the_request_itself(examiner: Examiner) -> None:
    found = given(examiner, "a.txt", "Grüße".encode())
    assert [msgspec.json.decode(part) for part in found.units[0].parts] == [{"text": "Grüße"}]
    assert found.entry.kind == "text" and not found.entry.blobs


def test_sound_that_google_does_not_list_is_sent_with_a_word(examiner: Examiner) -> None:
    found = given(examiner, "voice.m4a", b"\0\0\0\x18ftypM4A \0\0\0\0M4A mp42" + bytes(100))
    assert (found.entry.state, types(found)) == ("mended", ["audio/mp4"])
    assert "MP3" in found.entry.words


def test_sound_has_a_length_and_too_long_sound_is_refused(examiner: Examiner, monkeypatch: pytest.MonkeyPatch) -> None:
    rate = (16_000).to_bytes(4, "little")
    head = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0" + (8_000).to_bytes(4, "little") + rate + b"\2\0\x10\0data"
    data = head + (64_000).to_bytes(4, "little") + bytes(64_000)
    assert given(examiner, "a.wav", data).entry.seconds == 4.0
    monkeypatch.setattr(examine, "SOUND_SECONDS", 3)
    assert "9.5 hours" in given(examiner, "a.wav", data).entry.words
