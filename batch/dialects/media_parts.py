"""Media as other APIs give it, by data URL, base64 or address, as a part of Gemini's."""

from __future__ import annotations

from typing import Any

from batch.dialects.conversion import Conversion

_TYPES = {
    "pdf": "application/pdf", "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp",
    "gif": "image/gif", "heic": "image/heic", "mp3": "audio/mp3", "wav": "audio/wav", "flac": "audio/flac",
    "ogg": "audio/ogg", "aac": "audio/aac", "mp4": "video/mp4", "txt": "text/plain", "md": "text/markdown",
    "csv": "text/csv", "html": "text/html", "json": "application/json",
}  # fmt: skip
_COMMON = {"image/jpg": "image/jpeg", "audio/mpeg": "audio/mp3", "audio/x-wav": "audio/wav"}
_URL_CHARS = 8_000


def inline_part(mime_type: str, data: str) -> dict[str, Any]:
    """Bytes in base64 as a part."""
    return {"inlineData": {"mimeType": _COMMON.get(mime_type, mime_type), "data": data}}


def address_part(address: str, what: str, conversion: Conversion) -> dict[str, Any] | None:
    """What stands at an address: a data URL's bytes, or a file that the service fetches. None if it is neither."""
    if address.startswith("data:"):
        head, comma, data = address.partition(",")
        mime_type, *options = head[len("data:") :].split(";")
        if comma and "base64" in options:
            conversion.map(f"{what} as data URLs", "inlineData")
            return inline_part(mime_type.strip().lower() or "text/plain", data)
        conversion.refuse(f"{what} as data URLs without base64", "Encode them as base64.")
        return None
    if address.startswith(("https://", "http://", "gs://")) and len(address) <= _URL_CHARS:
        conversion.map(f"addresses of {what}", "fileData")
        known = type_by_name(address.partition("?")[0])
        return {"fileData": {"fileUri": address} | ({"mimeType": known} if known else {})}
    conversion.refuse(f"{what} at addresses that are neither data URLs nor https", "Give their content as data URLs.")
    return None


def named_part(data: str, name: str, what: str, conversion: Conversion) -> dict[str, Any] | None:
    """Bytes given as a data URL, or as bare base64 whose type its file's name tells."""
    if data.startswith("data:"):
        return address_part(data, what, conversion)
    conversion.map(f"{what} as base64", "inlineData")
    return inline_part(type_by_name(name) or "application/pdf", data)


def type_by_name(name: str) -> str:
    """The MIME type that a name's ending tells; "" if it tells none."""
    return _TYPES.get(name.rsplit(".", 1)[-1].lower(), "") if "." in name[-10:] else ""
