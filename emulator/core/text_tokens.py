"""Token counts that depend on the text and its script. Plausible, deterministic, and not Gemini's tokenizer.

The rule, per run of one script: Latin letters cost a token for every six begun, Cyrillic and Greek for every four,
Arabic, Hebrew, Thai and Indic scripts for every three, Chinese and Japanese for every two, Korean for every one; a
digit, a punctuation mark, a symbol and a run of line breaks cost one each; each content costs one more. So "The quick
brown fox jumps over the lazy dog." is 11, as was recorded on gemini-2.5-flash.
"""

import re
from functools import lru_cache
from typing import Any

import orjson

_TOKENS = re.compile(
    r"[A-Za-z]{1,6}|[\u00c0-\u024f\u1e00-\u1eff]{1,3}|\d|\n+|[\u0370-\u052f]{1,4}"
    r"|[\uac00-\ud7af\u1100-\u11ff]|[\u3040-\u30ff\u3400-\u9fff]{1,2}"
    r"|[\u0590-\u10ff\u1200-\u1dff]{1,3}|[^\s]"
)
_token_counts: dict[tuple[int, int], int] = {}


def text_tokens(text: str) -> int:
    """Tokens of a plain text, without the one that its content adds. Long texts are counted once, by hash."""
    if len(text) <= 4000:
        return len(_TOKENS.findall(text))
    cache_key = (hash(text), len(text))
    if cache_key not in _token_counts:
        if len(_token_counts) >= 4096:
            _token_counts.clear()
        _token_counts[cache_key] = len(_TOKENS.findall(text))
    return _token_counts[cache_key]


@lru_cache(maxsize=4096)
def memoized_text_tokens(text: str) -> int:
    """As `text_tokens`, for simulated answers, of which many are alike."""
    return text_tokens(text)


def truncate(text: str, tokens: int) -> str:
    """The beginning of a text that has so many tokens."""
    for index, piece in enumerate(_TOKENS.finditer(text)):
        if index == tokens:
            return text[: piece.start()]
    return text


def json_tokens(value: Any) -> int:
    """Tokens of something structured (a tool, a function call), counted by its JSON text."""
    return text_tokens(orjson.dumps(value).decode())
