"""Weighs the files of requests: those in the request by their headers, those beside it by what is known of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from batch.media.facts import MediaFacts
from batch.media.headers import inline_facts
from batch.media.tokens import MediaTokens, Weighing, media_tokens, resolution_of

UNKNOWN_MODEL = Weighing()
FactsLookup = Callable[[str], MediaFacts | None]
"""What is known of the file at a URI; None if nothing is."""


def nothing_known(uri: str) -> MediaFacts | None:
    """Of a file that is somewhere else."""
    return None


@dataclass(frozen=True)
class MediaScale:
    """What files weigh in requests to one model. `facts` looks up what is known of the file at a URI."""

    weighing: Weighing = UNKNOWN_MODEL
    facts: FactsLookup = nothing_known

    def weigh_file(self, uri: str, level: object = None) -> MediaTokens | None:
        """Tokens of the file at a URI; `level` is the part's own media resolution, as the wire writes it."""
        facts = self.facts(uri)
        return None if facts is None else media_tokens(facts, self._at(level))

    def weigh_inline(self, mime_type: str, data: str, level: object = None) -> MediaTokens | None:
        """Tokens of base64 data."""
        return media_tokens(inline_facts(mime_type, data), self._at(level))

    def _at(self, level: object) -> Weighing:
        resolution = resolution_of(level)
        return self.weighing._replace(resolution=resolution) if resolution else self.weighing


def part_level(part: Mapping[str, Any]) -> object:
    """The media resolution that a part sets for itself, None if it does not."""
    own = part.get("mediaResolution", part.get("media_resolution"))
    return own.get("level") if isinstance(own, Mapping) else own
