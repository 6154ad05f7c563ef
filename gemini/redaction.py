"""Keys are taken out of every text before it is shown, logged or stored. Pure."""

from __future__ import annotations

import re

_NAMES = r"(?:x[-_]goog[-_])?api[-_]?key|key|access[-_]?token|refresh[-_]?token|authorization"
_NAMED = rf"\b({_NAMES})(['\"]?\s*[=:]\s*['\"]?(?:(?:bearer|basic)\s+)?|%3D)[^\s&,;'\"<>]+"
_KEY_IN_TEXT = re.compile(rf"(?i){_NAMED}|\b(bearer)(\s+)[^\s,;'\"<>]{{8,}}|(?-i:AIza|(?<![A-Za-z])AQ\.)[\w-]{{20,}}")


def redact(text: str, key: str = "") -> str:
    """Take the key, and anything that looks like one, out of a text."""
    if key:
        text = text.replace(key, "***")
    return _KEY_IN_TEXT.sub(lambda m: f"{m[1] or m[3] or ''}{m[2] or m[4] or ''}***", text)
