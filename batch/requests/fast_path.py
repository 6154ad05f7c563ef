"""The usual request, read by one typed decode.

What does not fit here is read level by level (`batch/requests/canonicalize.py`).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType
from msgspec.structs import astuple

from batch.requests.canonicalize import base64_fault, is_address
from batch.rules import media_types
from batch.rules.tool_history import HistoryTurn


class Blob(Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    mime_type: str
    data: str
    display_name: str | None = None


class FileData(Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    file_uri: str
    mime_type: str | None = None
    display_name: str | None = None


class FunctionCall(Struct, forbid_unknown_fields=True, gc=False):
    name: str
    args: dict[str, Any] | None = None
    id: str | None = None


class FunctionResponse(Struct, forbid_unknown_fields=True, gc=False):
    name: str
    response: dict[str, Any] | None = None
    id: str | None = None


class SimplePart(Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    inline_data: Blob | None = None
    file_data: FileData | None = None
    function_call: FunctionCall | None = None
    function_response: FunctionResponse | None = None


class SimpleContent(Struct, forbid_unknown_fields=True, gc=False):
    parts: Annotated[list[SimplePart], Meta(min_length=1)]
    role: Literal["user", "model"] | None = None


SimpleContents = Annotated[list[SimpleContent], Meta(min_length=1)]


class SimpleRequest(Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    contents: SimpleContents
    system_instruction: Raw | UnsetType = UNSET
    generation_config: Raw | UnsetType = UNSET
    safety_settings: Raw | UnsetType = UNSET
    tools: Raw | UnsetType = UNSET
    tool_config: Raw | UnsetType = UNSET

    def other_fields(self) -> tuple[Raw | UnsetType, ...]:
        """The fields beside the contents, in the order of `OTHER_FIELDS`."""
        return (self.system_instruction, self.generation_config, self.safety_settings, self.tools, self.tool_config)


class SimpleLine(Struct, forbid_unknown_fields=True, gc=False):
    key: Annotated[str, Meta(min_length=1)]
    request: SimpleRequest


class KeyAndRequest(Struct, forbid_unknown_fields=True, gc=False):
    key: str
    request: Raw


OTHER_FIELDS = ("systemInstruction", "generationConfig", "safetySettings", "tools", "toolConfig")
NO_OTHER_FIELDS = (UNSET,) * len(OTHER_FIELDS)
DECODE_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

decode_line = msgspec.json.Decoder(SimpleLine).decode
decode_key_and_request = msgspec.json.Decoder(KeyAndRequest).decode
decode_contents = msgspec.json.Decoder(SimpleContents).decode


class ParsedContents(Struct, gc=False):
    """What contents hold: the prompt, whether there is media, and the turns if functions are called in them."""

    prompt: str
    media: bool
    history: list[HistoryTurn] | None = None


def parse_simple(contents: list[SimpleContent]) -> ParsedContents | None:
    """Read contents that fit the types; None if they need a closer look, because they are wrong or unusual."""
    last = contents[-1]
    if last.role == "model" or contents[0].role == "model":
        return None
    media = functions = False
    for content in contents:
        for part in content.parts:
            data = (part.inline_data, part.file_data, part.function_call, part.function_response)
            if part.text is None or data != _NO_DATA:
                if not _is_valid_part(part):
                    return None
                media = media or part.inline_data is not None or part.file_data is not None
                functions = functions or part.function_call is not None or part.function_response is not None
    parts = last.parts
    prompt = parts[0].text or "" if len(parts) == 1 else join_text(parts)
    if (not prompt or prompt.isspace()) and all(part.text is not None for part in parts):
        return None
    return ParsedContents(prompt, media, _history(contents) if functions else None)


def _history(contents: list[SimpleContent]) -> list[HistoryTurn]:
    """The turns as the rules of tool histories see them."""
    turns = []
    for content in contents:
        calls = [part for part in content.parts if part.function_call is not None]
        responses = sum(part.function_response is not None for part in content.parts)
        turns.append(
            HistoryTurn(
                is_model=content.role == "model",
                calls=tuple(part.function_call.name for part in calls if part.function_call is not None),
                signed=bool(calls and calls[0].thought_signature),
                responses=responses,
                speaks=responses < len(content.parts),
            )
        )
    return turns


def has_no_duplicate_keys(line: SimpleLine, raw: bytes) -> bool:
    """Whether every name in a line stands there once; of a repeated one, only the last was read."""
    quotes = 8 + line.key.count('"')
    for value in line.request.other_fields():
        if value is not UNSET:
            quotes += 2 + bytes(value).count(b'"')
    return raw.count(b'"') == quotes + _quote_count(line.request.contents)


def contents_have_no_duplicate_keys(contents: list[SimpleContent], raw: bytes | Raw) -> bool:
    """The same for contents alone."""
    return bytes(raw).count(b'"') == _quote_count(contents)


def _quote_count(contents: list[SimpleContent]) -> int:
    """How many quotation marks the JSON of contents has if nothing is said twice.

    A mark written as a code, and a null, make a false alarm, which costs a closer look.
    """
    quotes = 0
    for content in contents:
        quotes += 2 if content.role is None else 6
        for part in content.parts:
            if part.text is not None:
                quotes += 4 + part.text.count('"')
            if part.thought is not None:
                quotes += 2
            if part.thought_signature is not None:
                quotes += 4 + part.thought_signature.count('"')
            for data in (part.inline_data, part.file_data, part.function_call, part.function_response):
                if data is not None:
                    values = [value for value in astuple(data) if value is not None]
                    quotes += 2 + 2 * len(values) + sum(msgspec.json.encode(value).count(b'"') for value in values)
    return quotes


def join_text(parts: list[SimplePart]) -> str:
    """The text that a person would call the prompt."""
    return "\n".join(part.text for part in parts if part.text and not part.thought)


_NO_DATA = (None,) * 4


def _is_valid_part(part: SimplePart) -> bool:
    """One kind of data, and that in order."""
    data = (part.text, part.inline_data, part.file_data, part.function_call, part.function_response)
    if len(data) - data.count(None) != 1:
        return False
    if part.inline_data is not None:
        blob = part.inline_data
        return not base64_fault(blob.data) and media_types.judge_blob(blob.mime_type, blob.data, "") is media_types.FINE
    return part.file_data is None or _is_valid_file(part.file_data)


def _is_valid_file(file: FileData) -> bool:
    """An address that Gemini reads, and a usual type or none."""
    return (
        is_address(file.file_uri)
        and media_types.judge_address(file.file_uri, "") is media_types.FINE
        and (file.mime_type is None or media_types.judge_type(file.mime_type, "") is media_types.FINE)
    )
