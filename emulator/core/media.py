"""Pictures, sound and documents: what they weigh in tokens, and small ones made up for answers.

Weights: a picture 258 tokens, a PDF page 258, sound 32 a second (cookbook, Counting_Tokens), video 263 a second
(258 for its one picture a second and about 5 of sound). A length that cannot be read is guessed from the size.
"""

import base64
import binascii
import re
import struct
import zlib
from collections.abc import Callable

from emulator.core.text_tokens import text_tokens

IMAGE_TOKENS, PDF_PAGE_TOKENS, AUDIO_TOKENS_PER_SECOND, VIDEO_TOKENS_PER_SECOND = 258, 258, 32, 263
_PDF_PAGE = re.compile(rb"/Type\s*/Page(?![a-zA-Z])")
_MIME_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(\s*;.*)?$")
_SHORT_TYPES = {"jsonl", "json", "text", "pdf", "csv"}  # bare words that clients send and the service takes
_TOP_LEVEL_TYPES = {"application", "audio", "font", "image", "message", "model", "multipart", "text", "video"}


def is_accepted_mime_type(mime: str) -> bool:
    """Whether an upload with this type is taken: `bad/mime_type` is not, `jsonl` is (cookbook, Batch_mode 17)."""
    return mime in _SHORT_TYPES or bool(_MIME_TYPE.match(mime) and mime.split("/")[0] in _TOP_LEVEL_TYPES)


def is_media(mime: str) -> bool:
    """Whether a file of this type is processed before it can be used."""
    return mime == "application/pdf" or mime.startswith(("image/", "audio/", "video/"))


def _pdf_tokens(data: bytes) -> int:
    return PDF_PAGE_TOKENS * max(1, len(_PDF_PAGE.findall(data)))


def _audio_tokens(data: bytes) -> int:
    rate = struct.unpack_from("<I", data, 28)[0] if data[:4] == b"RIFF" and len(data) > 44 else 16_000
    return AUDIO_TOKENS_PER_SECOND * max(1, len(data) // max(rate, 1))


def _video_tokens(data: bytes) -> int:
    return VIDEO_TOKENS_PER_SECOND * max(1, len(data) // 250_000)


_TOKEN_COUNTERS: tuple[tuple[str, str, Callable[[bytes], int]], ...] = (
    ("image/", "IMAGE", lambda _: IMAGE_TOKENS),
    ("application/pdf", "DOCUMENT", _pdf_tokens),
    ("audio/", "AUDIO", _audio_tokens),
    ("video/", "VIDEO", _video_tokens),
)


def media_tokens(mime: str, data: bytes) -> tuple[str, int]:
    """Modality and tokens of a blob; anything that is not a medium counts as text."""
    for prefix, modality, count in _TOKEN_COUNTERS:
        if mime.startswith(prefix):
            return modality, count(data)
    return "TEXT", text_tokens(data.decode("utf-8", "replace"))


def base64_media_tokens(mime: str, data: str) -> tuple[str, int]:
    """As `weigh`, for inline data."""
    if mime.startswith("image/"):
        return "IMAGE", IMAGE_TOKENS
    try:
        return media_tokens(
            mime, base64.b64decode(data + "=" * (-len(data) % 4), altchars=b"-_" if "-" in data else None)
        )
    except (binascii.Error, ValueError):
        return media_tokens(mime, data.encode())


def striped_png(seed: int, size: int = 64) -> bytes:
    """A small PNG of coloured stripes, the same for the same seed."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    red, green, blue = seed & 255, seed >> 8 & 255, seed >> 16 & 255
    row = b"\0" + b"".join(bytes(((red + 3 * x) & 255, (green + x) & 255, (blue + 2 * x) & 255)) for x in range(size))
    head = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    note = b"Comment\0simulated by the emulator"
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"tEXt", note)
        + chunk(b"IDAT", zlib.compress(row * size))
        + chunk(b"IEND", b"")
    )


def silent_pcm(seconds: float) -> bytes:
    """Linear 16-bit sound at 24 kHz, as the speech models answer, with nothing in it."""
    return bytes(2 * int(24_000 * seconds))
