"""Keys are taken out of every text before it is shown, logged or stored. Pure."""

from __future__ import annotations

import re

_KEY_IN_TEXT = re.compile(r"(?i)\b(key|x-goog-api-key)(=|:\s*)[^\s&'\"]+|\bAIza[0-9A-Za-z_-]{20,}")


def redact(text: str, key: str = "") -> str:
    """Take the key, and anything that looks like one, out of a text."""
    if key:
        text = text.replace(key, "***")
    return _KEY_IN_TEXT.sub(lambda m: f"{m[1]}{m[2]}***" if m[1] else "***", text)
