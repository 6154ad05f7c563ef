"""Lines for other APIs that differ in their texts alone are converted once, and filled in from then on.

The lines of a batch file have one model, one set of settings and the same turns; what changes is what is said in them.
So a line of each kind is converted and checked with marks in the place of its texts, and for every further line of
that kind its texts are put where the marks came out. What does not fit, or says something that the check would look
at, goes the long way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
import orjson
from msgspec import UNSET, Raw, Struct, UnsetType

MAX_TEMPLATES = 256
_SLOTS = ("messages", "input", "prompt")  # the member of a body that holds its texts
_MARK = "\ue0f0{}\ue0f1"
_MARKED_TEXT, _MARKED_PROMPT = re.compile('"\ue0f0([0-9]+)\ue0f1"'.encode()), re.compile("\ue0f0([0-9]+)\ue0f1")
MAX_FRAMES = 8
_USE_CACHE = "@use_cache"  # a text that begins so is no mere text


@dataclass
class ConvertedLine:
    """What became of a line: its request, the prompt in it, and what was counted on the way.

    `lines` is how many others were filled in like it and are not counted yet.
    """

    request: bytes
    prompt: str
    notes: Mapping[str, int]
    models: Mapping[str, int]
    lines: int = 0


class FilledLine(NamedTuple):
    """A line that was filled into a template: its key, request and prompt, and the line that the template is of."""

    key: str
    request: bytes
    prompt: str
    like: ConvertedLine


Convert = Callable[[bytes], ConvertedLine | None]
_Frame = tuple[bytes, ...]  # what stands before the key, between it and the texts, and after the last


class _Message(Struct, forbid_unknown_fields=True, gc=False):
    role: str
    content: str


class _Line(Struct, forbid_unknown_fields=True, gc=False):
    custom_id: str
    method: str | UnsetType = UNSET
    url: str | UnsetType = UNSET
    body: dict[str, Raw] | UnsetType = UNSET
    params: dict[str, Raw] | UnsetType = UNSET


_decode_line = msgspec.json.Decoder(_Line).decode
_decode_texts = msgspec.json.Decoder(list[_Message] | str).decode
_encode, _decode_text = msgspec.json.Encoder().encode, msgspec.json.Decoder(str).decode
_ERRORS = (msgspec.MsgspecError, UnicodeError, RecursionError)


def may_fit(raw: bytes) -> bool:
    """Whether a line looks like one for another API: a quick look at its beginning."""
    return b'"custom_id"' in raw[:80]


class _Template(NamedTuple):
    """A converted line: the request and the prompt to be filled in, and which texts they take, in their order.

    `quotes` counts the quotation marks of the line that was converted; more of them tell of names that stand twice.
    """

    request: bytes
    request_slots: tuple[int, ...]
    prompt: str
    prompt_slots: tuple[int, ...]
    quotes: int
    converted: ConvertedLine

    def fill(self, key: str, texts: Sequence[str]) -> FilledLine:
        encoded = tuple([_encode(texts[slot]) for slot in self.request_slots])
        prompt = tuple([texts[slot] for slot in self.prompt_slots])
        return FilledLine(key, self.request % encoded, self.prompt % prompt, self.converted)


class LineTemplates:
    """The templates of one input. `convert` converts and checks a line the long way; None where it is refused.

    `learned` are the lines that templates were made of.
    """

    def __init__(self, convert: Convert) -> None:
        self._convert = convert
        self.learned: list[ConvertedLine] = []
        self._templates: dict[object, _Template | None] = {}
        self._frames: list[tuple[_Frame, _Template]] = []

    def fill(self, raw: bytes) -> FilledLine | None:
        """The line filled into the template of its kind; None sends it the long way."""
        for frame, template in self._frames:
            try:
                read = _read_frame(raw, frame)
            except _ERRORS:
                return None
            if read is not None:
                key, *texts = read
                return template.fill(key, texts) if key and all(map(_is_plain, texts)) else None
        return self._fill_parsed(raw)

    def _fill_parsed(self, raw: bytes) -> FilledLine | None:
        try:
            line = _decode_line(raw)
            body = line.params if line.body is UNSET else line.body
            if body is UNSET or not line.custom_id or (line.body is not UNSET and line.params is not UNSET):
                return None
            slot = next((name for name in _SLOTS if name in body), "")
            given = _decode_texts(body.pop(slot)) if slot else ()
        except _ERRORS:
            return None
        roles, texts = _texts_of(given)
        if not texts or not all(map(_is_plain, texts)):
            return None
        settings = tuple([(name, bytes(value)) for name, value in body.items()])
        kind = (line.url, line.method, line.params is UNSET, slot, roles, settings)
        template = self._templates.get(kind, UNSET)
        if template is UNSET:
            template = self._learn(line, body, slot, roles)
            if len(self._templates) >= MAX_TEMPLATES:
                self._templates.clear()
            self._templates[kind] = template
        if template is None or raw.count(b'"') != _quotes(template.quotes, line.custom_id, texts):
            return None
        if len(self._frames) < MAX_FRAMES and (frame := _frame_of(raw, [line.custom_id, *texts])):
            self._frames.append((frame, template))
        return template.fill(line.custom_id, texts)

    def _learn(self, line: _Line, body: dict[str, Raw], slot: str, roles: tuple[str, ...] | None) -> _Template | None:
        marks = [_MARK.format(number) for number in range(len(roles or ("",)))]
        turns = (
            marks[0]
            if roles is None
            else [{"role": role, "content": mark} for role, mark in zip(roles, marks, strict=True)]
        )
        members: dict[str, object] = {name: orjson.Fragment(bytes(value)) for name, value in body.items()}
        envelope = {name: value for name in ("method", "url") if (value := getattr(line, name)) is not UNSET}
        inner = "params" if line.body is UNSET else "body"
        marked = orjson.dumps({"custom_id": "k", **envelope, inner: {**members, slot: turns}})
        converted = self._convert(marked)
        if converted is None:
            return None
        request, prompt = _MARKED_TEXT.split(converted.request), _MARKED_PROMPT.split(converted.prompt)
        request_slots, prompt_slots = tuple(map(int, request[1::2])), tuple(map(int, prompt[1::2]))
        if sorted(request_slots) != list(range(len(marks))):  # a text is left out, or became part of another
            return None
        self.learned.append(converted)
        filled_request = b"%b".join(piece.replace(b"%", b"%%") for piece in request[::2])
        filled_prompt = "%s".join(piece.replace("%", "%%") for piece in prompt[::2])
        quotes = marked.count(b'"')
        return _Template(filled_request, request_slots, filled_prompt, prompt_slots, quotes, converted)


def _texts_of(given: list[_Message] | str | tuple[()]) -> tuple[tuple[str, ...] | None, list[str]]:
    """The roles of turns and what is said in each; no roles for a single text."""
    if isinstance(given, str):
        return None, [given]
    return tuple([message.role for message in given]), [message.content for message in given]


def _is_plain(text: str) -> bool:
    """Whether a text is only sent, and nothing hangs on what it says."""
    return bool(text) and not text.isspace() and not text.lstrip().startswith(_USE_CACHE)


def _quotes(quotes: int, key: str, texts: Sequence[str]) -> int:
    return quotes + key.count('"') + sum([text.count('"') for text in texts])


def _frame_of(raw: bytes, texts: Sequence[str]) -> _Frame | None:
    """What stands around the key and the texts of a line; None where those cannot be told from it."""
    literals = [_encode(text) for text in texts]
    if len({*literals}) < len(literals) or any(raw.count(literal) != 1 for literal in literals):
        return None
    places = [raw.index(literal) for literal in literals]
    if places != sorted(places):
        return None
    ends = [place + len(literal) for place, literal in zip(places, literals, strict=True)]
    between = [raw[end:start] for end, start in zip([0, *ends], [*places, len(raw)], strict=True)]
    return tuple(between) if all(b'"' in piece for piece in between[1:-1]) else None


def _read_frame(raw: bytes, frame: _Frame) -> list[str] | None:
    """The key and the texts of a line that stand in this frame; None if it is another.

    A quotation mark within a text is written as a code, so no piece of a frame is found in one. What is no JSON
    text raises an error.
    """
    at, last = len(frame[0]), len(raw) - len(frame[-1])
    if not (raw.startswith(frame[0]) and raw.endswith(frame[-1])):
        return None
    texts = []
    for piece in frame[1:-1]:
        end = raw.find(piece, at)
        if end < 0:
            return None
        texts.append(_decode_text(raw[at:end]))
        at = end + len(piece)
    texts.append(_decode_text(raw[at:last]))
    return texts
