"""A result line as it comes: fields, parts by kind, usage, and what strict parsers refuse of it. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from batch.model import Usage

_ABSENT = msgspec.Raw()


class Part(msgspec.Struct, gc=False, rename="camel"):
    text: str | None = None
    thought: bool | None = False
    function_call: msgspec.Raw = _ABSENT
    inline_data: msgspec.Raw = _ABSENT
    file_data: msgspec.Raw = _ABSENT
    executable_code: msgspec.Raw = _ABSENT
    code_execution_result: msgspec.Raw = _ABSENT


class Content(msgspec.Struct, gc=False):
    parts: list[Part] | None = None


class Candidate(msgspec.Struct, gc=False, rename="camel"):
    content: Content | None = None
    finish_reason: str | None = None
    finish_message: str | None = None
    grounding_metadata: msgspec.Raw = _ABSENT


class Feedback(msgspec.Struct, gc=False, rename="camel"):
    block_reason: str | None = None
    block_reason_message: str | None = None


class Counts(msgspec.Struct, gc=False):
    prompt: int | None = msgspec.field(name="promptTokenCount", default=None)
    cached: int | None = msgspec.field(name="cachedContentTokenCount", default=None)
    candidates: int | None = msgspec.field(name="candidatesTokenCount", default=None)
    thoughts: int | None = msgspec.field(name="thoughtsTokenCount", default=None)
    tool: int | None = msgspec.field(name="toolUsePromptTokenCount", default=None)
    total: int | None = msgspec.field(name="totalTokenCount", default=None)
    prompt_details: msgspec.Raw = msgspec.field(name="promptTokensDetails", default=_ABSENT)
    cached_details: msgspec.Raw = msgspec.field(name="cacheTokensDetails", default=_ABSENT)
    candidates_details: msgspec.Raw = msgspec.field(name="candidatesTokensDetails", default=_ABSENT)

    @property
    def told(self) -> bool:
        """Whether there is any count: an empty `usageMetadata` tells nothing, which is not zero."""
        return not (self.prompt is self.cached is self.candidates is self.thoughts is self.tool is self.total is None)


class _Modality(msgspec.Struct, gc=False):
    modality: str = ""
    tokens: int = msgspec.field(name="tokenCount", default=0)


class _Blob(msgspec.Struct, gc=False, rename="camel"):
    mime_type: str | None = None


class _WebChunk(msgspec.Struct, gc=False):
    web: msgspec.Raw = _ABSENT


class _Grounding(msgspec.Struct, gc=False, rename="camel"):
    web_search_queries: list[str] | None = None
    grounding_chunks: list[_WebChunk] | None = None


class _Embedding(msgspec.Struct, gc=False):
    values: msgspec.Raw = _ABSENT


class Response(msgspec.Struct, gc=False, rename="camel"):
    candidates: list[Candidate] | None = None
    prompt_feedback: Feedback | None = None
    usage_metadata: Counts | None = None
    embedding: _Embedding | None = None
    token_count: int | None = None


class ResultLine(msgspec.Struct, gc=False):
    key: Any = None
    metadata: Any = None
    response: Response | None = None
    error: Any = None
    status: Any = None


# Lax, because int64 is written as a string in JSON (embeddings' tokenCount is).
decode_line = msgspec.json.Decoder(ResultLine, strict=False).decode
decode_any = msgspec.json.Decoder().decode
decode_response = msgspec.json.Decoder(Response | None, strict=False).decode
_decode_modalities = msgspec.json.Decoder(list[_Modality], strict=False).decode
_decode_blob = msgspec.json.Decoder(_Blob).decode
_decode_grounding = msgspec.json.Decoder(_Grounding).decode


class CandidateContents(NamedTuple):
    """A candidate's parts by kind. Parts of thoughts, and parts that hold a signature alone, are no answer."""

    text: str = ""
    thoughts: str = ""
    calls: tuple[bytes, ...] = ()
    code: tuple[bytes, ...] = ()
    images: int = 0
    media: bool = False


def contents_of(candidate: Candidate) -> CandidateContents:
    parts = candidate.content.parts if candidate.content else None
    answer = [part for part in parts or () if not part.thought]
    return CandidateContents(
        text="".join([part.text for part in answer if part.text]),
        thoughts="".join([part.text for part in parts or () if part.text and part.thought]),
        calls=tuple(bytes(part.function_call) for part in answer if has_value(part.function_call)),
        code=tuple(_code(answer)),
        images=sum(_is_image(part.inline_data) or _is_image(part.file_data) for part in answer),
        media=any(
            has_value(part.inline_data, part.file_data, part.executable_code, part.code_execution_result)
            for part in answer
        ),
    )


def _code(parts: list[Part]) -> Iterator[bytes]:
    """Code that the model ran and what came of it, each under the name of its field."""
    for part in parts:
        for name, field in (
            (b"executableCode", part.executable_code),
            (b"codeExecutionResult", part.code_execution_result),
        ):
            if has_value(field):
                yield b'{"' + name + b'":' + bytes(field) + b"}"


