"""Image models answer with real picture files in the shapes of the service, or with the reason why not."""

import base64
from typing import Any

import pytest

from emulator.answers.pictures import render
from emulator.core.picture_size import picture_size
from tests.emulator_api import ApiClient, Json, contents

PRO, FLASH, OLD = "gemini-3-pro-image", "gemini-3.1-flash-image", "gemini-2.5-flash-image"


def draw(api: ApiClient, text: str = "Draw a lamp", model: str = FLASH, **config: Any) -> Json:
    answer: Json = api.post(f"models/{model}:generateContent", {"contents": contents(text), "generationConfig": config})
    return answer


def parts_of(answer: Json) -> list[Json]:
    parts: list[Json] = answer["candidates"][0]["content"]["parts"]
    return parts


def kinds(answer: Json) -> list[str]:
    return [
        ("draft " if part.get("thought") else "") + ("picture" if "inlineData" in part else "text")
        for part in parts_of(answer)
        if part.keys() != {"thoughtSignature"}
    ]


@pytest.mark.parametrize(
    ("model", "config", "size", "head"),
    [
        (FLASH, {}, (256, 256), b"\xff\xd8\xff"),
        (FLASH, {"aspectRatio": "16:9"}, (344, 192), b"\xff\xd8\xff"),
        (FLASH, {"aspectRatio": "16:9", "imageSize": "2K"}, (688, 384), b"\xff\xd8\xff"),
        (FLASH, {"aspectRatio": "1:8", "imageSize": "512"}, (48, 384), b"\xff\xd8\xff"),
        (OLD, {"aspectRatio": "3:4"}, (224, 300), b"\x89PNG"),
    ],
)
def test_a_picture_has_the_shape_that_was_asked_for(
    api: ApiClient, model: str, config: Json, size: tuple[int, int], head: bytes
) -> None:
    picture = parts_of(draw(api, model=model, imageConfig=config))[-1]["inlineData"]
    data = base64.b64decode(picture["data"])
    assert data.startswith(head) and picture["mimeType"] == ("image/png" if model == OLD else "image/jpeg")
    assert picture_size(data) == size


def test_pictures_and_texts_alternate_and_drafts_come_first(api: ApiClient) -> None:
    assert kinds(draw(api, "[[emulate: pictures:3]] Lamps")) == ["text", "picture"] * 3
    assert kinds(draw(api, "[[emulate: pictures:2]] Lamps", responseModalities=["IMAGE"])) == ["picture"] * 2
    drafts = {kinds(draw(api, f"Lamp {n}", PRO)).count("draft picture") for n in range(12)}
    assert drafts == {0, 1, 2}
    assert all(kinds(draw(api, f"Lamp {n}", PRO))[-2:] == ["text", "picture"] for n in range(6))


def test_only_the_picture_is_itemised(api: ApiClient) -> None:
    usage = draw(api, imageConfig={"imageSize": "2K"})["usageMetadata"]
    assert usage["candidatesTokensDetails"] == [{"modality": "IMAGE", "tokenCount": 1680}]
    assert 1680 + 300 < usage["candidatesTokenCount"] < 1680 + 450
    assert "thoughtSignature" in parts_of(draw(api))[-1]


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        ("no_image", "NO_IMAGE"),
        ("image_safety", "IMAGE_SAFETY"),
        ("image_prohibited_content", "IMAGE_PROHIBITED_CONTENT"),
        ("image_recitation", "IMAGE_RECITATION"),
        ("image_other", "IMAGE_OTHER"),
    ],
)
def test_a_refused_picture_says_why(api: ApiClient, outcome: str, reason: str) -> None:
    (candidate,) = draw(api, f"[[emulate: {outcome}]] Draw")["candidates"]
    assert (candidate["finishReason"], candidate["content"]) == (reason, {})


def test_a_text_may_come_in_the_place_of_a_picture(api: ApiClient) -> None:
    answer = draw(api, "[[emulate: text_only]] Draw")
    assert kinds(answer) == ["text"] and answer["candidates"][0]["finishReason"] == "STOP"
    assert "candidatesTokensDetails" not in answer["usageMetadata"]


@pytest.mark.parametrize(
    ("model", "config", "word"),
    [
        (PRO, {"aspectRatio": "1:8"}, "aspect_ratio"),
        (FLASH, {"aspectRatio": "5:6"}, "aspect_ratio"),
        (FLASH, {"imageSize": "2k"}, "image_size"),
        (OLD, {"imageSize": "2K"}, "image_size"),
    ],
)
def test_shapes_and_sizes_are_held_against_the_model(api: ApiClient, model: str, config: Json, word: str) -> None:
    body = {"contents": contents("x"), "generationConfig": {"imageConfig": config}}
    error = api.expect_error("POST", f"models/{model}:generateContent", body)
    assert error["code"] == 400 and word in error["message"]


def test_the_same_picture_is_the_same_file() -> None:
    assert render("1:1", "1K", "PNG", 3) == render("1:1", "1K", "PNG", 3) != render("1:1", "1K", "PNG", 4)
