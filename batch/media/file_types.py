"""What a file is by its first bytes, and what has to be done to it before Gemini takes it.

Types that Gemini takes: pages on images, audio, video and documents of September 2026; the others are refused there
("Unsupported MIME type"), or are read as bare text.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

HEAD_BYTES = 4_096
"""So many first bytes tell the type of nearly every file."""

IMAGES = frozenset(["image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"])
AUDIO = frozenset(
    ["audio/wav", "audio/mp3", "audio/mpeg", "audio/aiff", "audio/aac", "audio/ogg", "audio/flac", "audio/x-wav"]
)
VIDEO = frozenset(
    "video/" + kind for kind in ("mp4", "mpeg", "mov", "quicktime", "avi", "x-flv", "mpg", "webm", "wmv", "3gpp")
)
PDF = "application/pdf"
UNLISTED = frozenset(["audio/mp4"])
"""Types that no page names and users send all the same: sound in MP4 files (.m4a)."""
CONVERTIBLE = frozenset(["image/gif", "image/tiff", "image/bmp", "image/avif"])
TEXT = "text/plain"

Treatment = Literal["send", "convert", "text", "refuse"]

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"II+\0", "image/tiff"),
    (b"MM\0+", "image/tiff"),
    (b"%PDF-", PDF),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/msword"),
    (b"ID3", "audio/mp3"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"\x1aE\xdf\xa3", "video/webm"),
    (b"FLV\x01", "video/x-flv"),
    (b"\x00\x00\x01\xba", "video/mpeg"),
    (b"\x00\x00\x01\xb3", "video/mpeg"),
    (b"0&\xb2u\x8ef\xcf\x11", "video/wmv"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"\x1f\x8b", "application/gzip"),
    (b"{\\rtf", "application/rtf"),
    (b"8BPS", "image/vnd.adobe.photoshop"),
    (b"\x00\x00\x00\x0cjP  ", "image/jp2"),
    (b"MZ", "application/x-msdownload"),
    (b"\x7fELF", "application/x-executable"),
    (b"SQLite format 3\0", "application/vnd.sqlite3"),
    (b"PAR1", "application/vnd.apache.parquet"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/avi"}
_BRANDS = {
    b"heic": "image/heic", b"heix": "image/heic", b"heim": "image/heic", b"heis": "image/heic", b"mif1": "image/heif",
    b"msf1": "image/heif", b"avif": "image/avif", b"avis": "image/avif", b"qt  ": "video/quicktime",
    b"3gp4": "video/3gpp", b"3gp5": "video/3gpp", b"3gp6": "video/3gpp", b"M4A ": "", b"M4B ": "",
}  # fmt: skip
_SOUND_BRANDS = (b"M4A ", b"M4B ")
_MARKUP = {b"<!doctype html": "text/html", b"<html": "text/html", b"<svg": "image/svg+xml"}
_OFFICE_ENTRIES = {
    b"word/": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    b"xl/": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    b"ppt/": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    b"mimetypeapplication/vnd.oasis": "application/vnd.oasis.opendocument",
    b"mimetypeapplication/epub": "application/epub+zip",
}


class Verdict(NamedTuple):
    """What happens to a file of some type: sent as it is, converted first, read as text, or refused with a remedy.

    `noun` is what a person calls it ("a Word document").
    """

    treatment: Treatment
    noun: str
    remedy: str = ""


_SENT = IMAGES | AUDIO | VIDEO | UNLISTED | {PDF}
_AS_PDF = "Save it as PDF."
_AS_PICTURE = "Save it as PNG or JPEG."
_REFUSED = {
    "application/zip": ("an archive inside", "Take the files out of it."),
    "application/vnd.rar": ("a RAR archive", "Take the files out of it, or pack them as ZIP."),
    "application/x-7z-compressed": ("a 7-Zip archive", "Take the files out of it, or pack them as ZIP."),
    "application/gzip": ("a gzip file", "Unpack it."),
    "application/msword": ("an old Office document (.doc, .xls or .ppt)", _AS_PDF),
    "application/rtf": ("a document in Rich Text Format", _AS_PDF),
    "application/epub+zip": ("an e-book", _AS_PDF),
    "application/vnd.oasis.opendocument": ("an OpenDocument file", _AS_PDF),
    "application/vnd.apache.parquet": ("a Parquet table", "Give it alone, as a table, and name its columns of files."),
    "image/svg+xml": ("an SVG drawing", _AS_PICTURE),
    "image/jp2": ("a JPEG 2000 picture", _AS_PICTURE),
    "image/vnd.adobe.photoshop": ("a Photoshop file", _AS_PICTURE),
}
_NOUNS = {"word/": "a Word document", "xl/": "an Excel workbook", "ppt/": "a PowerPoint presentation"}
_REFUSED |= {_OFFICE_ENTRIES[name.encode()]: (noun, _AS_PDF) for name, noun in _NOUNS.items()}


def sniff(head: bytes) -> str:
    """The type that the first bytes tell; "" if they tell none."""
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return _office_type(head) if kind == "application/zip" else kind
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12], "")
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "audio/aiff"
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "video/mp4")
    if _is_bitmap(head):
        return "image/bmp"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:200].lower()
    if start.startswith(b"<"):
        return next((kind for word, kind in _MARKUP.items() if word in start), "application/xml")
    return "application/json" if start.startswith((b'{"', b"{\n", b"{ ")) else _mpeg_sound(head)


def file_type(head: bytes) -> str:
    """The type of a whole file by its first bytes; "text/plain" for what reads as text, "" for what cannot be told."""
    if head[4:8] == b"ftyp" and head[8:12] in _SOUND_BRANDS:
        return "audio/mp4"
    found = sniff(head)
    if found:
        return found
    if b"%PDF-" in head[:1024]:
        return PDF  # readers allow some bytes before it
    return TEXT if is_text(head) else ""


def verdict_of(mime_type: str) -> Verdict:
    """What is to be done with a file of this type."""
    if mime_type in _SENT:
        return Verdict("send", kind_of(mime_type))
    if mime_type in CONVERTIBLE:
        return Verdict("convert", f"a {mime_type.removeprefix('image/').upper()} picture")
    if mime_type.startswith("text/") or mime_type in ("application/json", "application/xml"):
        return Verdict("text", "text")
    noun, remedy = _REFUSED.get(mime_type, ("of a kind that is not known", _NO_KIND))
    return Verdict("refuse", noun, remedy)


_NO_KIND = "Gemini takes pictures (PNG, JPEG, WebP, HEIC), PDF, sound, video and text."


def kind_of(mime_type: str) -> str:
    """The kind in one word, for people: picture, PDF, sound, video, text or file."""
    if mime_type == PDF:
        return "PDF"
    top = mime_type.partition("/")[0]
    if top == "text" or mime_type in ("application/json", "application/xml"):
        return "text"
    return {"image": "picture", "audio": "sound", "video": "video"}.get(top, "file")


def is_text(head: bytes) -> bool:
    """Whether bytes read as text: UTF-8 or UTF-16 with a mark, or without control characters."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    return bool(head) and not head.translate(None, bytes(range(0x20, 0x100)) + b"\t\n\r\f\x1b") and b"\0" not in head


def _office_type(head: bytes) -> str:
    """What kind of document an archive is, by the names of its first entries."""
    for mark, kind in _OFFICE_ENTRIES.items():
        if mark in head[:HEAD_BYTES]:
            return kind
    return "application/zip"


def _is_bitmap(head: bytes) -> bool:
    return head[:2] == b"BM" and head[6:10] == b"\0\0\0\0" and head[14:18] in (b"(\0\0\0", b"l\0\0\0", b"|\0\0\0")


def _mpeg_sound(head: bytes) -> str:
    """MP3 without tags, or AAC in its own frames: both begin with eleven set bits."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return ""
    if head[1] & 0xF6 == 0xF0:
        return "audio/aac"
    version, layer, rate, frequency = head[1] >> 3 & 3, head[1] >> 1 & 3, head[2] >> 4, head[2] >> 2 & 3
    return "audio/mp3" if version != 1 and layer == 1 and rate not in (0, 15) and frequency != 3 else ""
