"""Pictures are looked at without decoding them, and converted without losing what matters."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lifecycle.inputs.decoding import pictures
from lifecycle.inputs.decoding.messages import DecodingReply


def saved(path: Path, picture: Image.Image, **options: Any) -> Path:
    picture.save(path, **options)
    return path


def on_its_side(path: Path, orientation: int = 6) -> Path:
    picture = Image.new("RGB", (80, 60), "red")
    picture.paste((0, 0, 255), (0, 0, 80, 30))
    exif = picture.getexif()
    exif[0x0112] = orientation
    return saved(path, picture, exif=exif)


def test_size_and_frames_come_from_the_header(tmp_path: Path) -> None:
    frames = [Image.new("1", (30, 20), n % 2) for n in range(3)]
    fax = saved(tmp_path / "fax.tif", frames[0], save_all=True, append_images=frames[1:])
    assert pictures.look(fax, "image/tiff", False) == DecodingReply(width=30, height=20, pages=3)


@pytest.mark.parametrize(("orientation", "size"), [(6, (60, 80)), (3, (80, 60))])
def test_a_picture_that_lies_on_its_side_is_seen_and_turned(
    tmp_path: Path, orientation: int, size: tuple[int, int]
) -> None:
    path = on_its_side(tmp_path / "a.jpg", orientation)
    look = pictures.look(path, "image/jpeg", False)
    assert (look.width, look.height, look.turned) == (*size, True)
    (turned,) = pictures.convert(path, tmp_path, 0, 1).files
    with Image.open(turned.path) as picture:
        assert picture.size == size == (turned.width, turned.height)
        assert picture.getexif().get(0x0112, 1) == 1
        red, _, blue = picture.convert("RGB").resize((1, 2)).split()
        colours = (red.tobytes()[0] > red.tobytes()[1], blue.tobytes()[0] < blue.tobytes()[1])
    assert colours == ((True, True) if orientation == 3 else (False, False))


@pytest.mark.parametrize(
    ("name", "mode", "suffix", "mime_type"),
    [
        ("a.bmp", "RGB", ".jpg", "image/jpeg"),
        ("a.tif", "1", ".png", "image/png"),
        ("a.tif", "CMYK", ".jpg", "image/jpeg"),
        ("a.tif", "L", ".jpg", "image/jpeg"),
        ("a.gif", "P", ".png", "image/png"),
        ("a.avif", "RGBA", ".png", "image/png"),
    ],
)
def test_few_colours_and_transparency_become_png_and_photographs_jpeg(
    tmp_path: Path, name: str, mode: str, suffix: str, mime_type: str
) -> None:
    path = saved(tmp_path / name, Image.new(mode, (16, 16)))
    (file,) = pictures.convert(path, tmp_path, 0, 1).files
    assert (Path(file.path).suffix, file.mime_type) == (suffix, mime_type)
    with Image.open(file.path) as picture:
        assert Image.MIME[picture.format or ""] == mime_type


def test_deep_greys_are_scaled_and_not_clipped(tmp_path: Path) -> None:
    values = np.full((64, 64), 60_000, np.uint16)
    values[:, :32] = 30_000
    scan = Image.fromarray(values)
    (file,) = pictures.convert(saved(tmp_path / "deep.tif", scan), tmp_path, 0, 1).files
    with Image.open(file.path) as picture:
        assert picture.getpixel((60, 10)) > 250
        assert 110 < picture.getpixel((4, 10)) < 145


def test_a_picture_that_ends_too_early_shows_only_when_all_is_decoded(tmp_path: Path) -> None:
    whole = saved(tmp_path / "a.jpg", Image.effect_noise((200, 200), 90))
    half = tmp_path / "half.jpg"
    half.write_bytes(whole.read_bytes()[:2000])
    assert not pictures.look(half, "image/jpeg", False).fault
    assert "cut short" in pictures.look(half, "image/jpeg", True).fault
    assert "cut short" in pictures.convert(half, tmp_path, 0, 1).fault


def test_what_is_no_picture_and_what_has_too_many_pixels_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "a.png"
    other.write_bytes(b"\x89PNG\r\n\x1a\n nothing")
    assert pictures.look(other, "image/png", False).fault
    large = saved(tmp_path / "large.png", Image.new("1", (300, 300)))
    monkeypatch.setattr(pictures, "MOST_PIXELS", 80_000)
    assert "megapixels" in pictures.look(large, "image/png", False).fault
    assert "megapixels" in pictures.convert(large, tmp_path, 0, 1).fault


def test_a_picture_of_absurd_size_is_named_as_too_large(tmp_path: Path) -> None:
    data = bytearray(saved(tmp_path / "a.png", Image.new("1", (9, 9))).read_bytes())
    data[16:24] = struct.pack(">II", 60_000, 60_000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    (tmp_path / "a.png").write_bytes(data)
    assert pictures.look(tmp_path / "a.png", "image/png", False).fault.startswith("has 3,600 megapixels")
