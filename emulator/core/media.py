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

PICTURE, PAGE, SOUND, VIDEO = 258, 258, 32, 263
_PAGE = re.compile(rb"/Type\s*/Page(?![a-zA-Z])")
_MIME = re.compile(r"[\w.+-]+/[\w.+-]+(\s*;.*)?$")
_SHORT = {"jsonl", "json", "text", "pdf", "csv"}  # bare words that clients send and the service takes
_FAMILIES = {"application", "audio", "font", "image", "message", "model", "multipart", "text", "video"}


def known_mime(mime: str) -> bool:
    """Whether an upload with this type is taken: `bad/mime_type` is not, `jsonl` is (cookbook, Batch_mode 17)."""
    return mime in _SHORT or bool(_MIME.match(mime) and mime.split("/")[0] in _FAMILIES)


def _document(data: bytes) -> int:
    return PAGE * max(1, len(_PAGE.findall(data)))


def _sound(data: bytes) -> int:
    rate = struct.unpack_from("<I", data, 28)[0] if data[:4] == b"RIFF" and len(data) > 44 else 16_000
    return SOUND * max(1, len(data) // max(rate, 1))


def _video(data: bytes) -> int:
    return VIDEO * max(1, len(data) // 250_000)


_WEIGHTS: tuple[tuple[str, str, Callable[[bytes], int]], ...] = (
    ("image/", "IMAGE", lambda _: PICTURE),
    ("application/pdf", "DOCUMENT", _document),
    ("audio/", "AUDIO", _sound),
    ("video/", "VIDEO", _video),
)


def weigh(mime: str, data: bytes) -> tuple[str, int]:
    """Modality and tokens of a blob; anything that is not a medium counts as text."""
    for prefix, modality, count in _WEIGHTS:
        if mime.startswith(prefix):
            return modality, count(data)
    return "TEXT", text_tokens(data.decode("utf-8", "replace"))


def weigh_base64(mime: str, data: str) -> tuple[str, int]:
    """As `weigh`, for inline data."""
    if mime.startswith("image/"):
        return "IMAGE", PICTURE
    try:
        return weigh(mime, base64.b64decode(data + "=" * (-len(data) % 4), altchars=b"-_" if "-" in data else None))
    except (binascii.Error, ValueError):
        return weigh(mime, data.encode())


def picture(seed: int, size: int = 64) -> bytes:
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


def silence(seconds: float) -> bytes:
    """Linear 16-bit sound at 24 kHz, as the speech models answer, with nothing in it."""
    return bytes(2 * int(24_000 * seconds))
