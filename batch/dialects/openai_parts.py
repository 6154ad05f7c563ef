"""What OpenAI's messages hold, in both of its forms, as parts."""

from __future__ import annotations

from typing import Any

from batch.dialects.conversion import Conversion, Json
from batch.dialects.media_parts import address_part, inline_part, named_part

_TEXTS = ("text", "input_text", "output_text", "refusal", "summary_text")
_GIVE_CONTENT = "Give its content, as a data URL."


def read_parts(content: object, conversion: Conversion) -> list[Json]:
    """The parts of a message's content: a text, or a list of typed parts."""
    if isinstance(content, str):
        return [{"text": content}] if content else []
    if not isinstance(content, list):
        return []
    parts = [_read_part(part, conversion) for part in content if part]
    return [part for part in parts if part is not None]


def _read_part(given: object, conversion: Conversion) -> Json | None:
    if isinstance(given, str):
        return {"text": given}
    part: Json = given if isinstance(given, dict) else {}
    kind = str(part.get("type") or ("text" if "text" in part else ""))
    if kind in _TEXTS:
        text = str(part.get("text") or part.get("refusal") or "")
        return {"text": text} if text else None
    if kind in ("image_url", "input_image"):
        return _read_image(part, conversion)
    if kind == "input_audio":
        sound = _object(part.get("input_audio"))
        conversion.map("input_audio", "inlineData")
        return inline_part(f"audio/{str(sound.get('format') or 'wav').lower()}", str(sound.get("data") or ""))
    if kind in ("file", "input_file"):
        return _read_file(_object(part.get("file")) or part, conversion)
    conversion.refuse(f'parts of the type "{kind[:40]}"', "Leave them out, or give them as text.")
    return None


def _read_image(part: Json, conversion: Conversion) -> Json | None:
    given: Any = part.get("image_url")
    address = given.get("url") if isinstance(given, dict) else given
    detail = (given.get("detail") if isinstance(given, dict) else None) or part.get("detail")
    if detail not in (None, "auto"):
        conversion.leave_out("detail of images")
    if not isinstance(address, str) or not address:
        conversion.refuse("images that are stored at OpenAI (file_id)", _GIVE_CONTENT)
        return None
    return address_part(address, "images", conversion)


def _read_file(file: Json, conversion: Conversion) -> Json | None:
    data, address = file.get("file_data"), file.get("file_url")
    if isinstance(data, str) and data:
        return named_part(data, str(file.get("filename") or ""), "files", conversion)
    if isinstance(address, str) and address:
        return address_part(address, "files", conversion)
    conversion.refuse("files that are stored at OpenAI (file_id)", _GIVE_CONTENT)
    return None


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}
