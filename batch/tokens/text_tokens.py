"""How many tokens a text or a request has, estimated without a call. Pure, and fast enough for millions of rows.

A text's bytes are weighed by script: for UTF-8 the first byte of a character says what it is. The weights reproduce
characters per token that were measured on lines in each script with the Gemma 3 tokenizer (English prose 4.2, code
3.6, Russian 4.3, Arabic and Persian 3.1 to 3.5, Greek 2.8, Japanese 2.3, Korean 2.0, Chinese 1.6 to 1.8); scripts
that were not measured are assumptions. One text is typically within 10 % and in 95 of 100 cases within 28 % of the
truth; `batch.pricing.sampling` turns estimates into a total with an interval.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from batch.media.headers import decode_base64
from batch.media.scale import MediaScale, part_level
from batch.media.tokens import MediaTokens

Json = Mapping[str, Any]

DIGITS = b"0123456789"
PUNCTUATION = b"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
LETTER, DIGIT, MARK = 1 / 4.6, 1.0, 1 / 2.0
_SLICE = 1 << 20

# Tokens for each character that begins with a byte of this range. Where a script puts spaces between words, the
# weight is that of its letters, so that text with its spaces comes out as measured.
_BY_FIRST_BYTE = (
    (0xC2, 0xC2, 0.7),  # signs: § ° « »
    (0xC3, 0xCB, 0.5),  # accented Latin letters
    (0xCC, 0xCD, 0.6),  # combining marks
    (0xCE, 0xCF, 1 / 2.62),  # Greek
    (0xD0, 0xD3, 1 / 4.25),  # Cyrillic
    (0xD4, 0xD7, 1 / 2.5),  # Armenian, Hebrew: assumed
    (0xD8, 0xDB, 1 / 3.12),  # Arabic, Persian
    (0xDC, 0xE1, 1 / 2.5),  # Indic, Thai, Georgian and others: assumed
    (0xE2, 0xE2, 1.0),  # quotation marks, dashes, symbols
    (0xE3, 0xE3, 1 / 3.23),  # Kana; with Kanji between them Japanese comes to 2.3
    (0xE4, 0xE9, 1 / 1.7),  # Chinese characters
    (0xEA, 0xED, 1 / 1.75),  # Hangul
    (0xEE, 0xEF, 0.7),  # full-width forms
    (0xF0, 0xF4, 1.0),  # emoji and rare characters
)


def _weights() -> np.ndarray[Any, np.dtype[np.float64]]:
    table = np.zeros(256)
    table[:128] = LETTER
    table[list(DIGITS)] = DIGIT
    table[list(PUNCTUATION)] = MARK
    for first, last, weight in _BY_FIRST_BYTE:
        table[first : last + 1] = weight
    return table


_WEIGHTS = _weights()


class PromptPart(NamedTuple):
    """A piece of a request: `slot` says where it stands ("system", "tools", "user/last", "user/mid", "model/mid")."""

    slot: str
    part: Json


@dataclass(frozen=True)
class TokenEstimate:
    """Tokens of one request's prompt by kind. `cached` are those of the cached content it names, if known.

    `video` is frames and sound together. `unknown` counts what nothing is known of (files named by URI, unreadable
    media): the total is then a lower bound.
    """

    text: int = 0
    image: int = 0
    document: int = 0
    audio: int = 0
    video: int = 0
    cached: int = 0
    unknown: int = 0

    @property
    def total(self) -> int:
        """All known tokens of the prompt, those in the cache included."""
        return self.text + self.media + self.cached

    @property
    def media(self) -> int:
        return self.image + self.document + self.audio + self.video

    def __add__(self, other: TokenEstimate) -> TokenEstimate:
        return TokenEstimate(
            self.text + other.text,
            self.image + other.image,
            self.document + other.document,
            self.audio + other.audio,
            self.video + other.video,
            self.cached + other.cached,
            self.unknown + other.unknown,
        )


def estimate_text(text: str) -> int:
    """Estimated tokens of a text; 0 only for no text."""
    return estimate_utf8(text.encode("utf-8", "surrogatepass"))


def estimate_utf8(data: bytes) -> int:
    """Estimated tokens of UTF-8 bytes; what is not UTF-8 gets some figure, never an error."""
    if not data:
        return 0
    tokens = _ascii_weight(data) if data.isascii() else sum(_slice_weights(data))
    return max(1, round(tokens))


def estimate_request(
    request: Json, known_tokens: Mapping[str, int] | None = None, scale: MediaScale | None = None
) -> TokenEstimate:
    """Estimated tokens of a GenerateContentRequest's prompt, in camelCase or snake_case.

    `known_tokens` has the tokens of files (by URI) and of cached contents (by name), `scale` weighs media. Odd shapes
    count as what they hold, never as an error: validation is elsewhere.
    """
    token_counts, scale = known_tokens or {}, scale or MediaScale()
    total = sum((_estimate_part(found.part, token_counts, scale) for found in prompt_parts(request)), TokenEstimate())
    name = request.get("cachedContent", request.get("cached_content"))
    if not name:
        return total
    return total + (TokenEstimate(cached=token_counts[name]) if name in token_counts else TokenEstimate(unknown=1))


def prompt_parts(request: Json) -> Iterator[PromptPart]:
    """Every part of a request's prompt with its slot, tools as one part each."""
    for part in _list(_dict(request.get("systemInstruction", request.get("system_instruction"))).get("parts")):
        yield PromptPart("system", _dict(part))
    for tool in _list(request.get("tools")):
        yield PromptPart("tools", {"tool": tool})
    contents = _list(request.get("contents"))
    for position, content in enumerate(contents, start=1):
        role = _dict(content).get("role") or "user"
        slot = f"{role}/{'last' if position == len(contents) else 'mid'}"
        for part in _list(_dict(content).get("parts")):
            yield PromptPart(slot, _dict(part))


