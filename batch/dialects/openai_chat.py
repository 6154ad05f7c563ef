"""OpenAI's chat completions, and the older completions and embeddings, as requests of Gemini."""

from __future__ import annotations

from batch.dialects.conversion import Conversion, Json, objects_of, texts_of
from batch.dialects.openai_parts import read_parts
from batch.dialects.openai_settings import leave_out_rest, read_format, read_sampling, read_tool_choice, read_tools
from batch.dialects.thinking import thinking_config
from batch.dialects.tool_exchange import ToolExchange, Turns
from batch.rules.model_rules import ModelRules

_SYSTEM = ("system", "developer")


def convert_chat(body: Json, conversion: Conversion, rules: ModelRules) -> Conversion:
    """The request of a chat completion's body."""
    turns, system = _read_messages(body.get("messages"), conversion)
    conversion.set("messages", "contents", turns.contents)
    if system:
        conversion.set("system messages", "systemInstruction", {"parts": [{"text": text} for text in system]})
    read = {"messages", *read_sampling(body, conversion)}
    read |= _read_settings(body, conversion, rules)
    read_format(body.get("response_format"), "response_format", conversion)
    tools = objects_of(body.get("tools"))
    tools += [{"type": "function", "function": one} for one in objects_of(body.get("functions"))]
    if body.get("web_search_options") is not None:
        tools.append({"type": "web_search"})
    read_tools(tools, conversion)
    read_tool_choice(body.get("tool_choice", body.get("function_call")), conversion)
    read |= {"response_format", "tools", "tool_choice", "web_search_options", "functions", "function_call"}
    if "audio" in texts_of(body.get("modalities")):
        conversion.refuse("answers in sound", "Ask for text.")
    leave_out_rest(body, {*read, "modalities", "audio"}, conversion)
    return conversion.finish()


def _read_settings(body: Json, conversion: Conversion, rules: ModelRules) -> set[str]:
    limit = next((name for name in ("max_completion_tokens", "max_tokens") if body.get(name) is not None), "max_tokens")
    conversion.set_config(limit, "maxOutputTokens", body.get(limit))
    stop = body.get("stop")
    conversion.set_config("stop", "stopSequences", [stop] if isinstance(stop, str) else stop or None)
    conversion.set_config("n", "candidateCount", None if body.get("n") in (None, 1) else body["n"])
    for source, target in (("presence_penalty", "presencePenalty"), ("frequency_penalty", "frequencyPenalty")):
        conversion.set_config(source, target, body.get(source) or None)
    if body.get("logprobs") is True:
        conversion.set_config("logprobs", "responseLogprobs", True)
        conversion.set_config("top_logprobs", "logprobs", body.get("top_logprobs"))
    effort = body.get("reasoning_effort")
    if effort is not None:
        conversion.set_config("reasoning_effort", "thinkingConfig", thinking_config(str(effort), rules))
    return {
        "max_completion_tokens", "max_tokens", "stop", "n", "presence_penalty", "frequency_penalty", "logprobs",
        "top_logprobs", "reasoning_effort",
    }  # fmt: skip


def _read_messages(messages: object, conversion: Conversion) -> tuple[Turns, list[str]]:
    """The turns of a conversation, and what its system messages say, wherever they stand."""
    turns, system, exchange = Turns(), list[str](), ToolExchange(conversion)
    for message in conversion.messages(messages):
        role, content = str(message.get("role")), message.get("content")
        if role in _SYSTEM:
            system += texts_of(content)
        elif role == "user":
            turns.add("user", read_parts(content, conversion))
        elif role == "assistant":
            turns.add("model", _assistant_parts(message, conversion, exchange))
        elif role in ("tool", "function"):
            called = message.get("tool_call_id") if role == "tool" else message.get("name")
            returned = exchange.result(called, content if isinstance(content, str) else "\n".join(texts_of(content)))
            turns.add("user", [returned] if returned else [])
        else:
            conversion.refuse(f'messages of the role "{role[:40]}"', 'The roles are "user" and "assistant".')
    return turns, system


def _assistant_parts(message: Json, conversion: Conversion, exchange: ToolExchange) -> list[Json]:
    parts = read_parts(message.get("content") or message.get("refusal"), conversion)
    calls = objects_of(message.get("tool_calls"))
    old_call = message.get("function_call")
    if isinstance(old_call, dict):
        calls.append({"id": old_call.get("name"), "function": old_call})
    for number, call in enumerate(calls):
        function = call.get("function")
        function = function if isinstance(function, dict) else {}
        parts.append(exchange.call(call.get("id"), function.get("name"), function.get("arguments"), first=not number))
    return parts


def convert_completion(body: Json, conversion: Conversion, rules: ModelRules) -> Conversion:
    """The request of an older completion: a prompt without turns."""
    prompt = body.get("prompt")
    if not isinstance(prompt, str):
        conversion.refuse("several prompts in a line", "Give each prompt a line of its own.")
    conversion.set("prompt", "contents", [{"role": "user", "parts": [{"text": str(prompt)}]}])
    read = {"prompt", *read_sampling(body, conversion), *_read_settings(body, conversion, rules)}
    leave_out_rest(body, read, conversion)
    return conversion.finish()


def convert_embedding(body: Json, conversion: Conversion) -> Conversion:
    """The request of one embedding."""
    given = body.get("input")
    text = given[0] if isinstance(given, list) and len(given) == 1 else given
    conversion.embeds = True
    if not isinstance(text, str):
        conversion.refuse("several texts to embed in a line", "Give each text a line of its own.")
    conversion.set("input", "content", {"parts": [{"text": str(text)}]})
    conversion.set("dimensions", "outputDimensionality", body.get("dimensions"))
    leave_out_rest(body, {"input", "dimensions", "model"}, conversion)
    return conversion
