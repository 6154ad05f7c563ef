"""What is known of a file's content: the figures that its tokens depend on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MediaFacts:
    """One file as it is sent. None where its headers do not tell: size in pixels, pages of a PDF, seconds of sound."""

    mime_type: str
    size_bytes: int = 0
    width: int | None = None
    height: int | None = None
    pages: int | None = None
    seconds: float | None = None
