"""Pictures that came back, decoded to files as the lines are read: never more than one line's in memory.

The lines themselves stay as they were received, base64 included: they are what results are made anew from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from batch.media.file_types import sniff
from batch.media.headers import decode_base64, image_size
from batch.model import Outcome
from batch.responses.parsed_row import ParsedRow
from lifecycle.core.run_files import PICTURES

UNREADABLE = "a picture came back that cannot be read"
_SUFFIXES = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif", "image/heic": "heic"}


class _Blob(msgspec.Struct, gc=False):
    data: str = ""


class _Part(msgspec.Struct, gc=False):
    thought: bool | None = False
    inline_data: _Blob | None = msgspec.field(name="inlineData", default=None)


class _Content(msgspec.Struct, gc=False):
    parts: list[_Part] | None = None


class _Candidate(msgspec.Struct, gc=False):
    content: _Content | None = None


class _Response(msgspec.Struct, gc=False):
    candidates: list[_Candidate] | None = None


class _Line(msgspec.Struct, gc=False):
    response: _Response | None = None


_decode = msgspec.json.Decoder(_Line).decode


class PictureFiles:
    """The folder of a run's pictures. Interim ones, which are thoughts, are left out; equal ones are one file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / PICTURES

    def take(self, row: ParsedRow, line: bytes) -> tuple[ParsedRow, list[dict[str, object]] | None, int | None]:
        """Write the pictures of a line; an answer whose picture cannot be read is none."""
        if not row.images:
            return row, None, None
        saved = [self._save(data) for data in _pictures(line)]
        readable = [picture for picture in saved if picture is not None]
        if len(readable) < len(saved) and row.outcome is Outcome.ANSWERED:
            row = row._replace(outcome=Outcome.INVALID_OUTPUT, error_message=UNREADABLE)
        return row, readable or None, None

    def _save(self, data: str) -> dict[str, object] | None:
        """One picture as a file, under its SHA-256; None for what is no picture."""
        content = decode_base64(data)
        mime_type = sniff(content[:4096])
        if mime_type not in _SUFFIXES:
            return None
        name = f"{hashlib.sha256(content).hexdigest()}.{_SUFFIXES[mime_type]}"
        path = self._folder / name
        if not path.exists():
            self._folder.mkdir(exist_ok=True)
            part = path.with_suffix(".part")
            part.write_bytes(content)
            part.replace(path)
        width, height = image_size(content) or (None, None)
        size = len(content)
        return {
            "file": f"{PICTURES}/{name}",
            "mime_type": mime_type,
            "width": width,
            "height": height,
            "size_bytes": size,
        }


def _pictures(line: bytes) -> Iterator[str]:
    """The base64 of each picture of a line's answers, in their order."""
    try:
        response = _decode(line).response
    except (msgspec.DecodeError, UnicodeDecodeError):
        yield ""
        return
    for candidate in (response.candidates if response else None) or ():
        for part in (candidate.content.parts if candidate.content else None) or ():
            if part.inline_data is not None and not part.thought:
                yield part.inline_data.data
