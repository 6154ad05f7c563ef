"""A scale weighs files where they are: in the request, or known by their URI."""

from __future__ import annotations

import base64
import io

from PIL import Image

from batch.media.facts import MediaFacts
from batch.media.scale import MediaScale, part_level
from batch.media.tokens import MediaTokens, Weighing

KNOWN = {"blob:1": MediaFacts("audio/mp3", 10, seconds=4), "blob:2": MediaFacts("image/png", 10, 9, 9)}


def picture() -> str:
    out = io.BytesIO()
    Image.new("RGB", (1000, 700)).save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


def test_files_are_weighed_by_what_is_known_of_them() -> None:
    scale = MediaScale(Weighing("3", "low"), KNOWN.get)
    assert scale.weigh_file("blob:1") == MediaTokens("sound", 100)
    assert scale.weigh_file("blob:2") == MediaTokens("picture", 280)
    assert scale.weigh_file("https://elsewhere/x.png") is None


def test_a_parts_own_resolution_wins_over_the_requests() -> None:
    scale = MediaScale(Weighing("3", "low"), KNOWN.get)
    assert scale.weigh_file("blob:2", "MEDIA_RESOLUTION_HIGH") == MediaTokens("picture", 1120)
    assert scale.weigh_inline("image/png", picture(), "MEDIA_RESOLUTION_MEDIUM") == MediaTokens("picture", 560)
    assert part_level({"mediaResolution": {"level": "MEDIA_RESOLUTION_LOW"}}) == "MEDIA_RESOLUTION_LOW"
    assert part_level({"media_resolution": "LOW"}) == "LOW"
    assert part_level({"text": "x"}) is None


def test_what_stands_in_the_request_is_weighed_by_its_header() -> None:
    assert MediaScale(Weighing("2.5")).weigh_inline("image/png", picture()) == MediaTokens("picture", 6 * 258)
    assert MediaScale(Weighing("2.5")).weigh_inline("image/png", "AAAA") is None
