"""What a file is shows in its bytes, whatever its name."""

from __future__ import annotations

import io
import zipfile

import pytest
from PIL import Image

from batch.media.file_types import file_type, is_text, kind_of, verdict_of


def picture(form: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (9, 9)).save(out, form)
    return out.getvalue()


def office(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "<x/>")
    return out.getvalue()


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ("PNG", "image/png"),
        ("JPEG", "image/jpeg"),
        ("WEBP", "image/webp"),
        ("GIF", "image/gif"),
        ("TIFF", "image/tiff"),
        ("BMP", "image/bmp"),
        ("AVIF", "image/avif"),
        ("PDF", "application/pdf"),
    ],
)
def test_pictures_and_pdfs_are_known_by_their_bytes(form: str, kind: str) -> None:
    assert file_type(picture(form)) == kind


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\0\0\0\x20ftypM4A \0\0\0\0", "audio/mp4"),
        (b"\0\0\0\x20ftypqt  \0\0\0\0", "video/quicktime"),
        (b"\0\0\0\x20ftypisom\0\0\0\0", "video/mp4"),
        (b"FORM\0\0\0\0AIFF", "audio/aiff"),
        (b"\xff\xfb\x90\x64" + b"\0" * 20, "audio/mp3"),
        (b"\xff\xf1\x50\x80" + b"\0" * 20, "audio/aac"),
        (b"\x1aE\xdf\xa3", "video/webm"),
        (b"junk before it %PDF-1.7", "application/pdf"),
        (b"Rar!\x1a\x07\x00", "application/vnd.rar"),
        (b"{\\rtf1", "application/rtf"),
        ("Grüße\n".encode(), "text/plain"),
        ("\ufeffGrüße".encode("utf-16-le"), "text/plain"),
        (b"\0\1\2\3", ""),
        (b"", ""),
        (b"<!DOCTYPE html><html>", "text/html"),
    ],
)
def test_sound_film_and_text_are_known_by_their_bytes(head: bytes, kind: str) -> None:
    assert file_type(head) == kind


@pytest.mark.parametrize(
    ("names", "noun"),
    [
        (("[Content_Types].xml", "word/document.xml"), "a Word document"),
        (("[Content_Types].xml", "xl/workbook.xml"), "an Excel workbook"),
        (("[Content_Types].xml", "ppt/presentation.xml"), "a PowerPoint presentation"),
        (("scans/1.png",), "an archive inside"),
    ],
)
def test_office_documents_are_refused_by_their_name_with_a_remedy(names: tuple[str, ...], noun: str) -> None:
    verdict = verdict_of(file_type(office(*names)))
    assert (verdict.treatment, verdict.noun) == ("refuse", noun)
    assert verdict.remedy


@pytest.mark.parametrize(
    ("mime_type", "treatment", "kind"),
    [
        ("image/png", "send", "picture"),
        ("image/tiff", "convert", "picture"),
        ("application/pdf", "send", "PDF"),
        ("audio/mp4", "send", "sound"),
        ("video/webm", "send", "video"),
        ("text/csv", "text", "text"),
        ("application/json", "text", "text"),
        ("image/svg+xml", "refuse", "picture"),
        ("", "refuse", "file"),
    ],
)
def test_each_type_has_its_treatment(mime_type: str, treatment: str, kind: str) -> None:
    assert verdict_of(mime_type).treatment == treatment
    assert kind_of(mime_type) == kind


def test_bytes_with_control_characters_are_no_text() -> None:
    assert is_text(b"one\r\n\ttwo") and not is_text(b"one\0two") and not is_text(b"\x01")
