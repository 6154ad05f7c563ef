"""A request as caching sees it: a root, then parts one after the other. Decoded raw, spelled canonically, measured.

The *root* is what a cache must hold whole (system instruction, tools, tool config). The *parts* of all contents
follow in order. A *prefix* is the root and some first parts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from batch.media.scale import MediaScale
from batch.tokens import byte_weights, text_tokens

Measure = Callable[[bytes], float]
"""Tokens of one part (or a list of tools), given as its JSON; NaN if nothing is known of it (a file by its URI)."""
Field = Raw | UnsetType

TEXT, SPACE = b'{"text":', 0x20
ESCAPE_SCAN_BYTES = 512
"""Escapes of printable characters are looked for in so many first bytes of a text; all of it would cost a pass."""


class RawContent(Struct, gc=False):
    """One turn; without a role it is a user's. Parts stay as they were written."""

    parts: list[Raw]
    role: str | None = None


class RequestHeader(Struct, gc=False, kw_only=True):
    """What decides about caching in a GenerateContentRequest (REST, camelCase), besides its contents."""

    systemInstruction: Field = UNSET
    tools: Field = UNSET
    toolConfig: Field = UNSET
    cachedContent: str | UnsetType | None = UNSET
    generationConfig: Field = UNSET
    safetySettings: Field = UNSET

    @property
    def header(self) -> tuple[Field, Field, Field]:
        return self.systemInstruction, self.tools, self.toolConfig


class RawRequest(RequestHeader, gc=False, kw_only=True):
    """A request whose parts stay as they were written."""

    contents: list[RawContent]


class RawLine(Struct, gc=False):
    """A line of the normalised JSONL: `{"key": …, "request": …}`."""

    request: RawRequest


class EmbeddingRequest(Struct, gc=False):
    """A request of embedContent: one content, nothing that could be cached."""

    content: RawContent


class EmbeddingLine(Struct, gc=False):
    """The line of a request of embedContent."""

    request: EmbeddingRequest


_has_needless_escape = re.compile(rb"\\[u/]").search
decode_line = msgspec.json.Decoder(RawLine).decode
decode_embedding_line = msgspec.json.Decoder(EmbeddingLine).decode


_member_names = msgspec.json.Decoder(dict[str, Raw]).decode


def exchange_turns(turns: Iterable[Iterable[Collection[str]]]) -> Iterator[bool]:
    """Say of each turn, given as the names of its parts' members, whether a cut before or in it parts a tool exchange.

    A call belongs to the responses in the next turn, and these to each other: Google refuses a request whose cache
    ends between them, every time, and the cache was paid for by then.
    """
    called = False
    for parts in turns:
        names = [name for part in parts for name in ("functionCall", "functionResponse") if name in part]
        yield called or "functionResponse" in names
        called = "functionCall" in names


def raw_exchange_turns(contents: Iterable[RawContent], last_part: bytes) -> Iterator[bool]:
    """`exchange_turns` of turns whose very last part was taken off."""
    turns = [list(map(_member_names, content.parts)) for content in contents]
    turns[-1].append(_member_names(last_part))
    return exchange_turns(turns)


def canonical_json(raw: bytes | Raw) -> bytes:
    """The same JSON value in one spelling: no white space, sorted keys, no needless escapes."""
    try:
        return msgspec.json.encode(msgspec.json.decode(raw), order="deterministic")
    except msgspec.DecodeError:  # a lone surrogate: JSON that no UTF-8 can hold
        return bytes(raw)


def canonical_part(part: bytes) -> bytes:
    """A part in one spelling. Plain texts are recognised by their bytes and hardly cost anything."""
    if part.startswith(TEXT):
        if part[8] == SPACE:
            part = TEXT + part[9:]
        if part[8] == 0x22 and part.endswith(b'"}') and not is_escaped(part) and part.find(b'"', 9, -2) < 0:
            return part
    return canonical_json(part)


