"""Anthropic's message batches as requests of Gemini."""

from __future__ import annotations

from batch.dialects import tool_exchange
from batch.dialects.conversion import Conversion, Json, objects_of, texts_of
from batch.dialects.media_parts import address_part, inline_part
from batch.dialects.openai_settings import leave_out_rest
from batch.dialects.thinking import thinking_config, thinking_of_budget
from batch.dialects.tool_exchange import ToolExchange, Turns
from batch.rules.model_rules import ModelRules
from batch.rules.schema_equivalents import to_equivalents

_GIVE_CONTENT = "Give its content in base64."
_CHOICES = {"auto": "auto", "any": "required", "none": "none", "tool": "required"}


def convert_message(params: Json, conversion: Conversion, rules: ModelRules) -> Conversion:
    """The request of a message's params."""
    turns = _read_messages(params.get("messages"), conversion)
    conversion.set("messages", "contents", turns.contents)
    system = texts_of(params.get("system"))
    if system:
        conversion.set("system", "systemInstruction", {"parts": [{"text": text} for text in system]})
    for source, target in (
        ("max_tokens", "maxOutputTokens"),
        ("temperature", "temperature"),
        ("top_p", "topP"),
        ("top_k", "topK"),
        ("stop_sequences", "stopSequences"),
    ):
        conversion.set_config(source, target, params.get(source) or (0 if params.get(source) == 0 else None))
    _read_thinking(params, conversion, rules)
    _read_format(params, conversion)
    _read_tools(params, conversion)
    if params.get("model"):
        conversion.leave_out(f"model {str(params['model'])[:40]}")
    if _holds_cache_control(params):
        conversion.leave_out("cache_control")
    read = {
        "messages", "system", "max_tokens", "temperature", "top_p", "top_k", "stop_sequences", "thinking", "model",
        "tools", "tool_choice", "output_config", "output_format", "cache_control", "anthropic_version",
    }  # fmt: skip
    leave_out_rest(params, read, conversion)
    return conversion.finish()


def _read_thinking(params: Json, conversion: Conversion, rules: ModelRules) -> None:
    thinking, output = params.get("thinking"), params.get("output_config")
    effort = output.get("effort") if isinstance(output, dict) else None
    if effort is not None:
        word = "xhigh" if effort == "max" else str(effort)
        conversion.set_config("output_config.effort", "thinkingConfig", thinking_config(word, rules))
    elif isinstance(thinking, dict) and thinking.get("type") == "enabled":
        budget = thinking.get("budget_tokens")
        if isinstance(budget, int):
            conversion.set_config("thinking", "thinkingConfig", thinking_of_budget(budget, rules))
    elif isinstance(thinking, dict) and thinking.get("type") == "disabled":
        conversion.leave_out("thinking")


def _read_format(params: Json, conversion: Conversion) -> None:
    output = params.get("output_config")
    wanted = output.get("format") if isinstance(output, dict) else params.get("output_format")
    if isinstance(wanted, dict) and isinstance(wanted.get("schema"), dict):
        conversion.set_config("output format", "responseMimeType", "application/json")
        conversion.set_config("output format", "responseSchema", to_equivalents(wanted["schema"])[0])


def _read_tools(params: Json, conversion: Conversion) -> None:
    tool_exchange.read_tools(params.get("tools"), conversion, _function)
    chosen = params.get("tool_choice")
    if isinstance(chosen, dict) and conversion.request.get("tools"):
        names = [str(chosen["name"])] if chosen.get("name") else []
        mode = _CHOICES.get(str(chosen.get("type")), "")
        conversion.set("tool_choice", "toolConfig", tool_exchange.choice(mode, names))


def _function(tool: Json) -> Json | None:
    if (tool.get("type") or "custom") != "custom":
        return None
    return tool_exchange.declaration(tool.get("name"), tool.get("description"), tool.get("input_schema"))


def _read_messages(messages: object, conversion: Conversion) -> Turns:
    turns, exchange = Turns(), ToolExchange(conversion)
    for one in conversion.messages(messages):
        role = {"user": "user", "assistant": "model"}.get(str(one.get("role")))
        if role is None:
            conversion.refuse(f'messages of the role "{str(one.get("role"))[:40]}"', 'They are "user" and "assistant".')
            continue
        content = one.get("content")
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        parts: list[Json] = []
        for block in objects_of(blocks):
            parts += _read_block(block, conversion, exchange, parts)
        turns.add(role, parts)
    return turns


def _read_block(block: Json, conversion: Conversion, exchange: ToolExchange, before: list[Json]) -> list[Json]:
    kind = str(block.get("type"))
    if kind == "text":
        return [{"text": str(block.get("text"))}] if block.get("text") else []
    if kind in ("image", "document"):
        return _read_source(block, "images" if kind == "image" else "documents", conversion)
    if kind == "tool_use":
        first = not any("functionCall" in part for part in before)
        return [exchange.call(block.get("id"), block.get("name"), block.get("input"), first=first)]
    if kind == "tool_result":
        content = block.get("content")
        returned = exchange.result(block.get("tool_use_id"), "\n".join(texts_of(content)))
        pictures = [inner for inner in objects_of(content) if inner.get("type") == "image"]
        seen = [_read_source(inner, "images", conversion) for inner in pictures]
        return [*([returned] if returned else []), *(part for parts in seen for part in parts)]
    if kind in ("thinking", "redacted_thinking"):
        conversion.leave_out("thinking of earlier turns")
        return []
    conversion.refuse(f'blocks of the type "{kind[:40]}"', "Leave them out, or give them as text.")
    return []


def _read_source(block: Json, what: str, conversion: Conversion) -> list[Json]:
    given = block.get("source")
    source: Json = given if isinstance(given, dict) else {}
    kind = source.get("type")
    title = [{"text": str(block["title"])}] if block.get("title") else []
    if kind == "base64":
        conversion.map(f"{what} in base64", "inlineData")
        return [*title, inline_part(str(source.get("media_type")), str(source.get("data") or ""))]
    if kind == "text":
        return [*title, {"text": str(source.get("data") or "")}]
    if kind == "content":
        return [*title, *({"text": text} for text in texts_of(source.get("content")))]
    if kind == "url":
        part = address_part(str(source.get("url") or ""), what, conversion)
        return [*title, part] if part else []
    conversion.refuse(f"{what} that are stored at Anthropic (file_id)", _GIVE_CONTENT)
    return []


def _holds_cache_control(params: Json) -> bool:
    """Whether anything of a message is marked to be cached; here caching is decided by arithmetic."""
    blocks = [params.get("system"), params.get("tools")]
    blocks += [message.get("content") for message in objects_of(params.get("messages"))]
    return any("cache_control" in block for part in blocks for block in objects_of(part))
