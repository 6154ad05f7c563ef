"""Sizes of pictures, PDFs and sound are read from their headers, and priced by the documented rules."""

from __future__ import annotations

import base64
import io
import struct
import wave
import zlib

import pytest
from PIL import Image

from batch.media import headers
from batch.media.facts import MediaFacts


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def picture(form: str, width: int, height: int, **options: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height)).save(out, form, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("PNG", {}),
        ("GIF", {}),
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
    ],
)
def test_the_size_is_read_from_the_header_of_each_usual_form(form: str, options: dict[str, object]) -> None:
    data = picture(form, 1000, 700, **options)
    assert headers.image_size(data) == (1000, 700)
    facts = headers.inline_facts(f"image/{form.lower()}", encoded(data))
    assert (facts.width, facts.height) == (1000, 700)


def test_an_extended_webp_has_its_size_in_another_place() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (900, 800), (1, 2, 3, 4)).save(out, "WEBP", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0")
    assert out.getvalue()[12:16] == b"VP8X"
    assert headers.image_size(out.getvalue()) == (900, 800)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_a_header_cut_short_is_unknown_and_no_error(form: str) -> None:
    data = picture(form, 1000, 700)
    for length in range(24):
        assert headers.image_size(data[:length]) is None


def test_pages_of_a_pdf_are_counted_by_leaves_or_by_the_tree() -> None:
    leaves = b"%PDF-1.7 <</Type/Pages/Kids[1 0 R 2 0 R]>> <</Type /Page>> <</Type/Page/Parent 3 0 R>>"
    assert headers.pdf_pages(leaves) == 2
    assert headers.pdf_pages(b"%PDF-1.7 <</Type /Pages /Kids [4 0 R] /Count 12>>") == 12
    assert headers.pdf_pages(b"%PDF-1.7 <</Count 7 /Type /Pages>>") == 7
    assert headers.pdf_pages(b"%PDF-1.7 compressed") is None
    assert headers.inline_facts("application/pdf", encoded(leaves)).pages == 2


def test_pages_in_a_compressed_object_stream_are_counted() -> None:
    packed = zlib.compress(b"<</Type /Page>> <</Type /Page>> <</Type /Pages /Count 3>> <</Type /Page>>")
    stream = b"<</Type /ObjStm /N 4 /Length 99>> stream\r\n" + packed + b"\r\nendstream"
    assert headers.pdf_pages(b"%PDF-1.7 " + stream) == 3
    assert headers.pdf_pages(b"%PDF-1.7 <</Type /ObjStm>> stream\nno zlib endstream") is None


def test_the_length_of_wav_is_read_from_its_header() -> None:
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(2)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"\0" * 8000 * 4 * 5)
    assert headers.wav_seconds(out.getvalue()) == 5.0
    assert headers.inline_facts("audio/wav", encoded(out.getvalue())).seconds == 5.0
    assert headers.inline_facts("audio/mp3", encoded(b"ID3\4")).seconds is None


def test_the_length_of_webm_is_read_from_its_header() -> None:
    info = b"\x2a\xd7\xb1\x83\x0f\x42\x40" + b"\x44\x89\x88" + struct.pack(">d", 12_500.0)
    assert headers.webm_seconds(b"\x1aE\xdf\xa3" + info) == 12.5
    assert headers.webm_seconds(b"\x1aE\xdf\xa3") is None
    assert headers.webm_seconds(b"\x44\x89") is None


def test_base64_is_read_in_both_alphabets_padded_or_cut() -> None:
    data = bytes(range(250, 256)) * 3 + b"ab"
    assert headers.decode_base64(base64.b64encode(data).decode()) == data
    assert headers.decode_base64(base64.urlsafe_b64encode(data).decode().rstrip("=")) == data
    assert headers.decode_base64(base64.b64encode(data).decode()[:9]) == data[:6]
    assert headers.decode_base64("é") == b""


def test_other_types_are_unknown() -> None:
    assert headers.inline_facts("video/mp4", "AAAA") == MediaFacts("video/mp4", 3)
    assert headers.inline_facts("image/heic", encoded(b"\0\0\0\x18ftypheic")) == MediaFacts("image/heic", 12)


def test_the_largest_size_in_a_heic_file_is_the_pictures() -> None:
    sizes = b"".join(b"\0\0\0\x14ispe\0\0\0\0" + struct.pack(">II", *size) for size in ((512, 512), (4032, 3024)))
    assert headers.image_size(b"\0\0\0\x18ftypheic\0\0\0\0" + sizes) == (4032, 3024)