def _estimate_part(part: Json, token_counts: Mapping[str, int], scale: MediaScale) -> TokenEstimate:
    text = part.get("text")
    if isinstance(text, str):
        return TokenEstimate(text=estimate_text(text))
    if blob := _dict(part.get("inlineData", part.get("inline_data"))):
        return _estimate_blob(str(blob.get("mimeType", blob.get("mime_type", ""))), blob.get("data"), part, scale)
    if file := _dict(part.get("fileData", part.get("file_data"))):
        uri = str(file.get("fileUri", file.get("file_uri")))
        if uri in token_counts:
            return TokenEstimate(document=token_counts[uri])
        return _of_media(scale.weigh_file(uri, part_level(part)))
    return (
        TokenEstimate(text=estimate_text(json.dumps(part, ensure_ascii=False, default=str)))
        if part
        else TokenEstimate()
    )


def _estimate_blob(mime_type: str, data: object, part: Json, scale: MediaScale) -> TokenEstimate:
    """Inline data, by the rules that Google documents for its kind."""
    if not isinstance(data, str) or not data:
        return TokenEstimate(unknown=1)
    if mime_type.startswith("text/") or mime_type == "application/json":
        return TokenEstimate(text=estimate_utf8(decode_base64(data)))
    return _of_media(scale.weigh_inline(mime_type, data, part_level(part)))


_FIELDS = {"picture": "image", "page": "document", "sound": "audio", "video": "video"}


def _of_media(weight: MediaTokens | None) -> TokenEstimate:
    return TokenEstimate(unknown=1) if weight is None else TokenEstimate(**{_FIELDS[weight.kind]: weight.tokens})


def _ascii_weight(data: bytes) -> float:
    """The weighted sum for ASCII, by deletion: several times faster than a histogram on short texts."""
    digits = len(data) - len(data.translate(None, DIGITS))
    symbols = len(data) - len(data.translate(None, PUNCTUATION))
    return (len(data) - digits - symbols) * LETTER + digits * DIGIT + symbols * MARK


def _slice_weights(data: bytes) -> Iterator[float]:
    """The weighted sum by histogram, a slice at a time: bincount needs eight bytes for each."""
    view = np.frombuffer(data, np.uint8)
    for start in range(0, len(view), _SLICE):
        yield float(np.bincount(view[start : start + _SLICE], minlength=256) @ _WEIGHTS)


def _dict(raw: object) -> Json:
    return raw if isinstance(raw, Mapping) else {}


def _list(raw: object) -> list[Any]:
    return raw if isinstance(raw, list) else [] if raw is None else [raw]
