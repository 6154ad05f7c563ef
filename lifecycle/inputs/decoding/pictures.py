"""Pictures: their size and place in the world from the header, and conversion to what Gemini takes."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from batch.media.headers import HEADER_CHARACTERS, image_size
from lifecycle.inputs.decoding.messages import DecodedFile, DecodingReply

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "AVIF")  # no vector formats, which may refer to other files
MOST_PIXELS = 200_000_000  # about A0 at 300 dpi; decoded it takes three bytes a pixel
MOST_FRAMES = 1_000
JPEG_QUALITY = 93  # scans of text still have clean edges
_ORIENTATION = 0x0112
Image.MAX_IMAGE_PIXELS = None  # ours is checked, and says so by its own name
_FLAT_MODES = ("1", "P", "PA", "LA", "RGBA", "La", "RGBa")  # few colours, or transparent: JPEG would lose it
_READ_AGAIN = "Open it in a viewer, and save it again as PNG or JPEG."


def look(path: Path, mime_type: str, check_end: bool) -> DecodingReply:
    """Size, frames, and whether it lies on its side; of HEIC, whose decoders turn it themselves, only the size."""
    if mime_type in ("image/heic", "image/heif"):
        with path.open("rb") as stream:
            width, height = image_size(stream.read(HEADER_CHARACTERS)) or (None, None)
        return DecodingReply(width=width, height=height, pages=1)
    try:
        with Image.open(path, formats=FORMATS) as picture:
            width, height = picture.size
            if width * height > MOST_PIXELS:
                return _too_large(width, height)
            frames = int(getattr(picture, "n_frames", 1)) if mime_type in ("image/tiff", "image/gif") else 1
            orientation = picture.getexif().get(_ORIENTATION, 1)
            if check_end:
                picture.load()
    except UnidentifiedImageError:
        return DecodingReply("cannot be read as a picture", _READ_AGAIN)
    except OSError:
        return DecodingReply("is cut short: only part of the picture is there", "Copy the file again.")
    turned = orientation in range(2, 9)
    if orientation in range(5, 9):
        width, height = height, width
    return DecodingReply(width=width, height=height, pages=min(frames, MOST_FRAMES), turned=turned)


def convert(path: Path, folder: Path, first: int, last: int) -> DecodingReply:
    """Write the frames from `first` up to `last` upright, as JPEG, or as PNG where JPEG would lose something."""
    files = []
    try:
        with Image.open(path, formats=FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                return _too_large(*picture.size)
            for number in range(first, last):
                picture.seek(number)
                files.append(_write(picture, folder / f"{number:04d}"))
    except UnidentifiedImageError:
        return DecodingReply("cannot be read as a picture", _READ_AGAIN)
    except (OSError, EOFError):
        return DecodingReply("is cut short: only part of the picture is there", "Copy the file again.")
    return DecodingReply(files=tuple(files))


def _write(picture: Image.Image, target: Path) -> DecodedFile:
    upright = ImageOps.exif_transpose(picture)
    profile = upright.info.get("icc_profile")
    if picture.mode in _FLAT_MODES or upright.has_transparency_data:
        path, mime_type = target.with_suffix(".png"), "image/png"
        flat = upright if upright.mode in ("1", "P", "LA", "RGBA") else upright.convert("RGBA")
        flat.save(path, "PNG", icc_profile=profile if flat.mode == upright.mode else None)
    else:
        path, mime_type = target.with_suffix(".jpg"), "image/jpeg"
        plain = _eight_bits(upright)
        kept_profile = profile if plain.mode == upright.mode else None
        plain.save(path, "JPEG", quality=JPEG_QUALITY, subsampling=0, icc_profile=kept_profile)
    return DecodedFile(str(path), mime_type, *upright.size)


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Grey or colour in eight bits: deeper scans are scaled, not clipped."""
    if picture.mode in ("L", "RGB"):
        return picture
    if picture.mode.startswith("I;16") or picture.mode in ("I", "F"):
        grey = picture.convert("F")
        highest = _highest(grey)
        scale = 255.0 / highest if highest > 255.0 else 1.0
        return grey.point(lambda value: value * scale).convert("L")
    return picture.convert("RGB")


def _highest(grey: Image.Image) -> float:
    low, high = grey.getextrema()
    return float(high) if isinstance(high, (int, float)) and isinstance(low, (int, float)) else 0.0


def _too_large(width: int, height: int) -> DecodingReply:
    megapixels = width * height // 1_000_000
    return DecodingReply(
        f"has {megapixels:,} megapixels; up to {MOST_PIXELS // 1_000_000} are read", "Make the picture smaller."
    )
