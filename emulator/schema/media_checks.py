"""Which types of data are taken, and that data are roughly what they are said to be."""

import base64
import binascii

from emulator.core.errors import invalid

_TYPES = {  # the guides' lists of autumn 2026; gif, tiff, avif and svg are on none
    "image": {"png", "jpeg", "webp", "heic", "heif"},
    "audio": {"wav", "mp3", "mpeg", "aiff", "aac", "ogg", "flac"},
    "video": {"mp4", "mpeg", "mov", "quicktime", "avi", "x-flv", "mpg", "webm", "wmv", "3gpp"},
    "application": {"pdf", "json", "xml", "rtf", "javascript", "x-javascript", "x-python-code", "x-python", "jsonl"},
}
_BARE_WORDS = {"jsonl", "json", "text", "pdf", "csv"}  # types of uploads without a slash
_MARKUP = (b"<!doctype", b"<html", b"<?xml", b"<svg")
_UNREADABLE_PICTURE = (
    "Unable to process input image. Please retry or report in "
    "https://developers.generativeai.google/guide/troubleshooting"
)


def check_mime_type(mime: str) -> None:
    """Raise the service's 400 for a type that no model reads, application/octet-stream among them."""
    kind, _, name = mime.partition(";")[0].strip().lower().partition("/")
    if (kind == "text" and name) or mime in _BARE_WORDS or name in _TYPES.get(kind, ()):
        return
    raise invalid(f"Unsupported MIME type: {mime}")


def check_data(mime: str, data: bytes) -> None:
    """Raise what the service says of markup that claims to be a picture or a document."""
    if not data[:200].lstrip().lower().startswith(_MARKUP):
        return
    if mime.startswith("image/"):
        raise invalid(_UNREADABLE_PICTURE)
    if mime == "application/pdf":
        raise invalid("The document has no pages.")


def check_base64(mime: str, data: str) -> None:
    """As `check_data`, for inline data."""
    try:
        check_data(mime, base64.b64decode(data[:256], altchars=b"-_" if "-" in data[:256] else None))
    except binascii.Error:
        return  # counted as it stands: what the service says to broken base64 is not known
