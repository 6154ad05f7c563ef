"""Prompt tokens of a whole request, by modality."""

from collections.abc import Callable
from typing import Any

from emulator.core import media
from emulator.core.text_tokens import json_tokens, text_tokens

FileTokenLookup = Callable[
    [str, str], tuple[str, int]
]  # (uri, declared mime type) -> modality and tokens of a stored file
Counts = dict[str, int]  # modality -> tokens


def add_tokens(counts: Counts, modality: str, tokens: int) -> None:
    counts[modality] = counts.get(modality, 0) + tokens


def content_tokens(content: dict[str, Any], counts: Counts, lookup: FileTokenLookup) -> None:
    """Add one normalised Content to `counts`."""
    text = 1
    for part in content.get("parts", ()):
        if len(part) == 1 and "text" in part:
            text += text_tokens(part["text"])
        else:
            text += _non_text_part(part, counts, lookup)
    add_tokens(counts, "TEXT", text)


def _non_text_part(part: dict[str, Any], counts: Counts, lookup: FileTokenLookup) -> int:
    """Add the media of a part to `counts`; return its text tokens."""
    if "text" in part:
        return text_tokens(part["text"])
    if "inlineData" in part:
        blob = part["inlineData"]
        modality, tokens = media.base64_media_tokens(blob.get("mimeType", ""), blob.get("data", ""))
    elif "fileData" in part:
        modality, tokens = lookup(part["fileData"].get("fileUri", ""), part["fileData"].get("mimeType", ""))
    else:
        return json_tokens(part)
    if modality == "TEXT":
        return tokens
    add_tokens(counts, modality, tokens)
    return 0


def request_tokens(request: dict[str, Any], lookup: FileTokenLookup) -> Counts:
    """Prompt tokens of a normalised request by modality: system instruction, contents and tools; not its cache."""
    counts: Counts = {}
    if "systemInstruction" in request:
        content_tokens(request["systemInstruction"], counts, lookup)
    for content in request.get("contents", ()):
        content_tokens(content, counts, lookup)
    for tool in request.get("tools", ()):
        add_tokens(counts, "TEXT", json_tokens(tool))
    return counts


def modality_details(counts: Counts) -> list[dict[str, Any]]:
    """`promptTokensDetails` and its like."""
    return [{"modality": modality, "tokenCount": tokens} for modality, tokens in counts.items() if tokens]
