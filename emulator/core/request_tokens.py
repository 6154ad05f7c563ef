"""Prompt tokens of a whole request, by modality."""

from collections.abc import Callable
from typing import Any

from emulator.core import media
from emulator.core.text_tokens import json_tokens, text_tokens

Lookup = Callable[[str, str], tuple[str, int]]  # (uri, declared mime type) -> modality and tokens of a stored file
Counts = dict[str, int]  # modality -> tokens


def add(counts: Counts, modality: str, tokens: int) -> None:
    counts[modality] = counts.get(modality, 0) + tokens


def content_tokens(content: dict[str, Any], counts: Counts, lookup: Lookup) -> None:
    """Add one normalised Content to `counts`."""
    text = 1
    for part in content.get("parts", ()):
        if len(part) == 1 and "text" in part:
            text += text_tokens(part["text"])
        else:
            text += _other_part(part, counts, lookup)
    add(counts, "TEXT", text)


def _other_part(part: dict[str, Any], counts: Counts, lookup: Lookup) -> int:
    """Add the media of a part to `counts`; return its text tokens."""
    if "text" in part:
        return text_tokens(part["text"])
    if "inlineData" in part:
        blob = part["inlineData"]
        modality, tokens = media.weigh_base64(blob.get("mimeType", ""), blob.get("data", ""))
    elif "fileData" in part:
        modality, tokens = lookup(part["fileData"].get("fileUri", ""), part["fileData"].get("mimeType", ""))
    else:
        return json_tokens(part)
    if modality == "TEXT":
        return tokens
    add(counts, modality, tokens)
    return 0


def request_tokens(request: dict[str, Any], lookup: Lookup) -> Counts:
    """Prompt tokens of a normalised request by modality: system instruction, contents and tools; not its cache."""
    counts: Counts = {}
    if "systemInstruction" in request:
        content_tokens(request["systemInstruction"], counts, lookup)
    for content in request.get("contents", ()):
        content_tokens(content, counts, lookup)
    for tool in request.get("tools", ()):
        add(counts, "TEXT", json_tokens(tool))
    return counts


def details(counts: Counts) -> list[dict[str, Any]]:
    """`promptTokensDetails` and its like."""
    return [{"modality": modality, "tokenCount": tokens} for modality, tokens in counts.items() if tokens]