class DefaultMeasure:
    """Estimates tokens by `batch.tokens`; `scale` weighs the files that requests hold or name.

    `sizes` are the tokens of parts that were counted, by their canonical JSON: files that only the service knows.
    `margin` is half the 95 % interval of what was estimated so far, as a share of it.
    """

    def __init__(self, scale: MediaScale | None = None, sizes: Mapping[bytes, int] | None = None) -> None:
        self._scale, self._sizes = scale, sizes or {}
        self._tokens = self._unfamiliar = 0.0

    def __call__(self, part: bytes) -> float:
        text = _text_bytes(part)
        return self._measure_other(part) if text is None else self.many([part])[0]

    def many(self, parts: Sequence[bytes]) -> list[float]:
        """Measure each of some parts, at less cost than one by one."""
        texts = list(map(_text_bytes, parts))
        weights = byte_weights.weigh_many([text for text in texts if text is not None])
        self._tokens += float(weights.tokens.sum())
        self._unfamiliar += float(weights.unfamiliar.sum())
        tokens = iter(weights.tokens.tolist())
        return [
            self._measure_other(part) if text is None else _whole_tokens(next(tokens), text)
            for part, text in zip(parts, texts, strict=True)
        ]

    @property
    def margin(self) -> float:
        return text_tokens.margin(self._tokens, self._unfamiliar)

    def _measure_other(self, part: bytes) -> float:
        if self._sizes and (size := self._sizes.get(canonical_json(part))) is not None:
            return float(size)
        value = msgspec.json.decode(part)
        request = {"tools": value} if isinstance(value, list) else {"contents": [{"parts": [value]}]}
        estimate = text_tokens.estimate_request(request, scale=self._scale)
        return math.nan if estimate.unknown else float(estimate.total)


def _text_bytes(part: bytes) -> bytes | None:
    """What a part says that is only a text; None for others. What is no JSON is taken for a text."""
    if part.startswith(b'{"text":"') and b"\\" not in part and part.count(b'"') == 4:
        return part[9:-2]
    try:
        value = msgspec.json.decode(part)
    except msgspec.DecodeError:
        return part
    if isinstance(value, dict) and len(value) == 1 and isinstance(text := value.get("text"), str):
        return text.encode("utf-8", "surrogatepass")
    return None


def _whole_tokens(tokens: float, text: bytes) -> float:
    return float(max(1, round(tokens))) if text else 0.0


def default_measure(scale: MediaScale | None = None, sizes: Mapping[bytes, int] | None = None) -> DefaultMeasure:
    """Estimate tokens by `batch.tokens`; `scale` weighs the files that requests hold or name, `sizes` were counted."""
    return DefaultMeasure(scale, sizes)


def header_parts(request: RequestHeader) -> list[bytes]:
    """The parts of the root as JSON: those of the system instruction, then tools and tool config as they are."""
    parts = [bytes(field) for field in (request.tools, request.toolConfig) if field is not UNSET]
    if request.systemInstruction is UNSET:
        return parts
    instruction: Any = msgspec.json.decode(request.systemInstruction)
    instruction_parts = instruction.get("parts") if isinstance(instruction, dict) else None
    return [
        msgspec.json.encode(part)
        for part in (instruction_parts if isinstance(instruction_parts, list) else [instruction])
    ] + parts


def part_json(part: Mapping[str, Raw]) -> bytes:
    """A part as it was written, without the white space between its members."""
    return b"{%b}" % b",".join(b"%b:%b" % (msgspec.json.encode(key), bytes(value)) for key, value in part.items())


def canonical_string(text: Raw | bytes) -> bytes:
    """A JSON string, quotes included, in one spelling if it begins with needless escapes."""
    token = bytes(text)
    return canonical_json(token) if is_escaped(token) else token


def may_have_escapes(text: bytes) -> bool:
    """Whether some text in there may be spelled otherwise than canonically."""
    return _has_needless_escape(text) is not None


def is_escaped(text: bytes) -> bool:
    """Whether a text or a part begins with escapes that JSON does not need."""
    return _has_needless_escape(text, 0, ESCAPE_SCAN_BYTES) is not None
