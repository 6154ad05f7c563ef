"""A model of implicit caching: which beginning of a prompt has been seen before.

Assumed, since the service documents only that hits need an exact shared prefix: the prompt is looked at in blocks of
2,048 characters; a hit covers the longest run of leading blocks that an earlier prompt of the same project and model
had; it counts only above the model's implicit minimum; and a setting says how often such a hit really happens.
"""

from hashlib import blake2b
from typing import Any

import orjson

from emulator.core.models import Model
from emulator.core.request_tokens import Counts
from emulator.core.text_tokens import text_tokens

BLOCK_CHARS = 2048  # characters
MAX_BLOCKS = 200_000  # remembered blocks; then everything is forgotten, as the service forgets


class ImplicitCache:
    """The leading blocks of the prompts of late."""

    def __init__(self) -> None:
        self._known_blocks: set[bytes] = set()

    def lookup(self, owner: str, model: Model, request: dict[str, Any], rate: float) -> Counts:
        """Cached tokens by modality for this prompt, {} for a miss; remembers the prompt."""
        prompt = _prompt_text(request)
        digest = blake2b(f"{owner} {model.id}".encode(), digest_size=12)
        hit_chars, keys = 0, []
        for start in range(0, len(prompt) - BLOCK_CHARS + 1, BLOCK_CHARS):
            digest.update(prompt[start : start + BLOCK_CHARS].encode("utf-8", "surrogatepass"))
            key = digest.copy().digest()
            if hit_chars == start and key in self._known_blocks:
                hit_chars = start + BLOCK_CHARS
            keys.append(key)
        roll = int.from_bytes(blake2b(prompt.encode("utf-8", "surrogatepass"), digest_size=4).digest()) % 10_000
        if len(self._known_blocks) > MAX_BLOCKS:
            self._known_blocks.clear()
        self._known_blocks.update(keys)
        tokens = text_tokens(prompt[:hit_chars])
        return {"TEXT": tokens} if tokens >= model.min_implicit and roll < rate * 10_000 else {}


def _prompt_text(request: dict[str, Any]) -> str:
    """The prompt in the order in which the service reads it."""
    parts = (request.get("systemInstruction") or {}).get("parts") or []
    parts = [*parts, *(p for c in request.get("contents") or () for p in c.get("parts") or ())]
    return "".join(p["text"] if "text" in p else orjson.dumps(p).decode() for p in parts)
