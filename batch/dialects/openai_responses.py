"""OpenAI's responses (`/v1/responses`) as requests of Gemini."""

from __future__ import annotations

from batch.dialects.conversion import Conversion, Json, texts_of
from batch.dialects.openai_parts import read_parts
from batch.dialects.openai_settings import leave_out_rest, read_format, read_sampling, read_tool_choice, read_tools
from batch.dialects.thinking import thinking_config
from batch.dialects.tool_exchange import ToolExchange, Turns
from batch.rules.model_rules import ModelRules

_SYSTEM = ("system", "developer")
_STORED = {
    "previous_response_id": "the response before, which OpenAI keeps",
    "conversation": "the conversation before, which OpenAI keeps",
    "prompt": "prompts that are stored at OpenAI",
}


def convert_response(body: Json, conversion: Conversion, rules: ModelRules) -> Conversion:
    """The request of a response's body."""
    for name, what in _STORED.items():
        if body.get(name):
            conversion.refuse(what, "Give the text of it in the input.")
    turns, system = _read_input(body.get("input"), conversion)
    instructions = [*texts_of(body.get("instructions")), *system]
    conversion.set("input", "contents", turns.contents)
    if instructions:
        conversion.set("instructions", "systemInstruction", {"parts": [{"text": text} for text in instructions]})
    read = {"input", "instructions", *_STORED, *read_sampling(body, conversion)}
    conversion.set_config("max_output_tokens", "maxOutputTokens", body.get("max_output_tokens"))
    reasoning, text = body.get("reasoning"), body.get("text")
    if isinstance(reasoning, dict) and reasoning.get("effort") is not None:
        conversion.set_config("reasoning.effort", "thinkingConfig", thinking_config(str(reasoning["effort"]), rules))
    if isinstance(text, dict):
        read_format(text.get("format"), "text.format", conversion)
    read_tools(body.get("tools"), conversion)
    read_tool_choice(body.get("tool_choice"), conversion)
    read |= {"max_output_tokens", "reasoning", "text", "tools", "tool_choice"}
    leave_out_rest(body, read, conversion)
    return conversion.finish()


def _read_input(given: object, conversion: Conversion) -> tuple[Turns, list[str]]:
    turns, system, exchange = Turns(), list[str](), ToolExchange(conversion)
    called_before = False
    for one in [{"role": "user", "content": given}] if isinstance(given, str) else conversion.messages(given):
        kind = str(one.get("type") or "message")
        if kind == "function_call":
            call = exchange.call(one.get("call_id"), one.get("name"), one.get("arguments"), first=not called_before)
            turns.add("model", [call])
        elif kind == "function_call_output":
            output = one.get("output")
            returned = exchange.result(one.get("call_id"), output if isinstance(output, str) else texts_of(output))
            turns.add("user", [returned] if returned else [])
        elif kind == "reasoning":
            conversion.leave_out("reasoning of earlier turns")
        elif kind == "message":
            _read_message(one, turns, system, conversion)
        else:
            conversion.refuse(f'items of the type "{kind[:40]}"', "Leave them out, or give them as text.")
        called_before = kind == "function_call"
    return turns, system


def _read_message(message: Json, turns: Turns, system: list[str], conversion: Conversion) -> None:
    role = str(message.get("role"))
    if role in _SYSTEM:
        system += texts_of(message.get("content"))
    elif role in ("user", "assistant"):
        turns.add("user" if role == "user" else "model", read_parts(message.get("content"), conversion))
    else:
        conversion.refuse(f'messages of the role "{role[:40]}"', 'The roles are "user" and "assistant".')
