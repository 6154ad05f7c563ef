"""Pictures, sound and documents: what they weigh in tokens, by model, and small ones made up for answers.

Weights: the table of the guide to media resolution (2026-09-19); for 2.5 the cookbook (Counting_Tokens) and 258 a
768-pixel tile; for a PDF page on 3.x the 520 that users measured, where the guide says 560. A length that cannot be
read is guessed from the size.
"""

import base64
import binascii
import re
import struct
import zlib

from emulator.core.models import Model
from emulator.core.picture_size import picture_size
from emulator.core.text_tokens import text_tokens

_PICTURE_3 = {"LOW": 280, "MEDIUM": 560, "HIGH": 1120, "ULTRA_HIGH": 2240}
_PAGE_3 = {"LOW": 280, "MEDIUM": 560, "HIGH": 1120}
_PICTURE_2 = {"LOW": 64, "MEDIUM": 256}
_TILE, _UNSET_PICTURE_3, _PICTURE_PRO_IMAGE, _UNSET_PAGE_3 = 258, 1120, 560, 520
_PDF_PAGE = re.compile(rb"/Type\s*/Page(?![a-zA-Z])")
_OBJECT_STREAM = re.compile(rb"/Type\s*/ObjStm")
_MOST_INFLATED = 16 << 20  # bytes of one object stream
_MIME_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(\s*;.*)?$")
_SHORT_TYPES = {"jsonl", "json", "text", "pdf", "csv"}  # bare words that clients send and the service takes
_TOP_LEVEL_TYPES = {"application", "audio", "font", "image", "message", "model", "multipart", "text", "video"}


def is_accepted_mime_type(mime: str) -> bool:
    """Whether an upload with this type is taken: `bad/mime_type` is not, `jsonl` is (cookbook, Batch_mode 17)."""
    return mime in _SHORT_TYPES or bool(_MIME_TYPE.match(mime) and mime.split("/")[0] in _TOP_LEVEL_TYPES)


def is_media(mime: str) -> bool:
    """Whether a file of this type is processed before it can be used."""
    return mime == "application/pdf" or mime.startswith(("image/", "audio/", "video/"))


def media_tokens(mime: str, data: bytes, model: Model, resolution: str = "") -> tuple[str, int]:
    """Modality and tokens of a blob; what is no medium counts as text. `resolution` is LOW to ULTRA_HIGH."""
    if mime.startswith("image/"):
        return "IMAGE", _picture_tokens(data, model, resolution)
    if mime == "application/pdf":
        page_tokens = _PAGE_3.get(resolution, _UNSET_PAGE_3) if model.generation >= 3 else _TILE
        return "IMAGE" if model.generation >= 3 else "DOCUMENT", page_tokens * _pdf_pages(data)
    if mime.startswith("audio/"):
        return "AUDIO", (25 if model.generation >= 3 else 32) * _sound_seconds(data)
    if mime.startswith("video/"):
        return "VIDEO", _video_second_tokens(model, resolution) * max(1, len(data) // 250_000)
    return "TEXT", text_tokens(data.decode("utf-8", "replace"))


def base64_media_tokens(mime: str, data: str, model: Model, resolution: str = "") -> tuple[str, int]:
    """As `media_tokens`, for inline data."""
    try:
        raw = base64.b64decode(data + "=" * (-len(data) % 4), altchars=b"-_" if "-" in data else None)
    except (binascii.Error, ValueError):
        raw = data.encode()
    return media_tokens(mime, raw, model, resolution)


def _picture_tokens(data: bytes, model: Model, resolution: str) -> int:
    if model.generation >= 3:
        return _PICTURE_3.get(resolution, _PICTURE_PRO_IMAGE if "pro-image" in model.id else _UNSET_PICTURE_3)
    width, height = picture_size(data)
    if resolution in _PICTURE_2 or max(width, height) <= 384:
        return _PICTURE_2.get(resolution, _TILE)
    unit = max(256, min(768, int(min(width, height) / 1.5)))
    return _TILE * -(-width // unit) * -(-height // unit)


def _pdf_pages(data: bytes) -> int:
    """Pages by their objects, those in compressed object streams included; at least one."""
    pages = len(_PDF_PAGE.findall(data))
    for match in _OBJECT_STREAM.finditer(data):
        begin = data.find(b"stream", match.end(), match.end() + 1000)
        body = data[begin + 6 : begin + 6 + _MOST_INFLATED].lstrip(b"\r\n") if begin >= 0 else b""
        try:
            pages += len(_PDF_PAGE.findall(zlib.decompressobj().decompress(body, _MOST_INFLATED)))
        except zlib.error:
            continue  # in another encoding: it adds nothing
    return max(1, pages)


def _sound_seconds(data: bytes) -> int:
    rate = struct.unpack_from("<I", data, 28)[0] if data[:4] == b"RIFF" and len(data) > 44 else 16_000
    return int(max(1, len(data) // max(rate, 1)))


def _video_second_tokens(model: Model, resolution: str) -> int:
    """One frame and its sound; on 2.5 the 263 of the cookbook, or 66 and 32 at LOW."""
    if model.generation >= 3:
        return (280 if resolution == "HIGH" else 70) + 25
    return 98 if resolution == "LOW" else 263


def silent_pcm(seconds: float) -> bytes:
    """Linear 16-bit sound at 24 kHz, as the speech models answer, with nothing in it."""
    return bytes(2 * int(24_000 * seconds))
