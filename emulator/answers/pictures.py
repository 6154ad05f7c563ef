"""Pictures that image models answer with: small real files that say what they are, and the refusals in their place."""

import base64
import io
from functools import lru_cache
from typing import Any

from emulator.answers.stock_text import MARK
from emulator.core.models import Model

SCALE = 4  # a picture is so many times smaller than the real one, each way
_UNITS = {"512": 0.5, "1K": 1.0, "2K": 2.0, "4K": 4.0}
# Pixels at 1K: the guide to image generation, for 3.x; 16:9 as measured (seven calls, October 2026).
_PIXELS = {
    "1:1": (1024, 1024),
    "2:3": (848, 1264),
    "3:2": (1264, 848),
    "3:4": (896, 1200),
    "4:3": (1200, 896),
    "4:5": (928, 1152),
    "5:4": (1152, 928),
    "9:16": (768, 1376),
    "16:9": (1376, 768),
    "21:9": (1584, 672),
    "1:4": (512, 2048),
    "4:1": (2048, 512),
    "1:8": (384, 3072),
    "8:1": (3072, 384),
}
MANY_PARTS = 8  # pictures that one answer holds at most
_NOT_SHOWN = "Unable to show the generated image."
# What stands in the place of a picture: the reason, and the words for it where users quote some.
_REFUSALS = {
    "no_image": ("NO_IMAGE", ""),
    "image_safety": ("IMAGE_SAFETY", f"{_NOT_SHOWN} It was filtered out. Try rephrasing the prompt."),
    "image_prohibited_content": (
        "IMAGE_PROHIBITED_CONTENT",
        f"{_NOT_SHOWN} It was filtered out because it violated a policy on prohibited use.",
    ),
    "image_recitation": ("IMAGE_RECITATION", ""),
    "image_other": (
        "IMAGE_OTHER",
        f"{_NOT_SHOWN} The model could not generate the image based on the prompt provided. You will not be charged for"
        " this request. Try rephrasing the prompt.",
    ),
}
OUTCOMES = frozenset({*_REFUSALS, "text_only", "pictures"})


def refused_picture(outcome: str) -> dict[str, Any] | None:
    """The candidate of an answer that was to be a picture and is none; None for every other outcome.

    `content` without parts, and a message for some reasons only: as several users quote them (2026).
    """
    if outcome not in _REFUSALS:
        return None
    reason, message = _REFUSALS[outcome]
    return {"content": {}, "finishReason": reason, **({"finishMessage": message} if message else {})}


def picture_parts(config: dict[str, Any], model: Model, seed: int, count: int) -> list[dict[str, Any]]:
    """The parts of an answer with `count` pictures: each behind a text, if text may come, and drafts before all.

    The Pro image model shows up to two interim pictures as thoughts, the others none unless thoughts are asked for.
    """
    modalities = config.get("responseModalities") or ("TEXT", "IMAGE")
    thinks = (config.get("thinkingConfig") or {}).get("includeThoughts") or "pro-image" in model.id
    drafts = seed % 3 if thinks else 0
    parts = [{"thought": True, **_picture({**config, "imageConfig": {}}, model, seed + 90 + n)} for n in range(drafts)]
    for number in range(count):
        if "TEXT" in modalities:
            parts.append({"text": f"{MARK} A picture of nothing, number {number + 1}."})
        parts.append(_picture(config, model, seed + number))
    return parts


def _picture(config: dict[str, Any], model: Model, seed: int) -> dict[str, Any]:
    """One picture; JPEG, as measured on 3.x."""
    image = config.get("imageConfig") or {}
    size, ratio = image.get("imageSize") or "1K", image.get("aspectRatio") or "1:1"
    kind = "JPEG" if model.generation >= 3 else "PNG"
    data = render(ratio, size, kind, seed & 0xFF)
    return {"inlineData": {"mimeType": f"image/{kind.lower()}", "data": base64.b64encode(data).decode()}}


@lru_cache(64)
def render(ratio: str, size: str, kind: str, seed: int) -> bytes:
    """A picture file of a colour that depends on the seed, with words that say that it is simulated."""
    from PIL import Image, ImageDraw  # few rehearsals ask for pictures

    width, height = (max(1, round(side * _UNITS.get(size, 1.0) / SCALE)) for side in _PIXELS.get(ratio, (1024, 1024)))
    picture = Image.new("RGB", (width, height), (96 + seed * 7 % 128, 96 + seed * 29 % 128, 96 + seed * 53 % 128))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((2, 2, width - 3, height - 3), outline="white")
    for line, text in enumerate(("simulated", f"{ratio} {size}", f"no. {seed}")):
        draw.text((8, 8 + 14 * line), text, fill="white")
    file = io.BytesIO()
    picture.save(file, kind, quality=80)
    return file.getvalue()
