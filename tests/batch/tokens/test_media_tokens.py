"""Sizes of pictures, PDFs and sound are read from their headers, and priced by the documented rules."""

from __future__ import annotations

import base64
import io
import wave

import pytest
from PIL import Image

from batch.tokens import media_tokens


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def picture(form: str, width: int, height: int, **options: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height)).save(out, form, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("width", "height", "tiles"),
    [(1, 1, 1), (384, 384, 1), (385, 384, 1), (768, 768, 1), (769, 768, 2), (1536, 1537, 6), (4000, 3000, 24)],
)
def test_a_picture_costs_258_tokens_a_tile(width: int, height: int, tiles: int) -> None:
    assert media_tokens.image_tokens(width, height) == tiles * 258


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
    assert media_tokens.image_size(data) == (1000, 700)
    assert media_tokens.count_media_tokens(f"image/{form.lower()}", encoded(data)) == 2 * 258


def test_an_extended_webp_has_its_size_in_another_place() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (900, 800), (1, 2, 3, 4)).save(out, "WEBP", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0")
    assert out.getvalue()[12:16] == b"VP8X"
    assert media_tokens.image_size(out.getvalue()) == (900, 800)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_a_header_cut_short_is_unknown_and_no_error(form: str) -> None:
    data = picture(form, 1000, 700)
    for length in range(24):
        assert media_tokens.image_size(data[:length]) is None


def test_pages_of_a_pdf_are_counted_by_leaves_or_by_the_tree() -> None:
    leaves = b"%PDF-1.7 <</Type/Pages/Kids[1 0 R 2 0 R]>> <</Type /Page>> <</Type/Page/Parent 3 0 R>>"
    assert media_tokens.pdf_pages(leaves) == 2
    assert media_tokens.pdf_pages(b"%PDF-1.7 <</Type /Pages /Kids [4 0 R] /Count 12>>") == 12
    assert media_tokens.pdf_pages(b"%PDF-1.7 <</Count 7 /Type /Pages>>") == 7
    assert media_tokens.pdf_pages(b"%PDF-1.7 compressed") is None
    assert media_tokens.count_media_tokens("application/pdf", encoded(leaves)) == 516


def test_sound_costs_32_tokens_a_second() -> None:
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(2)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"\0" * 8000 * 4 * 5)
    assert media_tokens.wav_seconds(out.getvalue()) == 5.0
    assert media_tokens.count_media_tokens("audio/wav", encoded(out.getvalue())) == 160
    assert media_tokens.count_media_tokens("audio/mp3", encoded(b"ID3\4")) is None


def test_base64_is_read_in_both_alphabets_padded_or_cut() -> None:
    data = bytes(range(250, 256)) * 3 + b"ab"
    assert media_tokens.decode_base64(base64.b64encode(data).decode()) == data
    assert media_tokens.decode_base64(base64.urlsafe_b64encode(data).decode().rstrip("=")) == data
    assert media_tokens.decode_base64(base64.b64encode(data).decode()[:9]) == data[:6]
    assert media_tokens.decode_base64("é") == b""


def test_other_types_are_unknown() -> None:
    assert media_tokens.count_media_tokens("video/mp4", "AAAA") is None
    assert media_tokens.count_media_tokens("image/heic", encoded(b"\0\0\0\x18ftypheic")) is None
