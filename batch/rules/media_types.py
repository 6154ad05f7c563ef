"""The kinds of media that Gemini takes, by the type that is declared and by the first bytes."""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

from batch.errors import Fault
from batch.media.file_types import AUDIO, IMAGES, VIDEO, sniff, verdict_of
from batch.rules.rule_table import broken

_HEAD_CHARACTERS = 2_048  # of base64; enough for white space before a page of HTML
_SENTENCE = 16
_DOCUMENTS = frozenset(["application/pdf", "application/json", "application/rtf", "application/xml"])
DOCUMENTED = IMAGES | AUDIO | VIDEO | _DOCUMENTS
_CONVERT = "Convert it to PNG or JPEG."
_AS_PDF = "Save it as PDF, or give its text."
_REFUSED = {
    "image/gif": _CONVERT,
    "image/tiff": _CONVERT,
    "image/avif": _CONVERT,
    "image/svg+xml": _CONVERT,
    "application/msword": _AS_PDF,
    "application/zip": "Take the files out of the archive.",
    "application/octet-stream": "Say what it is, such as image/png or application/pdf.",
}
_OFFICE = ("application/vnd.openxmlformats-", "application/vnd.ms-", "application/vnd.oasis.")
_BY_SUFFIX = {
    "pdf": "application/pdf", "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp",
    "heic": "image/heic", "mp3": "audio/mp3", "wav": "audio/wav", "mp4": "video/mp4", "txt": "text/plain",
    "html": "text/html", "csv": "text/csv", "md": "text/markdown", "json": "application/json",
}  # fmt: skip
_NAMES = {
    "text/html": "a page of HTML",
    "application/json": "JSON",
    "application/xml": "XML",
    "image/svg+xml": "SVG",
    "application/zip": "a ZIP archive (such as an Office document)",
    "application/msword": "an Office document",
}


# The usual media are known by how their base64 begins, without decoding any.
_USUAL_STARTS = {"image/png": "iVBORw0KGgo", "image/jpeg": "/9j/", "application/pdf": "JVBERi"}


class MediaVerdict(NamedTuple):
    """What was found of one piece of media: a fault, or the id of a rule that warns ("" for none)."""

    fault: Fault | None = None
    warning: str = ""


FINE = MediaVerdict()


def judge_blob(declared: str, data: str, path: str) -> MediaVerdict:
    """Judge bytes that stand in the request, as base64, and their declared type."""
    start = _USUAL_STARTS.get(declared)
    if start is not None and data.startswith(start):
        return FINE
    head = _head(data)
    found = sniff(head)
    verdict = judge_type(declared, path, found)
    declared, group = _bare(declared), _group(_bare(declared))
    if verdict.fault:
        return verdict
    if not found:
        return verdict if group == "text" or not _reads_as_text(head) else MediaVerdict(warning="media_bytes_differ")
    readable = group == "text" and (_group(found) == "text" or found == "image/svg+xml")
    if not readable and (found in _REFUSED or _group(found) != group):
        return MediaVerdict(broken("media_bytes", path=path, type=declared, found=_NAMES.get(found) or _noun(found)))
    if group == "image" and found != declared.replace("image/jpg", "image/jpeg"):
        return MediaVerdict(warning="media_bytes_differ")
    return verdict


def judge_type(declared: str, path: str, found: str = "") -> MediaVerdict:
    """Judge a declared type. `found` is what the bytes are, for the remedy."""
    if _is_usual(declared):
        return FINE
    bare = _bare(declared)
    suggestion = f'Its bytes are {found}: write "mimeType": "{found}".' if found in DOCUMENTED else ""
    if not bare:
        return MediaVerdict(broken("media_type_missing", path=path, suggestion=suggestion or _SAY_WHAT))
    if "/" not in bare:
        known = _BY_SUFFIX.get(bare.removeprefix("."))
        suggestion = suggestion or (f'Write "{known}".' if known else _SAY_WHAT)
        return MediaVerdict(broken("media_type_malformed", path=path, type=declared[:60], suggestion=suggestion))
    remedy = _AS_PDF if bare.startswith(_OFFICE) else _REFUSED.get(bare, "")
    if remedy:
        return MediaVerdict(
            broken("media_type_refused", path=path, type=declared[:60], suggestion=suggestion or remedy)
        )
    return FINE if _is_usual(bare) else MediaVerdict(warning="media_type_unknown")


def judge_address(uri: str, path: str) -> MediaVerdict:
    """Judge where a file is."""
    return MediaVerdict(broken("media_address", path=path)) if uri.startswith("gs://") else FINE


def _noun(found: str) -> str:
    verdict = verdict_of(found)
    return verdict.noun if verdict.treatment == "refuse" else found


_SAY_WHAT = 'Write the file\'s MIME type, such as "image/png" or "application/pdf".'


def _is_usual(kind: str) -> bool:
    return kind in DOCUMENTED or kind.startswith("text/")


def _bare(declared: str) -> str:
    """A type without parameters, in lower case."""
    return declared.partition(";")[0].strip().lower()


def _group(kind: str) -> str:
    """What kinds may be taken for each other: sound and film share containers, all that is read as text is text."""
    if kind in ("application/json", "application/xml", "application/rtf") or kind.startswith("text/"):
        return "text"
    top = kind.partition("/")[0]
    return "sound or film" if top in ("audio", "video") else "image" if top == "image" else kind


def _reads_as_text(head: bytes) -> bool:
    """Whether bytes are nothing but a sentence of printable ASCII, as of an error saved as a picture."""
    return len(head) >= _SENTENCE and head.isascii() and head.decode("ascii").replace("\n", " ").isprintable()


def _head(data: str) -> bytes:
    start = data[: min(len(data), _HEAD_CHARACTERS) // 4 * 4].replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(start)
    except (binascii.Error, ValueError):
        return b""
