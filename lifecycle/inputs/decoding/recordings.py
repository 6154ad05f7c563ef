"""Sound and film: how long they are, as far as their headers tell."""

from __future__ import annotations

from pathlib import Path

from tinytag import TinyTag
from tinytag.tinytag import TinyTagException

from batch.media.headers import HEADER_CHARACTERS, webm_seconds
from lifecycle.inputs.decoding.messages import DecodingReply


def look(path: Path, mime_type: str) -> DecodingReply:
    """The length in seconds; none where the format does not tell it."""
    with path.open("rb") as stream:
        if mime_type == "video/webm":
            return DecodingReply(seconds=webm_seconds(stream.read(HEADER_CHARACTERS)))
        try:
            seconds = TinyTag.get(file_obj=stream, tags=False).duration
        except TinyTagException:
            return DecodingReply()
    return DecodingReply(seconds=float(seconds) if seconds else None)
