"""Prompt tokens of a whole request, by modality."""

from collections.abc import Callable
from typing import Any

from emulator.core import media
from emulator.core.models import Model
from emulator.core.text_tokens import json_tokens, text_tokens

FileTokenLookup = Callable[
    [str, str, Model, str], tuple[str, int]
]  # (uri, declared mime type, model, resolution) -> modality and tokens of a stored file
Counts = dict[str, int]  # modality -> tokens


def add_tokens(counts: Counts, modality: str, tokens: int) -> None:
    counts[modality] = counts.get(modality, 0) + tokens


class PromptCounter:
    """Counts prompt tokens as one model does. `lookup` weighs what a part points to."""

    def __init__(self, model: Model, lookup: FileTokenLookup, resolution: str = "") -> None:
        self.counts: Counts = {}
        self._model = model
        self._lookup = lookup
        self._resolution = resolution

    def add_content(self, content: dict[str, Any]) -> None:
        """Add one normalised Content."""
        text = 1
        for part in content.get("parts", ()):
            if len(part) == 1 and "text" in part:
                text += text_tokens(part["text"])
            else:
                text += self._add_part(part)
        add_tokens(self.counts, "TEXT", text)

    def _add_part(self, part: dict[str, Any]) -> int:
        """Add the media of a part; return its text tokens."""
        if "text" in part:
            return text_tokens(part["text"])
        resolution = _resolution(part.get("mediaResolution", {}).get("level")) or self._resolution
        if "inlineData" in part:
            blob = part["inlineData"]
            mime, data = blob.get("mimeType", ""), blob.get("data", "")
            modality, tokens = media.base64_media_tokens(mime, data, self._model, resolution)
        elif "fileData" in part:
            file = part["fileData"]
            modality, tokens = self._lookup(file.get("fileUri", ""), file.get("mimeType", ""), self._model, resolution)
        else:
            return json_tokens({name: value for name, value in part.items() if name != "thoughtSignature"})
        if modality == "TEXT":
            return tokens
        add_tokens(self.counts, modality, tokens)
        return 0


def request_tokens(request: dict[str, Any], model: Model, lookup: FileTokenLookup) -> Counts:
    """Prompt tokens of a normalised request by modality: system instruction, contents and tools; not its cache."""
    config = request.get("generationConfig") or {}
    counter = PromptCounter(model, lookup, _resolution(config.get("mediaResolution")))
    if "systemInstruction" in request:
        counter.add_content(request["systemInstruction"])
    for content in request.get("contents", ()):
        counter.add_content(content)
    for tool in request.get("tools", ()):
        add_tokens(counter.counts, "TEXT", json_tokens(tool))
    return counter.counts


def _resolution(level: Any) -> str:
    """LOW to ULTRA_HIGH; "" where nothing is said."""
    return str(level or "").removeprefix("MEDIA_RESOLUTION_").replace("UNSPECIFIED", "")


def modality_details(counts: Counts) -> list[dict[str, Any]]:
    """`promptTokensDetails` and its like."""
    return [{"modality": modality, "tokenCount": tokens} for modality, tokens in counts.items() if tokens]
