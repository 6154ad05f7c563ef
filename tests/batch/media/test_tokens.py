"""Files have the tokens that Google documents for the model's family and the media resolution."""

from __future__ import annotations

import pytest

from batch.media.facts import MediaFacts
from batch.media.tokens import (
    MediaTokens,
    Resolution,
    Weighing,
    media_tokens,
    resolution_of,
    tile_tokens,
    wire_resolution,
)

PICTURE = MediaFacts("image/png", 1000, 4000, 3000)
DOCUMENT = MediaFacts("application/pdf", 1000, pages=10)
SOUND = MediaFacts("audio/flac", 1000, seconds=60.2)
FILM = MediaFacts("video/mp4", 1000, seconds=100)


@pytest.mark.parametrize(
    ("width", "height", "tiles"),
    [(1, 1, 1), (384, 384, 1), (385, 384, 4), (960, 540, 6), (1536, 1537, 6), (4000, 3000, 24), (9000, 10, 36)],
)
def test_a_picture_on_2_5_costs_258_tokens_a_tile(width: int, height: int, tiles: int) -> None:
    assert tile_tokens(width, height) == tiles * 258


@pytest.mark.parametrize(
    ("family", "resolution", "picture", "page", "film"),
    [
        ("3", "", 1120, 5600, 9500),
        ("3", "low", 280, 2800, 9500),
        ("3", "medium", 560, 5600, 9500),
        ("3", "high", 1120, 11200, 30500),
        ("3", "ultra_high", 2240, 11200, 30500),
        ("2.5", "", 24 * 258, 2580, 28800),
        ("2.5", "low", 64, 2580, 9600),
        ("2.5", "medium", 256, 2580, 28800),
        ("", "", 1120, 5600, 9500),
    ],
)
def test_pictures_pages_and_film_depend_on_family_and_resolution(
    family: str, resolution: Resolution, picture: int, page: int, film: int
) -> None:
    weighing = Weighing(family, resolution)
    assert media_tokens(PICTURE, weighing) == MediaTokens("picture", picture)
    assert media_tokens(DOCUMENT, weighing) == MediaTokens("page", page)
    assert media_tokens(FILM, weighing) == MediaTokens("video", film)


def test_sound_is_25_a_second_on_3_and_32_on_2_5() -> None:
    assert media_tokens(SOUND, Weighing("3")) == MediaTokens("sound", 1500)
    assert media_tokens(SOUND, Weighing("2.5")) == MediaTokens("sound", 1920)


@pytest.mark.parametrize(
    "facts",
    [
        MediaFacts("application/pdf", 10),
        MediaFacts("audio/aac", 10),
        MediaFacts("video/avi", 10),
        MediaFacts("application/zip", 10),
    ],
)
def test_what_is_not_known_of_a_file_is_not_guessed(facts: MediaFacts) -> None:
    assert media_tokens(facts, Weighing("3")) is None


def test_a_picture_of_unknown_size_has_known_tokens_only_where_size_does_not_matter() -> None:
    unknown = MediaFacts("image/heic", 10)
    assert media_tokens(unknown, Weighing("2.5")) is None
    assert media_tokens(unknown, Weighing("3")) == MediaTokens("picture", 1120)


def test_resolutions_are_spelled_as_the_wire_does() -> None:
    assert resolution_of("MEDIA_RESOLUTION_ULTRA_HIGH") == "ultra_high"
    assert resolution_of("media_resolution_low") == resolution_of("LOW") == "low"
    assert resolution_of(None) == resolution_of("MEDIA_RESOLUTION_UNSPECIFIED") == resolution_of(7) == ""
    assert wire_resolution("medium") == "MEDIA_RESOLUTION_MEDIUM"
