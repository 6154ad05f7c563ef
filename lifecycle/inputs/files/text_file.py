"""Files of text: what they say stands in the request itself."""

from __future__ import annotations

from pathlib import Path

from batch.errors import Fault
from batch.requests.row_checker import LINE_LIMIT_BYTES

_TOO_LONG = Fault(f"is longer than {LINE_LIMIT_BYTES // 1_000_000} MB of text", "Cut it into parts.")
_EMPTY = Fault("is empty", "Copy the file again, or leave it out.")
_NO_TEXT = Fault("is of a kind that is not known", "Save it as PDF, or as plain text in UTF-8.")


def read_text(path: Path, size_bytes: int) -> tuple[str | Fault, str]:
    """The text of a file and what was assumed of it, or why there is none."""
    if size_bytes > LINE_LIMIT_BYTES // 2:
        return _TOO_LONG, ""
    data = path.read_bytes()
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    words = ""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text, words = data.decode("cp1252", "replace"), "It is no UTF-8, and was read as Windows-1252."
    if "\0" in text:
        return _NO_TEXT, ""
    return (text, words) if text.strip() else (_EMPTY, "")
