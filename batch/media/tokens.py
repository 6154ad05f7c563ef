"""How many tokens a file has, by model family and media resolution.

Figures: page on media resolution of 2026-09-19 for both families; tiles of 2.5 as the page on images has them; sound
25 a second on Gemini 3 and 32 on 2.5 (the same page). They are maxima, and approximate; a PDF page of 2.5 is 258
(page on documents). Of embedded text in PDFs nothing is added: whether it is charged is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from batch.media.facts import MediaFacts
from batch.media.file_types import kind_of

Resolution = Literal["", "low", "medium", "high", "ultra_high"]
RESOLUTIONS: tuple[Resolution, ...] = ("low", "medium", "high")
"""Those that a whole request may have."""

_PICTURE_3: Mapping[str, int] = {"": 1120, "low": 280, "medium": 560, "high": 1120, "ultra_high": 2240}
_PAGE_3: Mapping[str, int] = {"": 560, "low": 280, "medium": 560, "high": 1120, "ultra_high": 1120}
_FRAME_3: Mapping[str, int] = {"": 70, "low": 70, "medium": 70, "high": 280, "ultra_high": 280}
_PICTURE_2: Mapping[str, int] = {"low": 64, "medium": 256}
_FRAME_2: Mapping[str, int] = {"": 256, "low": 64, "medium": 256, "high": 256}
_TILE_2, _PAGE_2 = 258, 258
_SMALL, _TILE_SIDES = 384, (256, 768)
_SOUND_3, _SOUND_2 = 25, 32
_OLD_FAMILIES = ("2.5", "2.0", "2", "1.5")
_LEVEL_PREFIX = "MEDIA_RESOLUTION_"


class MediaTokens(NamedTuple):
    """Tokens of one file, by what they are billed as: `picture`, `page`, `sound` or `video`."""

    kind: Literal["picture", "page", "sound", "video"]
    tokens: int


class Weighing(NamedTuple):
    """By what files are weighed: the model's family as in the catalog ("3", "2.5", "" unknown), and the resolution.

    A family that is not known weighs as Gemini 3 does, which is never less.
    """

    family: str = ""
    resolution: Resolution = ""

    @property
    def is_old(self) -> bool:
        return self.family in _OLD_FAMILIES


def resolution_of(level: object) -> Resolution:
    """A resolution as the wire writes it ("MEDIA_RESOLUTION_LOW"), in our words; "" where nothing is said."""
    word = str(level or "").upper().removeprefix(_LEVEL_PREFIX).lower()
    known: tuple[Resolution, ...] = (*RESOLUTIONS, "ultra_high")
    return next((resolution for resolution in known if resolution == word), "")


def wire_resolution(resolution: Resolution) -> str:
    return _LEVEL_PREFIX + resolution.upper()


def media_tokens(facts: MediaFacts, weighing: Weighing) -> MediaTokens | None:
    """Tokens of a file; None if they cannot be told from what is known of it."""
    kind = kind_of(facts.mime_type)
    if kind == "picture":
        return _picture(facts, weighing)
    if kind == "PDF":
        return None if facts.pages is None else MediaTokens("page", facts.pages * _page(weighing))
    if facts.seconds is None:
        return None
    seconds = max(1, round(facts.seconds))
    if kind == "sound":
        return MediaTokens("sound", seconds * _sound(weighing))
    return MediaTokens("video", seconds * (_frame(weighing) + _sound(weighing))) if kind == "video" else None


def tile_tokens(width: int, height: int) -> int:
    """Tokens of a picture on Gemini 2.5: one tile up to 384 pixels a side, else 258 for each tile."""
    if width <= _SMALL and height <= _SMALL:
        return _TILE_2
    smallest, largest = _TILE_SIDES
    side = max(smallest, min(largest, int(min(width, height) / 1.5)))
    return -(-width // side) * -(-height // side) * _TILE_2


def _picture(facts: MediaFacts, weighing: Weighing) -> MediaTokens | None:
    if not weighing.is_old:
        return MediaTokens("picture", _PICTURE_3[weighing.resolution])
    if weighing.resolution in _PICTURE_2:
        return MediaTokens("picture", _PICTURE_2[weighing.resolution])
    if facts.width is None or facts.height is None:
        return None
    return MediaTokens("picture", tile_tokens(facts.width, facts.height))


def _page(weighing: Weighing) -> int:
    return _PAGE_2 if weighing.is_old else _PAGE_3[weighing.resolution]


def _frame(weighing: Weighing) -> int:
    return _FRAME_2.get(weighing.resolution, _FRAME_2[""]) if weighing.is_old else _FRAME_3[weighing.resolution]


def _sound(weighing: Weighing) -> int:
    return _SOUND_2 if weighing.is_old else _SOUND_3
