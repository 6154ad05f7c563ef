"""`@use_cache NAME`, alone on the first line of a prompt: how it is read, cut out and sent on.

NAME may stand in braces. Until it is resolved, just before submission, `cachedContent` holds a placeholder.
"""

from __future__ import annotations

import re

from msgspec import Raw
from msgspec.json import decode

from batch.requests.canonicalize import Findings, Members, encode, read_list, read_object

PLACEHOLDER = "@use_cache:"

_MARKER = re.compile(r"[ \t]*@use_cache(?:[ \t]+(?P<name>[^\r\n]*?))?[ \t]*(?:\r\n|\n|\r|\Z)")
_MARKER_START = "@ \t"


def match_marker(prompt: str) -> re.Match[str] | None:
    """The marker that a prompt begins with; what follows it is the prompt proper."""
    return _MARKER.match(prompt) if prompt[:1] in _MARKER_START else None


def cache_name(match: re.Match[str], findings: Findings) -> str:
    """The name in a marker."""
    name = (match["name"] or "").strip()
    if name.startswith("{") and name.endswith("}"):
        name = name[1:-1].strip()
    if not name or "{" in name or "}" in name:
        findings.add_fault("@use_cache does not name a cache.", 'Write "@use_cache NAME" alone on the first line.')
    return name


def cached_content_value(name: str) -> str:
    """What stands in `cachedContent` for a name."""
    return name if name.startswith("cachedContents/") else PLACEHOLDER + name


def extract_marker(request: Members, findings: Findings) -> tuple[str, str]:
    """The prompt of a request and the cache that it names; a marker is cut out, in place, and `cachedContent` set."""
    turns = read_list(request["contents"])
    last = read_object(turns[-1])
    parts = [read_object(part) for part in read_list(last["parts"])]
    texts = [n for n, part in enumerate(parts) if "text" in part and "thought" not in part]
    cache = ""
    if texts and (match := match_marker(text := decode(parts[texts[0]]["text"], type=str))):
        cache = cache_name(match, findings)
        rest = text[match.end() :]
        parts[texts[0]]["text"] = Raw(encode(rest))
        if not rest and len(parts) > 1:
            del parts[texts[0]]
            texts = [n - 1 for n in texts[1:]]
        last["parts"] = Raw(encode(parts))
        turns[-1] = Raw(encode(last))
        request["contents"] = Raw(encode(turns))
    prompt = "\n".join(t for n in texts if (t := decode(parts[n]["text"], type=str)))
    if (not prompt or prompt.isspace()) and len(texts) == len(parts):
        findings.add_fault(*empty_prompt_fault(bool(cache)))
    if cache and "cachedContent" in request:
        findings.add_fault("The request names a cache twice: by @use_cache and by cachedContent.", "Keep one of them.")
    elif cache:
        request["cachedContent"] = Raw(encode(cached_content_value(cache)))
    return prompt, cache


def empty_prompt_fault(after_marker: bool) -> tuple[str, str]:
    """Fault and remedy of a prompt without words."""
    if after_marker:
        return "There is no prompt after the line @use_cache.", "Write the prompt below it."
    return "The prompt is empty.", "Write a prompt, or leave the row out."