def _is_image(blob: msgspec.Raw) -> bool:
    if not has_value(blob):
        return False
    try:
        return (_decode_blob(blob).mime_type or "").startswith("image/")
    except msgspec.DecodeError:
        return False


def json_list(items: tuple[bytes, ...]) -> str:
    """Parts as received, as a JSON list that every reader takes; "" for none."""
    if not items:
        return ""
    text = b"[" + b",".join(items) + b"]"
    try:
        return json.dumps(parse_lenient(text), ensure_ascii=False, separators=(",", ":"))
    except (ValueError, RecursionError):
        return text.decode("utf-8", "replace")


def has_value(*fields: msgspec.Raw) -> bool:
    return any(bytes(field) not in (b"", b"null") for field in fields)


MAX_TOKENS = 10**12  # of one row; what claims more, or less than none, tells nothing


def usage_of(response: Response) -> Usage | None:
    """What a response used; None where it does not tell, or tells what cannot be."""
    counts = response.usage_metadata
    if counts is None or not counts.told:
        return Usage(response.token_count) if response.token_count and 0 < response.token_count <= MAX_TOKENS else None
    parts = (counts.prompt or 0, counts.cached or 0, counts.candidates or 0, counts.thoughts or 0, counts.tool or 0)
    total = counts.total or 0
    if min(*parts, total) < 0 or max(*parts, total) > MAX_TOKENS:
        return None
    prompt, cached, candidates, thoughts, tool = parts
    audio = min(_modality_tokens(counts.prompt_details, "AUDIO"), prompt)
    told_cached_audio = min(_modality_tokens(counts.cached_details, "AUDIO"), audio, cached)
    cached_audio = max(told_cached_audio, audio + min(cached, prompt) - prompt)  # what is not fresh was cached
    image = min(_image_tokens(response, counts), candidates)
    unitemised = max(0, total - prompt - candidates - thoughts - tool)
    searches = _search_queries(response)
    return Usage(*parts, audio, cached_audio, image, unitemised, searches, min(searches, 1))


def _modality_tokens(details: msgspec.Raw, modality: str) -> int:
    """The tokens of one modality in a list of details; 0 where there is none, or in no form we know."""
    if modality.encode() not in bytes(details):
        return 0
    try:
        return max(0, sum(one.tokens for one in _decode_modalities(details) if one.modality == modality))
    except msgspec.DecodeError:
        return 0


def _image_tokens(response: Response, counts: Counts) -> int:
    """Output tokens that are pictures; all of them where a picture came and nothing tells the kinds apart."""
    if has_value(counts.candidates_details):
        return _modality_tokens(counts.candidates_details, "IMAGE")
    pictures = any(contents_of(candidate).images for candidate in response.candidates or ())
    return counts.candidates or 0 if pictures else 0


def _search_queries(response: Response) -> int:
    """Distinct web searches behind a response; one where only what was found is told."""
    queries: set[str] = set()
    found = False
    for candidate in response.candidates or ():
        if not has_value(candidate.grounding_metadata):
            continue
        try:
            grounding = _decode_grounding(candidate.grounding_metadata)
        except msgspec.DecodeError:
            continue
        queries.update(query for query in grounding.web_search_queries or () if query)
        found |= any(has_value(chunk.web) for chunk in grounding.grounding_chunks or ())
    return len(queries) or int(found)


def parse_lenient(line: bytes) -> Any:
    """Parse JSON that strict parsers refuse: bytes that are not UTF-8, halves of characters (both become U+FFFD),
    a byte order mark, control characters, NaN. Raises ValueError for what is no JSON at all.
    """
    text = line.decode("utf-8", "replace").strip().lstrip("\ufeff")
    return _replace_surrogates(json.loads(text, strict=False, parse_constant=lambda _: None))


def _replace_surrogates(value: Any) -> Any:
    """A value with every half of a character replaced."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_replace_surrogates(item) for item in value]
    return (
        {_replace_surrogates(name): _replace_surrogates(item) for name, item in value.items()}
        if isinstance(value, dict)
        else value
    )


def decode_snake_case(line: bytes) -> Response | None:
    """The response of a line written with snake_case names, as SDK objects dumped to JSON have them."""
    if b'"finish_reason"' not in line and b'"prompt_feedback"' not in line and b'"usage_metadata"' not in line:
        return None
    try:
        camel = _camel_case_names(decode_any(line).get("response"))
        response: Response | None = decode_response(msgspec.json.encode(camel))
    except msgspec.DecodeError:
        return None
    return response


def _camel_case_names(value: Any) -> Any:
    if isinstance(value, list):
        return [_camel_case_names(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {re.sub(r"_([a-z])", lambda m: m[1].upper(), name): _camel_case_names(item) for name, item in value.items()}
