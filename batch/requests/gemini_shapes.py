"""Requests in shapes that Google's SDK takes and the wire does not: `config`, texts in place of contents and parts."""

from __future__ import annotations

from typing import Any

from msgspec import Raw
from msgspec.json import decode

from batch.requests.canonicalize import Findings, Members, encode, json_kind, parse_object, read_object
from batch.requests.field_table import find_field

_CONTENT_FIELDS = ("systemInstruction", "system_instruction")
_SDK_ONLY = ("httpOptions", "http_options", "automaticFunctionCalling", "automatic_function_calling")


def to_wire(members: Members, findings: Findings) -> Members:
    """A request's members in the wire's shape. What has that shape already is passed on as it is."""
    out = dict(members)
    if "config" in out and json_kind(out["config"]) == "an object":
        _spread_config(out, parse_object(out.pop("config"), findings), findings)
    for name in ("contents", *_CONTENT_FIELDS):
        if name in out:
            out[name] = _contents(out[name], one=name != "contents", findings=findings)
    return out


def _spread_config(out: Members, config: Members, findings: Findings) -> None:
    """Put the SDK's settings where the wire has them. Unknown names stay, so that they are named as such."""
    generation: Members = {}
    for name, value in config.items():
        if name in _SDK_ONLY or json_kind(value) == "null":
            continue
        in_generation = find_field("GenerationConfig", name) or not find_field("Request", name)
        if in_generation:
            generation[name] = value
        else:
            out.setdefault(name, value)
    if generation:
        given = next((out.pop(name) for name in ("generationConfig", "generation_config") if name in out), None)
        out["generationConfig"] = Raw(encode({**generation, **(read_object(given) if given is not None else {})}))
    findings.notes["sdk_config"] += 1


def _contents(raw: Raw, *, one: bool, findings: Findings) -> Raw:
    kind = json_kind(raw)
    if kind == "a text":
        turn: Any = {"parts": [{"text": decode(raw)}]}
        findings.notes["text_content"] += 1
        return Raw(encode(turn if one else [{"role": "user", **turn}]))
    if kind == "an object":
        turn = _turn(raw, findings)
        return turn if one else Raw(b"[" + bytes(turn) + b"]")
    if kind != "a list" or one:
        return raw
    turns = decode(raw, type=list[Raw])
    if turns and all(json_kind(turn) == "a text" for turn in turns):
        findings.notes["text_content"] += 1
        return Raw(encode([{"role": "user", "parts": [{"text": decode(turn)} for turn in turns]}]))
    new = [_turn(turn, findings) if json_kind(turn) == "an object" else turn for turn in turns]
    return raw if all(a is b for a, b in zip(new, turns, strict=True)) else Raw(encode(new))


def _turn(raw: Raw, findings: Findings) -> Raw:
    """A turn whose parts may be texts. One that is as it should be comes back itself."""
    parts = read_object(raw).get("parts")
    if parts is None:
        return raw
    if json_kind(parts) == "a text":
        texts = [decode(parts, type=str)]
    elif json_kind(parts) == "a list" and bytes(memoryview(parts)[:2]) == b'["':
        items = decode(parts)
        texts = items if all(isinstance(item, str) for item in items) else []
    else:
        return raw
    if not texts:
        return raw
    findings.notes["text_content"] += 1
    return Raw(encode({**parse_object(raw, findings), "parts": [{"text": text} for text in texts]}))
